package imapbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox/talk"
	"mailsyncd.example/sync/letter"
)

const (
	// window is how many UIDs are asked for at once. The answers are held and
	// sorted before they are handed over, for no server must answer in order.
	window = 1000
	// maxWindow is how far it is widened while most of its UIDs are unused.
	maxWindow = 1 << 16
	// maxFields bounds the bytes of address fields of one window. A thousand
	// mails to a thousand people each stay below it; what goes beyond is asked
	// for again, alone, as any message in trouble is.
	maxFields = 32 << 20
	// maxPieces is in how many pieces a server may say what it has to say of a
	// message, on the average.
	maxPieces = 4
)

// read is an envelope, or as much of one as came.
type read struct {
	env   crm.Envelope
	whole bool // the header came
	dated bool
	fault error // what could not be understood; once handed over: why there is no envelope
}

func (r *read) complete() bool { return r.whole && r.dated && r.fault == nil }

// merge adds what another response says of the same message.
func (r *read) merge(o read) {
	if o.whole {
		r.env.From, r.env.To, r.env.Copied, r.whole = o.env.From, o.env.To, o.env.Copied, true
		r.env.Report = o.env.Report
	}
	if o.dated {
		r.env.ReceivedAt, r.dated = o.env.ReceivedAt, true
	}
	r.env.Size = max(r.env.Size, o.env.Size)
	r.env.Draft = r.env.Draft || o.env.Draft
	r.fault = cmp.Or(r.fault, o.fault)
}

// Envelopes reads the envelopes of the messages with UIDs from lo to hi,
// ascending, and hands each over. UIDs that no message has are left out. One
// that can't be read comes with its UID and the reason.
func (b *Box) Envelopes(ctx context.Context, lo, hi crm.UID, each func(crm.Envelope, error)) error {
	return b.envelopes(ctx, lo, hi, &envelopes{box: b}, each)
}

// TypedEnvelopes is Envelopes, and tells of each whether it is a delivery
// report: a field more is asked for, in the same round trip.
func (b *Box) TypedEnvelopes(ctx context.Context, lo, hi crm.UID, each func(crm.Envelope, error)) error {
	return b.envelopes(ctx, lo, hi, &envelopes{box: b, typed: true}, each)
}

func (b *Box) envelopes(ctx context.Context, lo, hi crm.UID, e *envelopes, each func(crm.Envelope, error)) error {
	for width := crm.UID(window); lo <= hi && lo > 0; {
		top := hi
		if hi-lo >= width {
			top = lo + width - 1
		}
		if err := e.window(ctx, lo, top); err != nil {
			return err
		}
		for i := range e.got {
			each(e.got[i].env, e.got[i].fault)
		}
		var err error
		if lo, err = b.after(ctx, top, hi, len(e.got) == 0 && width == maxWindow); err != nil {
			return err
		}
		if len(e.got) < int(width)/8 {
			width = min(4*width, maxWindow)
		} else {
			width = window
		}
	}
	return nil
}

// envelopes reads windows one after the other, in the same memory.
type envelopes struct {
	box    *Box
	typed  bool // delivery reports are to be told
	got    []read
	doubt  bool              // what came is not all that was asked for
	why    map[crm.UID]error // why a message that came is not in got
	failed []read            // messages that could not be read even alone
	fields int64             // bytes of address fields so far

	from, to, copied []byte // values of the fields of one message
}

// window reads the envelopes from lo to hi into got.
func (e *envelopes) window(ctx context.Context, lo, hi crm.UID) error {
	e.got, e.failed, e.fields, e.doubt, e.why = e.got[:0], e.failed[:0], 0, false, map[crm.UID]error{}
	set := strconv.FormatUint(uint64(lo), 10) + ":" + strconv.FormatUint(uint64(hi), 10)
	s, err := e.fetch(ctx, set, lo, hi)
	if err != nil {
		return err
	}
	if s.Cond == "OK" && !e.doubt {
		return nil
	}
	// The server gave up half-way, or sent what can't be understood. Look
	// what there is, and read the rest message by message, so that one that
	// can't be read stands in nobody's way.
	var there []crm.UID
	err = e.box.UIDs(ctx, lo, hi, func(lo, hi crm.UID) {
		for uid := lo; uid >= lo && uid <= hi; uid++ {
			there = append(there, uid)
		}
	})
	if err != nil {
		return err
	}
	if err := e.rescue(ctx, talk.Without(there, e.uids())); err != nil {
		return err
	}
	e.got = append(e.got, e.failed...)
	slices.SortFunc(e.got, func(a, b read) int { return cmp.Compare(a.env.UID, b.env.UID) })
	return nil
}

// rescue reads the given messages, halving the set for as long as the server
// refuses it.
func (e *envelopes) rescue(ctx context.Context, missing []crm.UID) error {
	if len(missing) == 0 {
		return nil
	}
	s, err := e.fetch(ctx, talk.SetOf(missing), missing[0], missing[len(missing)-1])
	if err != nil {
		return err
	}
	missing = talk.Without(missing, e.uids())
	if s.Cond == "OK" || len(missing) == 1 {
		for _, uid := range missing {
			e.fail(uid, s)
		}
		return nil
	}
	half := len(missing) / 2
	if err := e.rescue(ctx, missing[:half]); err != nil {
		return err
	}
	return e.rescue(ctx, missing[half:])
}

// fail notes that a message was listed and asked for and did not come.
func (e *envelopes) fail(uid crm.UID, s talk.Status) {
	why := e.why[uid]
	if why == nil {
		why = (&read{}).reason()
	}
	if s.Cond != "OK" {
		why = crm.E(crm.Unavailable, "message_refused", talk.Saying("The mail server lists this message but does not deliver it.", s.Words()))
	}
	e.failed = append(e.failed, read{env: crm.Envelope{UID: uid}, fault: why})
}

// fetch adds to got what the server delivers of set, as long as it is between
// lo and hi and new.
func (e *envelopes) fetch(ctx context.Context, set string, lo, hi crm.UID) (talk.Status, error) {
	var cur read
	r := &talk.Fetch{}
	r.Content = func(m *talk.Fetched, part *talk.Part) error {
		if e.fields += part.Size; part.Size > talk.MaxHeld || e.fields > maxFields {
			m.Fault = talk.ErrTooLong
			return nil
		}
		header, err := part.Held()
		if err == nil {
			e.header(&cur.env, header)
		}
		return err
	}
	r.Done = func(m *talk.Fetched) {
		cur.env.UID, cur.env.ReceivedAt, cur.env.Size = m.UID, m.Date, m.Size
		cur.whole, cur.dated, cur.env.Draft = m.Content, m.Dated, m.Draft
		cur.fault = m.Fault
		switch {
		case m.UID == 0:
			// Another's flags may come without a UID. What was asked for
			// may not.
			e.doubt = e.doubt || m.Fault != nil || m.Content
		case len(e.got) > maxPieces*(window+int(hi-lo)):
			e.doubt = true // nobody needs so many words; the rest is not listened to
		case m.UID >= lo && m.UID <= hi:
			e.got = append(e.got, cur)
		}
		cur = read{}
	}
	s, err := e.box.fetch(ctx, r, set, e.items())
	if err != nil {
		return s, err
	}
	e.doubt = e.doubt || e.box.garbled
	e.join()
	return s, nil
}

// items are all that is asked of a message before the rules have judged it. Not
// ENVELOPE: it is twice as long, and servers lose addresses in it that stand in
// the header (two To fields, odd local parts, raw names). On Gmail drafts lie
// among all other mail.
func (e *envelopes) items() string {
	flags, fields := "", ""
	if e.box.Gmail() {
		flags = "FLAGS "
	}
	if e.typed {
		fields = " CONTENT-TYPE"
	}
	return "(UID " + flags + "INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM TO CC BCC" + fields + ")])"
}

// header takes the addresses out of header fields, and whether it is that of a
// delivery report, where that is asked for.
func (e *envelopes) header(env *crm.Envelope, header []byte) {
	e.from, e.to, e.copied = e.from[:0], e.to[:0], e.copied[:0]
	typed := false
	talk.Fields(header, func(name, value []byte) {
		switch {
		case bytes.EqualFold(name, []byte("from")):
			e.from = talk.Joined(e.from, value)
		case bytes.EqualFold(name, []byte("to")):
			e.to = talk.Joined(e.to, value)
		case bytes.EqualFold(name, []byte("cc")), bytes.EqualFold(name, []byte("bcc")):
			e.copied = talk.Joined(e.copied, value)
		case e.typed && !typed && bytes.EqualFold(name, []byte("content-type")):
			typed, env.Report = true, letter.IsReport(value) // of several the first
		}
	})
	env.From, env.To, env.Copied = talk.Addresses(e.from), talk.Addresses(e.to), talk.Addresses(e.copied)
}

// join sorts what came, makes one of what came in pieces, and takes out what
// is not complete: it is to be asked for again.
func (e *envelopes) join() {
	ready := true
	for i := range e.got {
		ready = ready && e.got[i].complete() && (i == 0 || e.got[i-1].env.UID < e.got[i].env.UID)
	}
	if ready { // nearly always
		return
	}
	slices.SortStableFunc(e.got, func(a, b read) int { return cmp.Compare(a.env.UID, b.env.UID) })
	joined := e.got[:0]
	for _, g := range e.got {
		if n := len(joined); n > 0 && joined[n-1].env.UID == g.env.UID {
			joined[n-1].merge(g)
		} else {
			joined = append(joined, g)
		}
	}
	e.got = slices.DeleteFunc(joined, func(g read) bool {
		if g.complete() {
			return false
		}
		e.doubt = true
		e.why[g.env.UID] = g.reason()
		return true
	})
}

// reason tells why there is no envelope.
func (r *read) reason() error {
	switch {
	case errors.Is(r.fault, talk.ErrTooLong):
		return crm.E(crm.TooLarge, "header_too_large", "The message's address fields are larger than any mail needs.")
	case r.fault != nil:
		return crm.E(crm.Unavailable, "message_garbled", "What the mail server says of this message can't be understood.")
	case !r.dated && r.whole:
		return crm.E(crm.Unavailable, "message_undated", "The mail server does not say when this message was received.")
	}
	return crm.E(crm.Unavailable, "message_refused", "The mail server lists this message but does not deliver it.")
}

func (e *envelopes) uids() []crm.UID {
	uids := make([]crm.UID, len(e.got))
	for i := range e.got {
		uids[i] = e.got[i].env.UID
	}
	return uids
}
