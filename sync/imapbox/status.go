package imapbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/imapbox/talk"
	"mailsyncd.example/sync/letter"
)

// statusHead asks for the header of a report's second part, which is the
// delivery status (RFC 6522 section 3), and statusBody for so much of its
// content. What was returned, the third part, and what is said to people, the
// first, are not asked for anywhere.
const (
	statusHead = "(UID BODY.PEEK[2.MIME])"
	statusBody = "(UID BODY.PEEK[2]<0.%d>)"
)

// Statuses reads the delivery status of delivery reports, of each at most limit
// bytes, and hands over what its transfer encoding is undone of. First the
// headers of all are read, in one command: where the second part of a message is
// something else its content stays unread. It takes two commands for up to 500
// messages, and a third where there is no such part. UIDs of which the server does not deliver it are left out. What a
// server makes of such a question is no reason to leave it: a refusal is an
// answer, too. The content holds until each returns.
func (b *Box) Statuses(ctx context.Context, uids []crm.UID, limit int64, each func(crm.UID, []byte)) error {
	for set := range slices.Chunk(talk.Ascending(uids), maxSet) {
		encodings := map[crm.UID]string{}
		heads := &contents{box: b, items: statusHead, asked: set}
		heads.take = func(uid crm.UID, r io.Reader) error {
			head, err := io.ReadAll(io.LimitReader(r, talk.MaxHeld))
			if encoding, is := letter.StatusPart(head); is && err == nil {
				encodings[uid] = encoding
			}
			return nil
		}
		if err := heads.readSome(ctx); err != nil {
			return err
		}
		bodies := &contents{box: b, items: fmt.Sprintf(statusBody, limit), limit: limit}
		for _, uid := range set {
			if _, is := encodings[uid]; is {
				bodies.asked = append(bodies.asked, uid)
			}
		}
		bodies.take = func(uid crm.UID, r io.Reader) error {
			content, err := io.ReadAll(r)
			if err != nil {
				return nil
			}
			text := letter.Decode(encodings[uid], content)
			if int64(len(content)) == limit { // an address cut in two would be another's
				text = text[:bytes.LastIndexByte(text, '\n')+1]
			}
			each(uid, text)
			return nil
		}
		if err := bodies.readSome(ctx); err != nil {
			return err
		}
	}
	return nil
}

// readSome reads as much of what is asked for as the server cares to deliver:
// only the end of the connection is an error.
func (c *contents) readSome(ctx context.Context) error {
	if len(c.asked) == 0 {
		return nil
	}
	err := c.read(ctx, c.asked)
	if c.box.broken == nil && crm.CodeOf(err) == "protocol_error" {
		return nil
	}
	return err
}
