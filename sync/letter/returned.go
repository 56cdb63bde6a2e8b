package letter

import (
	"bytes"

	"mailsyncd.example/crm/bounce"
)

// returned is what a message holds of another one that came back: what mail
// servers report of it, and its header.
type returned struct {
	reports [][]byte
	head    []byte
}

// maxReports is how many reports of one message are read; mail servers send one.
const maxReports = 8

// room is how many bytes at the beginning of a part are wanted, 0 for none.
func (r *returned) room(media string) int {
	switch media {
	case "message/delivery-status", "message/global-delivery-status":
		if len(r.reports) < maxReports {
			return bounce.MaxReport
		}
	case "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers":
		return maxMessageHead
	}
	return 0
}

// take keeps the beginning of such a part.
func (r *returned) take(media string, b []byte) {
	switch room := r.room(media); {
	case room == bounce.MaxReport:
		r.reports = append(r.reports, bytes.Clone(b[:min(len(b), room)]))
	case room > 0 && r.head == nil:
		r.head = bytes.Clone(b[:min(len(b), room)])
	}
}
