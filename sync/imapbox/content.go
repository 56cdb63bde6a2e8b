package imapbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox/talk"
)

const (
	headItems = "(UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE FROM TO CC SUBJECT IN-REPLY-TO REFERENCES)])"
	bodyItems = "(UID BODY.PEEK[])"

	// maxSet is how many messages are asked for in one command, and maxBatch
	// how many bytes of bodies: what must be read to its end when something
	// goes wrong on our side.
	maxSet   = 500
	maxBatch = 8 << 20
)

// Heads reads the header fields that make a message's identity. The bytes
// hold until each returns. UIDs that the server does not deliver are left out.
func (b *Box) Heads(ctx context.Context, uids []crm.UID, each func(crm.UID, []byte)) error {
	for set := range slices.Chunk(talk.Ascending(uids), maxSet) {
		c := &contents{box: b, items: headItems, asked: set}
		c.take = func(uid crm.UID, r io.Reader) error {
			head, err := io.ReadAll(io.LimitReader(r, talk.MaxHeld))
			if err == nil {
				each(uid, head)
			}
			return nil
		}
		if err := c.read(ctx, set); err != nil {
			return err
		}
	}
	return nil
}

// Bodies reads whole messages, of each at most limit bytes, and hands them
// over as they come. Each must read r to its end; r fails where the message
// was cut off on the way. UIDs that the server does not deliver are left out.
//
// The sizes in the envelopes decide how the messages are read; servers are not
// always right about them, and no harm is done.
func (b *Box) Bodies(ctx context.Context, of []crm.Envelope, limit int64, each func(crm.UID, io.Reader) error) error {
	sizes := make(map[crm.UID]int64, len(of))
	uids := make([]crm.UID, len(of))
	for i, env := range of {
		uids[i], sizes[env.UID] = env.UID, env.Size
	}
	for set := range slices.Chunk(talk.Ascending(uids), maxSet) {
		for len(set) > 0 {
			n, batch := 0, int64(0)
			for n < len(set) && sizes[set[n]] <= pieceSize && batch < maxBatch {
				batch += sizes[set[n]]
				n++
			}
			read := b.whole
			if n == 0 {
				n, read = 1, b.pieces
			}
			if err := read(ctx, set[:n], limit, each); err != nil {
				return err
			}
			set = set[n:]
		}
	}
	return nil
}

// whole reads messages in one command.
func (b *Box) whole(ctx context.Context, set []crm.UID, limit int64, each func(crm.UID, io.Reader) error) error {
	c := &contents{box: b, items: bodyItems, asked: set, limit: limit, take: each}
	return c.read(ctx, set)
}

// contents reads one part of each of some messages.
type contents struct {
	box    *Box
	items  string
	asked  []crm.UID
	offset int64 // where the part begins; servers that can't read pieces begin at 0
	limit  int64 // of what is handed over of each; 0 for no limit
	take   func(crm.UID, io.Reader) error

	got    []crm.UID // handed over
	whole  bool      // a piece was asked for, and the whole message came
	failed error     // what take returned; nothing is handed over after that
}

// read reads a set. What did not come though the server was content with the
// command is asked for once more, as another's flags may have come in its
// place; where the server refuses the set it is halved, so that one message
// does not stand in the way of the others.
func (c *contents) read(ctx context.Context, set []crm.UID) error {
	s, err := c.fetch(ctx, set)
	if err != nil {
		return err
	}
	slices.Sort(c.got)
	left := talk.Without(set, c.got)
	switch {
	case len(left) == 0:
		return nil
	case s.Cond == "OK":
		_, err := c.fetch(ctx, left)
		return err
	case len(left) == 1:
		return nil
	}
	if err := c.read(ctx, left[:len(left)/2]); err != nil {
		return err
	}
	return c.read(ctx, left[len(left)/2:])
}

func (c *contents) fetch(ctx context.Context, set []crm.UID) (talk.Status, error) {
	r := &talk.Fetch{}
	var late []byte // a part that came before its UID
	r.Content = func(m *talk.Fetched, part *talk.Part) error {
		if m.UID != 0 {
			return c.hand(m, part, part.Size)
		}
		if part.Size > talk.MaxHeld {
			m.Fault = talk.ErrTooLong
			return nil
		}
		text, err := part.Held()
		late = append(make([]byte, 0, len(text)), text...)
		return err
	}
	r.Done = func(m *talk.Fetched) {
		if late != nil && m.UID != 0 && m.Fault == nil {
			_ = c.hand(m, bytes.NewReader(late), int64(len(late))) // from memory: can't fail
		}
		late = nil
	}
	s, err := c.box.fetch(ctx, r, talk.SetOf(set), c.items)
	if err == nil {
		err = c.failed
	}
	return s, err
}

// hand hands a part over, if it was asked for and has not come yet. An error
// of the wire is returned; one of take is kept until the answer is at its end.
func (c *contents) hand(m *talk.Fetched, from io.Reader, size int64) error {
	if _, asked := slices.BinarySearch(c.asked, m.UID); !asked || slices.Contains(c.got, m.UID) || c.failed != nil {
		return nil
	}
	if max(m.Origin, 0) != c.offset {
		return nil // not what was asked for
	}
	c.got = append(c.got, m.UID)
	limit := size
	if c.limit > 0 {
		limit = min(size, c.limit)
		c.whole = m.Origin < 0
	}
	w := &watched{from: io.LimitReader(from, limit)}
	if err := c.take(m.UID, w); err != nil {
		c.failed = err
	}
	return w.err
}

// watched remembers why reading failed, whatever the reader makes of it.
type watched struct {
	from io.Reader
	err  error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}
