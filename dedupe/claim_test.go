package dedupe_test

import (
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"mailsyncd.example/crm"
	"mailsyncd.example/dedupe"
	"mailsyncd.example/dedupe/claimtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestClaimsKeepThePromise(t *testing.T) {
	claimtest.Run(t, func(*testing.T) (one, other dedupe.Claimer) {
		c := dedupe.NewClaims()
		return c, c
	})
}

// Inside a bubble it can be seen, and not only hoped, that somebody waits.
func TestASecondClaimIsBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dedupe.NewClaims()
		release, err := c.Claim(t.Context(), "acc_1", crm.Identity{1})
		if err != nil {
			t.Fatal(err)
		}
		claimed := false
		go func() {
			if again, err := c.Claim(t.Context(), "acc_1", crm.Identity{1}); err == nil {
				claimed = true
				again()
			}
		}()
		synctest.Wait()
		if claimed {
			t.Error("claimed twice")
		}
		release()
		synctest.Wait()
		if !claimed {
			t.Error("still waiting after the release")
		}
	})
}
