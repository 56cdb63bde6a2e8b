package quota

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// Run tells the others of this process until ctx ends, and then that it has
// gone. What is taken after that is taken from its share.
func (q *Quota) Run(ctx context.Context) error {
	beat := time.NewTicker(q.TTL / 4)
	defer beat.Stop()
	for q.here(ctx); ; {
		select {
		case <-ctx.Done():
			q.goodbye(context.WithoutCancel(ctx))
			return nil
		case <-beat.C:
			q.here(ctx)
		case <-q.changed:
			pause(ctx, tidyTime)
		}
		q.tell(ctx)
	}
}

// introduce makes sure that Redis was told of this process before it asks for
// anything: what is taken by one whom the others do not know counts as a dead
// one's, and they would give it away again.
func (q *Quota) introduce(ctx context.Context) {
	q.mu.Lock()
	done := q.members > 0
	q.mu.Unlock()
	if !done {
		q.here(context.WithoutCancel(ctx))
	}
}

// here says that this process is there, and learns how many are.
func (q *Quota) here(ctx context.Context) {
	call, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	said, err := q.beat.Run(call, q.Redis, []string{alive}, q.id, q.TTL.Milliseconds()).Int64Slice()
	if ctx.Err() != nil {
		return // it is we who go, not Redis
	}
	if err != nil {
		q.miss(err)
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.away {
		q.Log.Info("Redis is back; the limits of mail hosts are shared again")
	}
	if known := said[0] == 1; !known || q.away {
		for _, h := range q.hosts {
			h.told = unknown // Redis may have forgotten, or have missed what was taken
		}
	}
	q.away, q.members = false, int(said[1])
}

// miss notes that Redis is away.
func (q *Quota) miss(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.members = max(1, q.members)
	if !q.away {
		q.Log.Warn("Redis is away; this process keeps to its share of what mail hosts may be asked for",
			zap.Int("processes", q.members), zap.Error(err))
	}
	q.away = true
}

// tell tells Redis of the connections that have changed without it. What is
// being spoken of just now has its turn next time.
func (q *Quota) tell(ctx context.Context) {
	q.mu.Lock()
	away := q.away
	var changed []string
	for name, h := range q.hosts {
		if h.told != h.held {
			changed = append(changed, name)
		}
	}
	q.mu.Unlock()
	if away {
		return // here makes up for it
	}
	for _, name := range changed {
		err := q.tellOf(ctx, name)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			q.miss(err)
			return
		}
	}
}

func (q *Quota) tellOf(ctx context.Context, name string) error {
	q.mu.Lock()
	h := q.hosts[name]
	q.mu.Unlock()
	if h == nil {
		return nil
	}
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	default:
		return nil
	}
	q.mu.Lock()
	held := h.held
	q.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var err error
	if held == 0 {
		err = q.Redis.HDel(ctx, heldKey(name), q.id).Err()
	} else {
		err = q.Redis.HSet(ctx, heldKey(name), q.id, held).Err()
	}
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	h.told = held
	q.forget(name, h)
	return nil
}

// goodbye gives back all that this process has.
func (q *Quota) goodbye(ctx context.Context) {
	q.tell(ctx)
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_ = q.Redis.ZRem(ctx, alive, q.id).Err() // its time is over soon in any case
	q.mu.Lock()
	defer q.mu.Unlock()
	q.away = true
}

// pause waits, at most until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
