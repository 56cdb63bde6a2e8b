package outbox

import (
	"testing"
	"time"
)

func TestPatience(t *testing.T) {
	for _, c := range []struct {
		failing time.Duration
		jitter  float64
		want    time.Duration
	}{
		{0, 0, 5 * time.Second},
		{0, 1, 6250 * time.Millisecond},
		{time.Hour, 0, 5 * time.Second},
		{2 * time.Hour, 1, 10 * time.Second},
		{10 * time.Hour, 0, 40 * time.Second},
		{10 * time.Hour, 1, 50 * time.Second},
		{60 * time.Hour, 0, 4 * time.Minute},
	} {
		if got := patience(c.failing, c.jitter).Round(time.Second / 4); got != c.want {
			t.Errorf("failing for %v, jitter %v: wait %v, want %v", c.failing, c.jitter, got, c.want)
		}
	}
}

// Three days without success are some thousands of attempts.
func TestPatienceOfThreeDays(t *testing.T) {
	attempts := 0
	for failing := time.Duration(0); failing < giveUpAfter; attempts++ {
		failing += patience(failing, 0)
	}
	if attempts < 4000 || attempts > 5000 {
		t.Errorf("%d attempts", attempts)
	}
}
