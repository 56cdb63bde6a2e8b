package crm

import "time"

// Date is a day as RFC 3339 writes it: 2026-08-14.
type Date string

// Absence is what an automatic reply says of its writer: that they are away,
// and until when. The zero Absence says nothing.
type Absence struct {
	ReturnsOn Date      // the day on which they are back
	Until     time.Time // the end of that day where they are: mail is better held until then
}

// Away is a contact's absence as it was last announced.
type Away struct {
	Absence
	Message MessageID // the notice
}
