package talk

import (
	"bytes"
	"time"
)

// ParseDate reads an INTERNALDATE (RFC 3501 section 9, date-time), by hand
// since it is read of every message: " 5-Nov-2026 10:00:00 +0900". A zone that
// is missing or unknown counts as UTC.
func ParseDate(p []byte) (time.Time, bool) {
	p = bytes.TrimSpace(p)
	if len(p) > 1 && p[1] == '-' { // one digit for the day
		p = append([]byte{'0'}, p...)
	}
	if len(p) < 20 || p[2] != '-' || p[6] != '-' || p[11] != ' ' || p[14] != ':' || p[17] != ':' {
		return time.Time{}, false
	}
	month := monthOf(p[3:6])
	n := [...]int{digits(p[0:2]), digits(p[7:11]), digits(p[12:14]), digits(p[15:17]), digits(p[18:20])}
	for _, v := range n {
		if v < 0 {
			return time.Time{}, false
		}
	}
	if month == 0 || n[0] < 1 || n[0] > 31 || n[2] > 23 || n[3] > 59 || n[4] > 60 {
		return time.Time{}, false
	}
	t := time.Date(n[1], month, n[0], n[2], n[3], n[4], 0, time.UTC)
	return t.Add(-zone(bytes.TrimSpace(p[20:]))), true
}

// zone reads "+0900".
func zone(p []byte) time.Duration {
	if len(p) < 5 || p[0] != '+' && p[0] != '-' {
		return 0
	}
	h, m := digits(p[1:3]), digits(p[3:5])
	if h < 0 || m < 0 {
		return 0
	}
	east := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if p[0] == '-' {
		return -east
	}
	return east
}

// digits reads a number; -1 if it is none.
func digits(p []byte) int {
	n := 0
	for _, c := range p {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// monthOf reads "Nov", in upper or lower case; 0 if it is no month.
func monthOf(p []byte) time.Month {
	const months = "janfebmaraprmayjunjulaugsepoctnovdec"
	for m := range 12 {
		if bytes.EqualFold(p, []byte(months[3*m:3*m+3])) {
			return time.Month(m + 1)
		}
	}
	return 0
}
