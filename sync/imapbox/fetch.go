package imapbox

import (
	"bytes"
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox/talk"
)

// fetch runs a UID FETCH and reads what comes into r. NO is a status; BAD and
// a request for patience are errors. Where garbage came on the way, which may
// have swallowed an answer, the box is garbled afterwards.
func (b *Box) fetch(ctx context.Context, r *talk.Fetch, set, items string) (talk.Status, error) {
	var s talk.Status
	err := b.do(ctx, func() error {
		r.Source, b.garbled = b.wire, false
		var err error
		s, err = b.one(b.reading(r.Take), b.newCommand("UID FETCH", set, items))
		return err
	})
	if err != nil || s.Cond == "OK" {
		return s, err
	}
	if e := talk.Refused(s); crm.CodeOf(e) != "server_refused" {
		return s, e
	}
	return s, nil
}

// reading makes of a reader of certain responses one that passes over all
// others.
func (b *Box) reading(take func(line []byte) (bool, error)) func(line []byte) error {
	return func(line []byte) error {
		is, err := take(line)
		if err == nil && !is {
			b.garbled = b.garbled || bytes.Contains(line, []byte("FETCH"))
			err = talk.PassOver(b.wire, line)
		}
		if err != nil {
			return b.fail(err)
		}
		return nil
	}
}
