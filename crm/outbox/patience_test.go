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
		{2 * time.Minute, 0, 5 * time.Second},
		{6 * time.Minute, 1, 10 * time.Second},
		{time.Hour, 0, 80 * time.Second},
		{60 * time.Hour, 0, time.Hour},
	} {
		if got := patience(c.failing, c.jitter).Round(time.Second / 4); got != c.want {
			t.Errorf("failing for %v, jitter %v: wait %v, want %v", c.failing, c.jitter, got, c.want)
		}
	}
}

// Three days without success are some hundreds of attempts, not thousands.
func TestPatienceOfThreeDays(t *testing.T) {
	attempts := 0
	for failing := time.Duration(0); failing < giveUpAfter; attempts++ {
		failing += patience(failing, 0)
	}
	if attempts < 100 || attempts > 400 {
		t.Errorf("%d attempts", attempts)
	}
}
