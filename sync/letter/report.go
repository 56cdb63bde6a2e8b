package letter

import (
	"bytes"
	"strings"

	"mailsyncd.example/sync/letter/field"
)

// IsReport tells of the value of a Content-Type field whether the message is a
// delivery report (RFC 6522 section 3): multipart/report, and about deliveries.
// There are reports about spam, and receipts that a message was read, too.
func IsReport(contentType []byte) bool {
	text, _ := field.UTF8(contentType)
	media, params := field.Parse(strings.TrimSpace(text))
	return media == "multipart/report" && strings.EqualFold(params.Get("report-type"), "delivery-status")
}

// StatusPart tells of the header of a part whether it is the delivery status of
// a report (RFC 3464 section 2.1, RFC 6533 section 4), and in which transfer
// encoding it comes.
func StatusPart(block []byte) (encoding string, is bool) {
	var h header
	h.read(newLines(bytes.NewReader(block), min(len(block), bufferSize)), maxHeader, nil)
	p := describe(&h, "multipart/report")
	return p.encoding, p.media == "message/delivery-status" || p.media == "message/global-delivery-status"
}

// Decode undoes the transfer encoding of a part. What it can't make sense of is
// left out, or stands as it is: whoever reads a report forgives that.
func Decode(encoding string, content []byte) []byte {
	var out heldSink
	d := newDecoder(encoding, &out)
	lines := newLines(bytes.NewReader(content), min(len(content), bufferSize))
	for {
		n, ok := lines.next()
		if !ok {
			break
		}
		d.piece(n.data)
		if len(n.end) > 0 {
			d.endLine(n.end)
		}
	}
	d.close()
	return out.content
}

// heldSink holds what is decoded.
type heldSink struct{ content []byte }

func (s *heldSink) write(b []byte) { s.content = append(s.content, b...) }
func (s *heldSink) close()         {}
