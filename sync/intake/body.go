package intake

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/thread"
	"mailsyncd.example/dedupe"
	"mailsyncd.example/sync/letter"
)

const (
	// heldBytes is how much of a body is held in memory; a longer one is
	// streamed to storage and opened from there.
	heldBytes = 1 << 20
	// headBytes is how much is read of a message over the limit: its header
	// and its text, which comes first in all but odd mailers' work.
	headBytes = 1 << 20
)

// identify reads the header fields that make the messages' identities. Where
// a message has no Message-ID its content must be read first.
func (j *Journey) identify(ctx context.Context, s Stretch, matched []*mail) error {
	if len(matched) == 0 {
		return nil
	}
	byUID := index(matched)
	return s.Box.Heads(ctx, uids(matched), func(uid crm.UID, header []byte) {
		if m := byUID[uid]; m != nil {
			m.identity, m.identified = dedupe.Identify(letter.ReadHead(header), nil)
		}
	})
}

// claim says "I am fetching these now", so that copies that come in through
// several mailboxes at once are not all downloaded. Where claims can't be had,
// they may be: the store takes one of them.
func (j *Journey) claim(ctx context.Context, a crm.AccountID, matched []*mail) (release func(), err error) {
	release, err = j.o.Claims.Claim(ctx, a, identities(matched)...)
	if err != nil && ctx.Err() == nil {
		return func() {}, nil
	}
	return release, err
}

// identities are those that can be told without the content.
func identities(matched []*mail) []crm.Identity {
	var ids []crm.Identity
	for _, m := range matched {
		if m.identified {
			ids = append(ids, m.identity)
		}
	}
	return ids
}

// recognise asks which of the messages are known already and returns the
// others. Of two copies on the same page only the first is returned.
func (j *Journey) recognise(ctx context.Context, a crm.AccountID, matched []*mail) ([]*mail, error) {
	ids := identities(matched)
	known := map[crm.Identity]crm.Known{}
	if len(ids) > 0 {
		var err error
		if known, err = j.o.Store.Known(ctx, a, ids); err != nil {
			return nil, err
		}
	}
	first := map[crm.Identity]*mail{}
	var unknown []*mail
	for _, m := range matched {
		if m.identified {
			_, m.known = known[m.identity]
			m.twin = first[m.identity]
			first[m.identity] = cmp.Or(m.twin, m)
		}
		if !m.known && m.twin == nil {
			unknown = append(unknown, m)
		}
	}
	return unknown, nil
}

// fetch reads and opens the bodies of unknown messages. What the server does
// not deliver has vanished, or is in trouble.
func (j *Journey) fetch(ctx context.Context, s Stretch, p *part, unknown []*mail) error {
	byUID := index(unknown)
	whole := slices.DeleteFunc(slices.Clone(unknown), func(m *mail) bool { return m.env.Size > j.o.Limit })
	var failed error
	take := func(limit int64) func(crm.UID, io.Reader) error {
		return func(uid crm.UID, r io.Reader) error {
			m := byUID[uid]
			if m == nil {
				_, err := io.Copy(io.Discard, r)
				return err
			}
			p.read = append(p.read, m)
			failed = j.open(ctx, s.Folder.Account, p, m, r, limit)
			return failed
		}
	}
	if len(whole) > 0 {
		if err := s.Box.Bodies(ctx, envelopes(whole), j.o.Limit, take(j.o.Limit)); err != nil {
			return cause(failed, err)
		}
	}
	for _, m := range unknown {
		if m.env.Size > j.o.Limit {
			if err := s.Box.Bodies(ctx, []crm.Envelope{m.env}, headBytes, take(headBytes)); err != nil {
				return cause(failed, err)
			}
		}
	}
	return j.missing(ctx, s, p, unknown)
}

// cause prefers our own error to the box's report that we gave up.
func cause(ours, theirs error) error {
	if ours != nil {
		return ours
	}
	return theirs
}

// missing looks again at messages that were asked for and not delivered.
func (j *Journey) missing(ctx context.Context, s Stretch, p *part, unknown []*mail) error {
	for _, m := range unknown {
		if m.message != nil {
			continue
		}
		m.outcome = crm.Vanished
		err := s.Box.Envelopes(ctx, m.env.UID, m.env.UID, func(crm.Envelope, error) {
			m.outcome, m.fault = crm.Trouble, "the server lists this message but does not deliver it"
		})
		if err != nil {
			return err
		}
	}
	for _, m := range p.mails {
		if m.twin != nil && m.twin.message == nil && !m.known {
			m.outcome, m.fault = crm.Trouble, "another copy of this message could not be read"
		}
	}
	return nil
}

// open stores a body's bytes and reads the letter in them.
func (j *Journey) open(ctx context.Context, a crm.AccountID, p *part, m *mail, r io.Reader, limit int64) error {
	var held bytes.Buffer
	held.Grow(int(min(m.env.Size, heldBytes)) + bytes.MinRead)
	_, err := io.CopyN(&held, r, heldBytes)
	if err != nil && err != io.EOF {
		return err
	}
	fits := err == io.EOF
	raw := io.Reader(bytes.NewReader(held.Bytes()))
	if !fits {
		raw = io.MultiReader(raw, r)
	}
	ref, n, err := j.o.Blobs.Put(ctx, a, raw)
	if err != nil {
		return err
	}
	l, err := j.read(ctx, a, ref, held.Bytes(), fits)
	if err != nil {
		return err
	}
	if n >= limit || m.env.Size > j.o.Limit {
		l.Degraded = append(l.Degraded, "too_large")
	}
	if !m.identified {
		m.identity, m.identified = dedupe.Identify(l.Head, &l.Digest)
	}
	for i, b := range l.Bounces {
		l.Bounces[i] = b.By(m.env.ReceivedAt)
	}
	now := j.o.Now()
	m.message = &crm.Message{
		Account: a, ID: crm.MessageID(crm.NewID("msg", now)), Identity: m.identity,
		Direction: m.verdict.Direction, Letter: l, Matches: m.verdict.Matches,
		Correspondents: thread.Correspondents(l.Head, p.internal),
		ReceivedAt:     m.env.ReceivedAt, ImportedAt: now, Raw: ref, Size: n,
	}
	return nil
}

// read reads a letter from memory where it fits, else from storage.
func (j *Journey) read(ctx context.Context, a crm.AccountID, ref crm.BlobRef, held []byte, fits bool) (crm.Letter, error) {
	if fits {
		return readLetter(bytes.NewReader(held))
	}
	stored, err := j.o.Blobs.Open(ctx, a, ref)
	if err != nil {
		return crm.Letter{}, err
	}
	defer stored.Close()
	return readLetter(stored)
}

// readLetter is letter.Open with a net: a message that makes the reader panic
// is kept as raw bytes, and must not take the mailbox down.
func readLetter(r io.Reader) (l crm.Letter, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			l = crm.Letter{Kind: crm.KindPersonal, Degraded: []string{fmt.Sprintf("unreadable: %v", fault)}}
		}
	}()
	return letter.Open(r)
}

// makeDurable brings the page's bodies to the disk, before the rows that name
// them are written.
func (j *Journey) makeDurable(ctx context.Context, page crm.Page) error {
	var refs []crm.BlobRef
	for _, a := range page.Arrivals {
		if a.Message != nil {
			refs = append(refs, a.Message.Raw)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	return j.o.Blobs.Sync(ctx, page.Account, refs)
}

// problem makes the row of a UID in trouble, with the time of the next try.
func (j *Journey) problem(f crm.Folder, uid crm.UID, tries int, detail string) crm.Problem {
	now := j.o.Now()
	return crm.Problem{
		Account: f.Account, Mailbox: f.Mailbox, Folder: f.ID, FolderName: f.Name,
		UIDValidity: f.UIDValidity, UID: uid, Detail: detail,
		Tries: tries, Since: now, RetryAt: now.Add(retryAfter(tries)),
	}
}

// retryAfter grows from a minute to a day: most trouble passes soon, and what
// does not is listed for a person to see.
func retryAfter(tries int) time.Duration {
	steps := [...]time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 8 * time.Hour, 24 * time.Hour}
	return steps[min(max(tries, 1), len(steps))-1]
}

func index(mails []*mail) map[crm.UID]*mail {
	m := make(map[crm.UID]*mail, len(mails))
	for _, x := range mails {
		m[x.env.UID] = x
	}
	return m
}

func uids(mails []*mail) []crm.UID {
	all := make([]crm.UID, len(mails))
	for i, m := range mails {
		all[i] = m.env.UID
	}
	return all
}

func envelopes(mails []*mail) []crm.Envelope {
	all := make([]crm.Envelope, len(mails))
	for i, m := range mails {
		all[i] = m.env
	}
	return all
}
