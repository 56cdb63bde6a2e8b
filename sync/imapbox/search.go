package imapbox

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox/talk"
)

// lend runs a command of imapclient's. Its own errors are of little use: they
// hide their causes, and some say no more than that it gave up. What went
// wrong is known to the loan.
func (b *Box) lend(ctx context.Context, run func() error) error {
	return b.do(ctx, func() error {
		err := run()
		if err == nil {
			return nil
		}
		if s := b.loan.last; s.Cond != "" && s.Cond != "OK" {
			return talk.Refused(s)
		}
		// Its reader must be gone before anybody else touches the wire.
		_ = b.client.Close()
		if b.loan.err != nil {
			return b.fail(b.loan.err)
		}
		b.broken = talk.ProtocolError(talk.Clean([]byte(err.Error())))
		return b.broken
	})
}

// search runs a UID SEARCH. Where the server can, it answers with runs of UIDs
// (all) or the lowest one alone.
func (b *Box) search(ctx context.Context, c *imap.SearchCriteria, all bool) (*imap.SearchData, error) {
	var o *imap.SearchOptions
	if b.caps.Has("ESEARCH") {
		o = &imap.SearchOptions{ReturnAll: all, ReturnMin: !all}
	}
	var found *imap.SearchData
	err := b.lend(ctx, func() error {
		var err error
		found, err = b.client.UIDSearch(c, o).Wait()
		return err
	})
	if err == nil && o != nil && !b.loan.answered {
		return nil, talk.ProtocolError("(no answer to a search)")
	}
	return found, err
}

// runs are the UIDs that a search found.
func runs(d *imap.SearchData) imap.UIDSet {
	set, _ := d.All.(imap.UIDSet)
	return set
}

// FirstUID finds the lowest UID, from lo on, that a message received on or
// after the given day has (any message where day is zero); 0 where there is
// none. The server takes the day from INTERNALDATE as it is written, in
// whatever time zone.
func (b *Box) FirstUID(ctx context.Context, lo crm.UID, day time.Time) (crm.UID, error) {
	for {
		// A server that would list them all is asked for a stretch at a time.
		top := crm.UID(0) // the last one there is
		if !b.caps.Has("ESEARCH") && b.next > lo && b.next-lo > maxWindow {
			top = lo + maxWindow - 1
		}
		d, err := b.search(ctx, &imap.SearchCriteria{UID: span(lo, top), Since: day}, false)
		if err != nil {
			return 0, err
		}
		// Where lo is beyond the last one, "lo:*" finds the last one.
		if first := lowest(d, lo); first != 0 || top == 0 {
			return first, nil
		}
		lo = top + 1
	}
}

// lowest is the lowest UID, from lo on, that a search found; 0 for none.
func lowest(d *imap.SearchData, lo crm.UID) crm.UID {
	if first := crm.UID(d.Min); first >= lo {
		return first
	}
	for _, r := range runs(d) { // ascending
		if crm.UID(r.Stop) >= lo {
			return max(crm.UID(r.Start), lo)
		}
	}
	return 0
}

// span is the UIDs from lo to hi; hi 0 stands for the last one.
func span(lo, hi crm.UID) []imap.UIDSet {
	return []imap.UIDSet{{{Start: imap.UID(lo), Stop: imap.UID(hi)}}}
}

// UIDs hands over every UID there is from lo to hi as runs, ascending. It asks
// for a stretch at a time, so that no answer grows with the folder.
func (b *Box) UIDs(ctx context.Context, lo, hi crm.UID, each func(lo, hi crm.UID)) error {
	for width := crm.UID(maxWindow); lo <= hi && lo > 0; {
		top := hi
		if hi-lo >= width {
			top = lo + width - 1
		}
		d, err := b.search(ctx, &imap.SearchCriteria{UID: span(lo, top)}, true)
		if err != nil {
			return err
		}
		var count crm.UID
		for _, r := range runs(d) {
			from, to := max(crm.UID(r.Start), lo), min(crm.UID(r.Stop), top)
			if from <= to {
				count += to - from + 1
				each(from, to)
			}
		}
		width = maxWindow
		if count < maxWindow/8 { // hardly anything there
			width = 4 * maxWindow
		}
		if lo, err = b.after(ctx, top, hi, count == 0); err != nil {
			return err
		}
	}
	return nil
}

// after tells from where to go on when everything up to top has been read: 0
// at the end. A server may leave a gap of millions of UIDs (or claim to), so
// where there was nothing at all it asks what comes next, if the server can
// tell without listing everything.
func (b *Box) after(ctx context.Context, top, hi crm.UID, nothing bool) (crm.UID, error) {
	switch {
	case top >= hi:
		return 0, nil
	case nothing && b.caps.Has("ESEARCH"):
		return b.FirstUID(ctx, top+1, time.Time{})
	}
	return top + 1, nil
}

// Search finds messages of the open folder by their Message-ID. A server
// searches for a part of the field, so there may be more than have the id.
func (b *Box) Search(ctx context.Context, id crm.HeaderID) ([]crm.UID, error) {
	if strings.ContainsFunc(string(id), func(r rune) bool { return r < ' ' }) {
		return nil, nil // no field has that, and no server takes it
	}
	d, err := b.search(ctx, &imap.SearchCriteria{
		Header: []imap.SearchCriteriaHeaderField{{Key: "Message-ID", Value: string(id)}},
	}, true)
	if err != nil {
		return nil, err
	}
	var uids []crm.UID
	for _, r := range runs(d) {
		for uid := r.Start; uid >= r.Start && uid <= r.Stop && len(uids) < maxFound; uid++ {
			uids = append(uids, crm.UID(uid))
		}
	}
	slices.Sort(uids)
	return uids, nil
}

// maxFound bounds how many copies of one message a server may claim to have.
const maxFound = 10_000
