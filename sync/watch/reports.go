package watch

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"mailsyncd.example/crm"
)

// reports is since when delivery reports of a mailbox are read; zero where they
// are not. The account may turn that while a session stands, which is not ended
// for it: it is doubted then, and asked for before more mail is looked at.
type reports struct {
	doubted atomic.Bool
	mu      sync.Mutex
	since   time.Time
}

// standing reads how the mailbox stands; errUnlinked where no link does.
func (k *keeper) standing(ctx context.Context) (crm.Standing, error) {
	k.reports.mu.Lock()
	defer k.reports.mu.Unlock()
	k.reports.doubted.Store(false) // whoever doubts from here on wants a later answer
	standing, err := k.w.o.Store.Standing(ctx, k.place.account, k.place.mailbox)
	if err != nil {
		k.reports.doubted.Store(true)
	}
	if crm.KindOf(err) == crm.NotFound {
		err = errUnlinked
	}
	k.reports.since = standing.ReportsSince
	return standing, err
}

// reportsSince is since when delivery reports are read.
func (k *keeper) reportsSince(ctx context.Context) (time.Time, error) {
	if k.reports.doubted.Load() {
		standing, err := k.standing(ctx)
		return standing.ReportsSince, err
	}
	k.reports.mu.Lock()
	defer k.reports.mu.Unlock()
	return k.reports.since, nil
}
