package kind

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

// The official holidays of four years (Cabinet Office), those that fall on
// weekends left out: they make no difference.
const holidays = `
	2024-01-01 2024-01-08 2024-02-12 2024-02-23 2024-03-20 2024-04-29 2024-05-03 2024-05-06 2024-07-15 2024-08-12 2024-09-16
	2024-09-23 2024-10-14 2024-11-04
	2025-01-01 2025-01-13 2025-02-11 2025-02-24 2025-03-20 2025-04-29 2025-05-05 2025-05-06 2025-07-21 2025-08-11 2025-09-15
	2025-09-23 2025-10-13 2025-11-03 2025-11-24
	2026-01-01 2026-01-12 2026-02-11 2026-02-23 2026-03-20 2026-04-29 2026-05-04 2026-05-05 2026-05-06 2026-07-20 2026-08-11
	2026-09-21 2026-09-22 2026-09-23 2026-10-12 2026-11-03 2026-11-23
	2027-01-01 2027-01-11 2027-02-11 2027-02-23 2027-03-22 2027-04-29 2027-05-03 2027-05-04 2027-05-05 2027-07-19 2027-08-11
	2027-09-20 2027-09-23 2027-10-11 2027-11-03 2027-11-23`

func TestHolidays(t *testing.T) {
	want := strings.Fields(holidays)
	for d := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() < 2028; d = d.AddDate(0, 0, 1) {
		if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
			continue
		}
		day := d.Format(time.DateOnly)
		if got := holiday(d); got != slices.Contains(want, day) {
			t.Errorf("%s %s: a holiday: %v", day, d.Weekday(), got)
		}
	}
}

// Notices as they are written, each on a day in 2026, and the day of the return.
var absences = []struct{ written, text, back string }{
	// Japanese. 13 August 2026 is a Thursday.
	{"2026-08-10", "8月13日まで夏季休業とさせていただきます。", "2026-08-14"},
	{"2026-08-10", "８月１３日（木）まで夏季休業", "2026-08-14"},
	{"2026-08-10", "夏季休業期間：8月8日（土）～8月16日（日）", "2026-08-17"},
	{"2026-08-10", "8月8日(土)から16日(日)まで休業いたします。", "2026-08-17"},
	{"2026-08-10", "8/8(土)〜8/16(日)は夏季休暇のため不在です。", "2026-08-17"},
	{"2026-08-10", "2026年8月8日から2026年8月14日まで不在にしております。", "2026-08-17"},
	{"2026-08-10", "令和8年8月14日(金)まで休業いたします。", "2026-08-17"},
	{"2026-08-10", "8月8日から8月16日まで休業し、8月18日(火)より通常営業いたします。", "2026-08-18"},
	{"2026-08-10", "お返事は8月17日(月)以降に順次ご連絡いたします。", "2026-08-17"},
	{"2026-08-10", "8月17日に出社いたします。", "2026-08-17"},
	{"2026-08-10", "14日まで出張のため不在です。", "2026-08-17"},
	{"2026-08-31", "2日まで休暇をいただいております。", "2026-09-03"},
	{"2026-09-18", "9月20日まで不在です。", "2026-09-24"}, // three holidays follow
	{"2026-05-01", "5月2日(土)まで休業です。", "2026-05-07"},
	{"2026-12-28", "年末年始休業 12月29日（火）～1月3日（日）", "2027-01-04"},
	{"2026-12-28", "12月30日まで営業時間を短縮しております。", "2027-01-04"},
	{"2026-08-10", "育児休業を取得しております。復帰は2027年4月1日の予定です。", ""}, // no words that we know around the date
	{"2026-08-10", "2027年4月1日に復帰いたします。", "2027-04-01"},

	// English. 14 August 2026 is a Friday.
	{"2026-08-10", "I am out of the office until August 13.", "2026-08-13"},
	{"2026-08-10", "I am out of the office until 13 August 2026 with limited access to email.", "2026-08-13"},
	{"2026-08-10", "I will be away from August 10 to August 14 and will answer then.", "2026-08-17"},
	{"2026-08-10", "I am on vacation from August 10-14.", "2026-08-17"},
	{"2026-08-10", "Out of office through Friday, Aug. 14th.", "2026-08-17"},
	{"2026-08-10", "I am on annual leave 10 Aug - 14 Aug.", "2026-08-17"},
	{"2026-08-10", "I am away until Friday 14th August, returning on Monday 17 August.", "2026-08-17"},
	{"2026-08-10", "I'll be back on Monday.", "2026-08-17"}, // it is Monday
	{"2026-08-12", "Back in the office on Friday.", "2026-08-14"},
	{"2026-08-10", "I will return 2026-08-18.", "2026-08-18"},
	{"2026-08-10", "I will return on 8/18.", "2026-08-18"},
	{"2026-08-10", "I will return on 18/8/2026.", "2026-08-18"},
	{"2026-08-10", "I will return on 9/8.", "2026-09-08"}, // 9 August is over
	{"2026-12-28", "We are closed until January 4.", "2027-01-04"},

	// No date, or one that helps nobody.
	{"2026-08-10", "I am out of the office with limited access to email.", ""},
	{"2026-08-10", "お問い合わせありがとうございます。3営業日以内にご連絡いたします。", ""},
	{"2026-08-20", "I am out of the office until August 13.", ""}, // not switched off
	{"2026-08-20", "8月13日まで夏季休業とさせていただきます。", ""},
	{"2026-08-10", "Founded on May 3, 1998.", ""},
	{"2026-08-10", "I will be back on June 31.", ""},
	{"2026-08-10", "> I will be back on August 18.", ""}, // somebody else's words
}

func TestAbsence(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*60*60)
	for _, c := range absences {
		day, err := time.ParseInLocation(time.DateOnly, c.written, tokyo)
		if err != nil {
			t.Fatal(err)
		}
		clues := Clues{Subject: "自動応答: 御見積", Text: c.text, Header: func(string) []string { return nil }}
		got := Absence(clues, day.Add(15*time.Hour))
		want := crm.Absence{}
		if c.back != "" {
			back, err := time.ParseInLocation(time.DateOnly, c.back, tokyo)
			if err != nil {
				t.Fatal(err)
			}
			want = crm.Absence{ReturnsOn: crm.Date(c.back), Until: back.AddDate(0, 0, 1)}
		}
		if got.ReturnsOn != want.ReturnsOn || !got.Until.Equal(want.Until) {
			t.Errorf("written on %s: %s\n got %v\nwant %v", c.written, c.text, got, want)
		}
	}
}

// The subject counts too: many notices say it there.
func TestAbsenceInSubject(t *testing.T) {
	written := time.Date(2026, 8, 10, 9, 0, 0, 0, time.UTC)
	got := Absence(Clues{Subject: "Out of office until August 18", Text: "See you.", Header: func(string) []string { return nil }}, written)
	if got.ReturnsOn != "2026-08-18" {
		t.Errorf("got %v", got)
	}
}

func FuzzAbsence(f *testing.F) {
	for _, a := range absences {
		f.Add(a.text)
	}
	written := time.Date(2026, 8, 10, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		got := Absence(Clues{Text: text, Header: func(string) []string { return nil }}, written)
		if got == (crm.Absence{}) {
			return
		}
		if ahead := got.Until.Sub(written); ahead <= 0 || ahead > longestAbsence+48*time.Hour || fmt.Sprint(got.ReturnsOn) == "" {
			t.Errorf("%q: %v", text, got)
		}
	})
}
