package field

import (
	"strconv"
	"strings"
	"time"
)

// Date reads the value of a Date field and gives the instant in UTC.
func Date(s string) (time.Time, bool) {
	t, ok := LocalDate(s)
	return t.UTC(), ok
}

// LocalDate reads the value of a Date field and gives the instant in the zone
// of its writer. It knows the forms of RFC 5322 with the obsolete ones, of
// ctime, of ISO 8601 and those that Japanese programs write, by what the words
// in it look like rather than by where they stand.
func LocalDate(s string) (time.Time, bool) {
	if len(s) > 200 {
		s = s[:200]
	}
	s, comment := stripComments(s)
	if strings.Contains(s, "年") {
		s = strings.NewReplacer("年", "/", "月", "/", "日", " ").Replace(s)
	}
	for strings.Contains(s, " :") || strings.Contains(s, ": ") {
		s = strings.ReplaceAll(strings.ReplaceAll(s, " :", ":"), ": ", ":")
	}
	var d date
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == ';' }) {
		d.word(w)
	}
	if !d.zoned {
		// "+0900 (JST)" says it twice; "(JST)" alone is met, too.
		d.zone(strings.TrimSpace(comment))
	}
	return d.time()
}

// stripComments takes out what stands in parentheses, and returns it, too: the
// name of the zone often stands there, and at times nowhere else.
func stripComments(s string) (text, comment string) {
	if !strings.Contains(s, "(") {
		return s, ""
	}
	var out, inside strings.Builder
	depth := 0
	for _, r := range s {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth = max(0, depth-1)
			out.WriteByte(' ')
		case depth == 0:
			out.WriteRune(r)
		default:
			inside.WriteRune(r)
		}
	}
	return out.String(), inside.String()
}

// date is what has been found of one so far.
type date struct {
	year, month, day     int // year -1 until found
	hour, minute, second int
	offset               int // seconds east of UTC
	hasYear, timed       bool
	zoned, afternoon     bool
	morning, bad         bool
}

// word takes what one word says. A zone and a number that is no day come after the
// time of day in all forms that are met.
func (d *date) word(w string) {
	switch {
	case strings.Contains(w, ":") && !d.timed:
		d.clock(w)
	case d.timed && (w[0] == '+' || w[0] == '-'):
		d.zone(w)
	case w[0] >= '0' && w[0] <= '9':
		d.number(w)
	case strings.EqualFold(w, "am"):
		d.morning = true
	case strings.EqualFold(w, "pm"):
		d.afternoon = true
	default:
		if m := month(w); m > 0 && d.month == 0 {
			d.month = m
		} else if d.timed {
			d.zone(w)
		}
	}
}

// number reads a day, a year, or a whole date such as 2-Mar-2026, 2026-03-02
// or 2026/03/02; 10.00.00 is a time of day.
func (d *date) number(w string) {
	if t := strings.IndexAny(w, "Tt"); t > 0 && strings.Count(w[:t], "-") == 2 {
		w = w[:t]
	}
	if d.day != 0 && strings.Count(w, ".") == 2 && !d.timed {
		d.clock(strings.ReplaceAll(w, ".", ":"))
		return
	}
	parts := strings.FieldsFunc(w, func(r rune) bool { return r == '-' || r == '/' || r == '.' })
	switch {
	case len(parts) == 3 && len(parts[0]) == 4:
		d.setYear(parts[0])
		d.month, d.day = month(parts[1]), d.integer(parts[2])
	case len(parts) == 3:
		d.day, d.month = d.integer(parts[0]), month(parts[1])
		d.setYear(parts[2])
	case len(parts) == 1 && d.day == 0 && len(strings.Trim(w, "0stndrh")) <= 2 && len(w) <= 4:
		d.day = d.integer(strings.TrimRight(w, "stndrh")) // 2, 02, 002 or 2nd
	case len(parts) == 1 && !d.hasYear:
		d.setYear(w)
	case d.timed && len(w) == 4 && !d.zoned:
		d.zone("+" + w) // the sign is missing
	}
}

// integer reads a number that may not be anything else.
func (d *date) integer(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		d.bad = true
	}
	return n
}

// setYear reads a year of two digits, or of three as a program writes it that
// counts from 1900 (RFC 5322 section 4.3).
func (d *date) setYear(s string) {
	n := d.integer(s)
	switch {
	case len(s) <= 2 && n < 50:
		n += 2000
	case len(s) <= 3:
		n += 1900
	}
	d.year, d.hasYear = n, true
}

// clock reads 10:00, 10:00:00, 10:00:00.123 and 2026-03-02T10:00:00+09:00.
func (d *date) clock(w string) {
	if t := strings.IndexAny(w, "Tt"); t > 0 && strings.Count(w[:t], "-") == 2 {
		d.number(w[:t])
		w = w[t+1:]
	}
	if at := strings.IndexFunc(w, func(r rune) bool { return r != ':' && r != '.' && (r < '0' || r > '9') }); at > 0 {
		d.timed = true
		d.word(w[at:]) // a zone, or am and pm, without a blank before it
		w = w[:at]
	}
	w, _, _ = strings.Cut(w, ".")
	parts := strings.Split(w, ":")
	d.timed = true
	d.hour = d.integer(parts[0])
	if len(parts) > 1 {
		d.minute = d.integer(parts[1])
	}
	if len(parts) > 2 && parts[2] != "" {
		d.second = d.integer(parts[2])
	}
}

// zone reads +0900, +09:00, +9, JST, GMT+0900. A zone that nobody knows is
// read as UTC, as RFC 5322 section 4.3 has it.
func (d *date) zone(w string) {
	if at := strings.IndexAny(w, "+-"); at > 0 {
		w = w[at:]
	}
	if d.zoned || w == "" {
		return
	}
	if w[0] != '+' && w[0] != '-' {
		if hours, ok := zoneHours(strings.ToUpper(strings.Trim(w, `"'.`))); ok {
			d.offset, d.zoned = int(hours*3600), true
		}
		return
	}
	digits := strings.ReplaceAll(w[1:], ":", "")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 {
		return
	}
	if len(digits) <= 2 {
		n *= 100
	}
	if n/100 > 14 || n%100 > 59 {
		return
	}
	d.offset, d.zoned = n/100*3600+n%100*60, true
	if w[0] == '-' {
		d.offset = -d.offset
	}
}

// time puts together what was found. A date that does not exist is none: the program
// that wrote it is not to be trusted with the rest.
func (d *date) time() (time.Time, bool) {
	if d.afternoon && d.hour < 12 {
		d.hour += 12
	} else if d.morning && d.hour == 12 {
		d.hour = 0
	}
	if d.bad || !d.hasYear || d.year < 1900 || d.year > 9999 || d.month < 1 || d.month > 12 || d.day < 1 ||
		d.hour > 24 || d.minute > 59 || d.second > 60 {
		return time.Time{}, false
	}
	t := time.Date(d.year, time.Month(d.month), d.day, d.hour, d.minute, d.second, 0, time.UTC)
	if d.day > 28 && time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC).Day() != d.day {
		return time.Time{}, false // there is no such day
	}
	return t.Add(-time.Duration(d.offset) * time.Second).In(time.FixedZone("", d.offset)), true
}

// month reads the name of a month, or its number.
func month(w string) int {
	if n, err := strconv.Atoi(w); err == nil {
		return n
	}
	if len(w) < 3 {
		return 0
	}
	at := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(w[:3]))
	if at < 0 || at%3 != 0 {
		return 0
	}
	return at/3 + 1
}

// zoneHours knows the zones of RFC 5322, and those of the places from which
// mail without an offset is met.
func zoneHours(name string) (hours float64, ok bool) {
	switch name {
	case "UT", "UTC", "GMT", "Z", "WET":
		return 0, true
	case "JST", "KST":
		return 9, true
	case "EST", "CDT":
		return -5, true
	case "EDT":
		return -4, true
	case "CST", "MDT":
		return -6, true
	case "MST", "PDT":
		return -7, true
	case "PST":
		return -8, true
	case "CET", "MET", "BST", "WEST":
		return 1, true
	case "CEST", "MEST", "EET":
		return 2, true
	case "EEST", "MSK":
		return 3, true
	case "IST":
		return 5.5, true
	case "HKT", "SGT", "AWST":
		return 8, true
	case "AEST":
		return 10, true
	case "AEDT":
		return 11, true
	case "NZST":
		return 12, true
	case "NZDT":
		return 13, true
	case "HST":
		return -10, true
	}
	return 0, false
}
