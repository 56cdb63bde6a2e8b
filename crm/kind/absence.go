package kind

import (
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailsyncd.example/crm"
)

// longestAbsence is how far ahead a return may lie: a year of parental leave.
// Beyond that a date was misread.
const longestAbsence = 400 * 24 * time.Hour

// Absence finds out when the writer of an automatic reply is back, where a line
// that is theirs says so: "until August 13", "back on Monday", 「8月13日まで夏季
// 休業」,「8月17日より通常営業」. written is when the notice was, in its writer's own
// time zone. It returns the zero Absence where no date is found, or one that is
// over.
//
// Of several dates the latest counts: to hold a mail back for a day too long
// does no harm. The last day of an absence is followed by weekends and by
// Japan's holidays before anybody is back.
func Absence(c Clues, written time.Time) crm.Absence {
	today := time.Date(written.Year(), written.Month(), written.Day(), 0, 0, 0, 0, written.Location())
	var back time.Time
	for _, line := range append([]string{ownSubject(c.Subject)}, said(c.Text)...) {
		for piece := range pieces(line) {
			for _, find := range [...]func(string, time.Time) time.Time{backJapanese, backEnglish} {
				if d := find(piece, today); d.After(back) {
					back = d
				}
			}
		}
	}
	if !back.After(today) || back.Sub(today) > longestAbsence {
		return crm.Absence{}
	}
	return crm.Absence{ReturnsOn: crm.Date(back.Format(time.DateOnly)), Until: back.AddDate(0, 0, 1)}
}

// Bytes of a line that are looked at in one go, and how many of them once more
// with what follows. The patterns are large, and what matching takes grows with
// both.
const (
	pieceSize    = 240
	pieceOverlap = 120
)

// pieces are the parts of a line in which a date may stand.
func pieces(line string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			piece := strings.ToValidUTF8(line[:min(len(line), pieceSize)], "")
			dated := strings.ContainsAny(piece, "0123456789") || strings.Contains(piece, "day")
			if dated && !yield(piece) || len(line) <= pieceSize {
				return
			}
			line = line[pieceSize-pieceOverlap:]
		}
	}
}

// A date as Japanese texts have it, folded: 2026年8月13日(木), 令和8年8月13日,
// 8/13(木), and 13日 where the month went before.
const (
	japaneseDate = `(?:(?:(\d{4})[年/]|令和 ?(\d{1,2}|元)年)? ?(\d{1,2})[月/] ?(\d{1,2})日?)`
	dayInWeek    = `(?: ?\([^)]{1,4}\)| ?[月火水木金土日]曜日?)?`
	timeOfDay    = ` ?(?:の?(?:終日|終業|業務終了|\d{1,2}時|\d{1,2}:\d{2}))?`
)

// pattern is an expression that is tried only where a line has one of the words
// that it needs: most lines have none, and matching takes memory.
type pattern struct {
	words []string
	*regexp.Regexp
}

// in returns what the pattern finds in a line.
func (p pattern) in(line string) [][]string {
	if !slices.ContainsFunc(p.words, func(word string) bool { return strings.Contains(line, word) }) {
		return nil
	}
	return p.FindAllStringSubmatch(line, -1)
}

var (
	japaneseBack = pattern{[]string{"から", "より", "以降", "に", "以後"}, regexp.MustCompile(japaneseDate + dayInWeek + timeOfDay +
		` ?(?:(?:から|より|以降|に|には|以後)+[^、。]{0,16}?)(?:営業|出社|出勤|復帰|戻り|戻る|戻って|帰社|再開|業務を開始|対応|ご?連絡|ご?返信|ご?返答|ご?回答|確認)`)}
	japaneseRange = pattern{[]string{"から", "より", "~", "〜", "-", "–", "—"}, regexp.MustCompile(japaneseDate + dayInWeek + timeOfDay + ` ?(?:から|より|~|〜|-|–|—) ?` +
		`(?:(?:(\d{4})[年/])? ?(\d{1,2})[月/] ?)?(\d{1,2})日?` + dayInWeek)}
	japaneseLast = pattern{[]string{"まで", "迄"}, regexp.MustCompile(japaneseDate + dayInWeek + timeOfDay + ` ?(?:まで|迄)`)}
	japaneseDay  = pattern{[]string{"まで", "迄"}, regexp.MustCompile(`(?:^|[^月/\d])(\d{1,2})日` + dayInWeek + timeOfDay + ` ?(?:まで|迄)`)}
)

// backJapanese returns the latest day that a line names as that of a return.
func backJapanese(line string, today time.Time) time.Time {
	var back time.Time
	later := func(d time.Time) {
		if d.After(back) {
			back = d
		}
	}
	for _, m := range japaneseBack.in(line) {
		later(japanese(m[1:5], today))
	}
	if !back.IsZero() {
		return back // the day itself is named: what else is said of the days before is no news
	}
	for _, m := range japaneseRange.in(line) {
		first := japanese(m[1:5], today)
		last := dayOf(number(m[5]), number(m[6]), number(m[7]), today)
		if m[6] == "" {
			last = date(first.Year(), int(first.Month()), number(m[7]), today)
		}
		if last.Before(first) && m[5] == "" {
			last = last.AddDate(1, 0, 0) // from December to January
		}
		later(after(last))
	}
	for _, m := range japaneseLast.in(line) {
		later(after(japanese(m[1:5], today)))
	}
	for _, m := range japaneseDay.in(line) {
		d := date(today.Year(), int(today.Month()), number(m[1]), today)
		if d.Before(today) {
			d = date(today.Year(), int(today.Month())+1, number(m[1]), today)
		}
		later(after(d))
	}
	return back
}

// japanese reads year, year of Reiwa, month and day.
func japanese(parts []string, today time.Time) time.Time {
	year := number(parts[0])
	switch {
	case parts[1] == "元":
		year = 2019
	case parts[1] != "":
		year = 2018 + number(parts[1])
	}
	return dayOf(year, number(parts[2]), number(parts[3]), today)
}

// after is the first day at work after the last one of an absence.
func after(last time.Time) time.Time {
	if last.IsZero() {
		return last
	}
	return workday(last.AddDate(0, 0, 1))
}

var months = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// A date as English texts have it, folded: 13 August 2026, Aug. 13th, 2026-08-13,
// 8/13, 13.8.2026, and Monday alone.
const (
	month       = `(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?`
	englishDate = `(?:(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b,? ?)?(?:the )?(?:` +
		`(\d{4})-(\d{2})-(\d{2})` +
		`|(\d{1,2})(?:st|nd|rd|th)?(?: of)? ` + month + `(?:,? (\d{4}))?` +
		`|` + month + ` (\d{1,2})(?:st|nd|rd|th)?\b(?: ?[-–] ?(\d{1,2})(?:st|nd|rd|th)?\b)?(?:,? (\d{4}))?` +
		`|(\d{1,2})[/.](\d{1,2})(?:[/.](\d{2,4}))?` +
		`)|\b(sunday|monday|tuesday|wednesday|thursday|friday|saturday)\b)`
)

var (
	englishBack = pattern{[]string{"return", "back", "again", "resum"}, regexp.MustCompile(`\b(?:return(?:ing|s)?|back|reachable again|available again|resum(?:e|es|ing)|in the office again)\b` +
		`[^.!?]{0,40}?(?:\b(?:on|from|as of|by|until)\b )?` + englishDate)}
	englishUntil = pattern{[]string{"til"}, regexp.MustCompile(`\b(?:until|till|til) ` + englishDate)}
	englishLast  = pattern{[]string{"through", "thru", "to ", "including", "end of", "-", "–"}, regexp.MustCompile(`(?:\b(?:through|thru|to|until and including|up to and including|until the end of)|[-–]) ?` + englishDate)}
	englishSpan  = pattern{[]string{"from", "between", "away", "absent", "office", "leave", "vacation", "holiday"}, regexp.MustCompile(`\b(?:from|between|away|absent|office|leave|vacation|holiday) [^.!?]{0,12}?` + englishDate)}
)

// backEnglish returns the latest day that a line names as that of a return.
func backEnglish(line string, today time.Time) time.Time {
	var back time.Time
	collect := func(p pattern, turn func(d, end time.Time) time.Time) {
		for _, m := range p.in(line) {
			d, end := english(m[1:], today)
			if d = turn(d, end); d.After(back) {
				back = d
			}
		}
	}
	collect(englishBack, func(d, _ time.Time) time.Time { return d })
	if !back.IsZero() {
		return back
	}
	// "Until Monday" may mean that Monday is worked or not: the day after a
	// return, on which a hold ends, is late enough for both.
	collect(englishUntil, func(d, _ time.Time) time.Time { return d })
	collect(englishLast, func(d, _ time.Time) time.Time { return after(d) })
	collect(englishSpan, func(_, end time.Time) time.Time { return after(end) })
	return back
}

// english reads what englishDate has found: a day, and the end of a span of
// days within a month ("August 10-14").
func english(p []string, today time.Time) (day, end time.Time) {
	switch {
	case p[0] != "":
		return dayOf(number(p[0]), number(p[1]), number(p[2]), today), end
	case p[3] != "":
		return dayOf(number(p[5]), monthOf(p[4]), number(p[3]), today), end
	case p[6] != "":
		day = dayOf(number(p[9]), monthOf(p[6]), number(p[7]), today)
		if p[8] != "" {
			end = dayOf(number(p[9]), monthOf(p[6]), number(p[8]), today)
		}
		return day, end
	case p[10] != "":
		return numeric(number(p[10]), number(p[11]), number(p[12]), today), end
	case p[13] != "":
		ahead := (slices.Index(weekdays, p[13]) - int(today.Weekday()) + 7) % 7
		if ahead == 0 {
			ahead = 7 // not today
		}
		return today.AddDate(0, 0, ahead), end
	}
	return day, end
}

// numeric reads 8/13 and 13/8. Where both could be meant, it is the one that
// comes first from today on.
func numeric(a, b, year int, today time.Time) time.Time {
	if year > 0 && year < 100 {
		year += 2000
	}
	american, british := dayOf(year, a, b, today), dayOf(year, b, a, today)
	switch {
	case american.IsZero() || american.Before(today):
		return british
	case british.IsZero() || british.Before(today) || american.Before(british):
		return american
	}
	return british
}

// dayOf is a day whose year may be left out (0): the one nearest to today, not
// more than two months back, as notices are not always switched off in time.
func dayOf(year, month, day int, today time.Time) time.Time {
	if year != 0 {
		return date(year, month, day, today)
	}
	d := date(today.Year(), month, day, today)
	switch {
	case d.IsZero():
	case d.Before(today.AddDate(0, -2, 0)):
		return date(today.Year()+1, month, day, today)
	case d.After(today.AddDate(0, 10, 0)):
		return date(today.Year()-1, month, day, today)
	}
	return d
}

// date is zero for days that there are not, such as 31 June.
func date(year, month, day int, today time.Time) time.Time {
	d := time.Date(year, time.Month(month), day, 0, 0, 0, 0, today.Location())
	if d.Day() != day || month < 1 || month > 13 {
		return time.Time{}
	}
	return d
}

func monthOf(name string) int {
	return 1 + slices.Index(months, name[:3])
}

// number reads digits that a pattern has found; "" is 0.
func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
