package terminal

import "testing"

func TestFit(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"short", 10, "short"},
		{"just right", 10, "just right"},
		{"eleven long", 10, "eleven lo…"},
		{"見積もり", 8, "見積もり"},
		{"見積もりのお願い", 8, "見積も…"},
		{"a見積もり", 8, "a見積も…"},
		{"aa見積もり", 8, "aa見積…"},
	} {
		if got := Fit(c.text, c.most); got != c.want || Cells(got) > c.most {
			t.Errorf("Fit(%q, %d) = %q of %d columns, want %q", c.text, c.most, got, Cells(got), c.want)
		}
	}
	if got := Pad("見", 4); got != "見  " {
		t.Errorf("Pad = %q", got)
	}
}
