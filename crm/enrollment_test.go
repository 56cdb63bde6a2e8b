package crm_test

import (
	"testing"
	"time"

	"mailsyncd.example/crm"
)

func TestHold(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	since := now.Add(-15 * time.Minute)
	fresh := crm.Freshness{Mailbox: "fresh", Users: []crm.UserID{"dan", "info"}, Status: crm.LinkLive, SyncedAt: now}
	stale := crm.Freshness{Mailbox: "stale", Users: []crm.UserID{"eva"}, Status: crm.LinkLive, SyncedAt: now.Add(-time.Hour)}
	broken := crm.Freshness{Mailbox: "broken", Users: []crm.UserID{"fay"}, Status: crm.LinkAuthFailed, SyncedAt: now}
	boxes := []crm.Freshness{fresh, stale, broken}
	away := crm.Away{Absence: crm.Absence{ReturnsOn: "2026-11-23", Until: now.Add(time.Hour)}, Message: "msg_1"}
	back := crm.Away{Absence: crm.Absence{ReturnsOn: "2026-11-19", Until: now}, Message: "msg_1"}
	for name, c := range map[string]struct {
		e      crm.Enrollment
		boxes  []crm.Freshness
		reason crm.HoldReason // "" none
		waits  int            // for so many mailboxes
	}{
		"nothing in the way":          {crm.Enrollment{}, boxes, "", 0},
		"away":                        {crm.Enrollment{Away: away, HoldWhenStale: true}, boxes, crm.HeldByAbsence, 0},
		"back":                        {crm.Enrollment{Away: back}, boxes, "", 0},
		"halted":                      {crm.Enrollment{Away: away, HoldWhenStale: true, Status: crm.EnrollmentHalted}, boxes, "", 0},
		"any mailbox":                 {crm.Enrollment{HoldWhenStale: true}, boxes, crm.HeldByStale, 2},
		"a fresh user's":              {crm.Enrollment{HoldWhenStale: true, User: "dan"}, boxes, "", 0},
		"a stale user's":              {crm.Enrollment{HoldWhenStale: true, User: "eva"}, boxes, crm.HeldByStale, 1},
		"a user's that can't be read": {crm.Enrollment{HoldWhenStale: true, User: "fay"}, boxes, crm.HeldByStale, 1},
		"of a user without one":       {crm.Enrollment{HoldWhenStale: true, User: "gil"}, boxes, crm.HeldByStale, 0},
		"no mailbox at all":           {crm.Enrollment{HoldWhenStale: true}, nil, crm.HeldByStale, 0},
		"not asked for":               {crm.Enrollment{User: "eva"}, boxes, "", 0},
	} {
		if c.e.Status == "" {
			c.e.Status = crm.EnrollmentActive
		}
		hold := c.e.Hold(now, c.boxes, since)
		if hold == nil {
			hold = &crm.Hold{}
		}
		if hold.Reason != c.reason || len(hold.Mailboxes) != c.waits {
			t.Errorf("%s: %+v", name, hold)
		}
		if c.reason == crm.HeldByAbsence && (hold.Until != away.Until || hold.Message != "msg_1") {
			t.Errorf("%s: %+v", name, hold)
		}
	}
}
