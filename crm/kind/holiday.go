package kind

import "time"

// workday returns the first day from this one on at which offices in Japan
// work: no weekend, no holiday, and not the days around New Year (29 December
// to 3 January), on which they are closed by custom.
func workday(d time.Time) time.Time {
	for d.Weekday() == time.Saturday || d.Weekday() == time.Sunday || newYear(d) || holiday(d) {
		d = d.AddDate(0, 0, 1)
	}
	return d
}

func newYear(d time.Time) bool {
	return d.Month() == time.December && d.Day() >= 29 || d.Month() == time.January && d.Day() <= 3
}

// holiday reports whether a day is one of Japan's, by the law on national
// holidays (国民の祝日に関する法律) as it stands since 2022: its own days, the
// weekday that makes up for a holiday on a Sunday (section 3.2), and the day
// between two holidays (section 3.3).
func holiday(d time.Time) bool {
	if hasName(d) {
		return true
	}
	for before := d.AddDate(0, 0, -1); hasName(before); before = before.AddDate(0, 0, -1) {
		if before.Weekday() == time.Sunday {
			return true
		}
	}
	return d.Weekday() != time.Sunday && hasName(d.AddDate(0, 0, -1)) && hasName(d.AddDate(0, 0, 1))
}

// hasName reports whether a day is a holiday with a name.
func hasName(d time.Time) bool {
	year, month, day := d.Date()
	monday := func(nth int) bool { return d.Weekday() == time.Monday && (day+6)/7 == nth }
	switch month {
	case time.January:
		return day == 1 || monday(2)
	case time.February:
		return day == 11 || day == 23
	case time.March:
		return day == equinox(year, 20.8431)
	case time.April:
		return day == 29
	case time.May:
		return day >= 3 && day <= 5
	case time.July:
		return monday(3)
	case time.August:
		return day == 11
	case time.September:
		return monday(3) || day == equinox(year, 23.2488)
	case time.October:
		return monday(2)
	case time.November:
		return day == 3 || day == 23
	}
	return false
}

// equinox is the day of March or September on which spring or autumn begins,
// by the formula of Japan's hydrographers for the years 1980 to 2099.
func equinox(year int, in1980 float64) int {
	years := year - 1980
	return int(in1980+0.242194*float64(years)) - years/4
}
