package dedupe

import (
	"testing"

	"mailsyncd.example/crm"
)

func TestReleasedClaimsTakeNoMemory(t *testing.T) {
	c := NewClaims()
	for i := range byte(100) {
		release, err := c.Claim(t.Context(), "acc_1", crm.Identity{i})
		if err != nil {
			t.Fatal(err)
		}
		release()
	}
	if len(c.held) != 0 {
		t.Errorf("%d claims are still held", len(c.held))
	}
}
