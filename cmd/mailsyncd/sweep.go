package main

import (
	"context"
	"time"

	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

const (
	// sweepEvery is how often files are looked for that nothing names, and
	// sweepAsk how often whether that is due, and this process's to do.
	sweepEvery = 24 * time.Hour
	sweepAsk   = 10 * time.Minute
	// sweepAge is how old such a file must be: much older than the time from
	// writing it to the transaction that names it.
	sweepAge = 24 * time.Hour
)

// sweep removes, once a day, raw mail that no message names: what a crash has
// left between a file and its row. It costs room only, so trouble is logged.
func (d *daemon) sweep(ctx context.Context) error {
	tick := time.NewTicker(sweepAsk)
	defer tick.Stop()
	for due := time.Now(); ; {
		if !time.Now().Before(due) && d.crew.chore("sweep") {
			due = time.Now().Add(sweepEvery)
			removed, err := d.sweepOnce(ctx, time.Now().Add(-sweepAge))
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				d.log.Error("raw mail that nothing names can't be removed; trying again tomorrow", zap.Error(err))
			} else if removed > 0 {
				d.log.Info("raw mail removed that nothing named", zap.Int("files", removed))
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sweepOnce goes through all accounts.
func (d *daemon) sweepOnce(ctx context.Context, before time.Time) (removed int, err error) {
	for page := (crm.Paging{Limit: 100}); ; {
		accounts, err := d.store.ListAccounts(ctx, page)
		if err != nil {
			return removed, err
		}
		for _, a := range accounts.Items {
			n, err := d.blobs.Sweep(ctx, a.ID, before, func(refs []crm.BlobRef) ([]crm.BlobRef, error) {
				return d.store.UnneededBlobs(ctx, a.ID, refs)
			})
			removed += n
			if err != nil {
				return removed, err
			}
		}
		if accounts.Next == "" {
			return removed, nil
		}
		page.Cursor = accounts.Next
	}
}
