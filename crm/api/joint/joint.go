// Package joint has done once what several ask for at the same time.
package joint

import (
	"context"
	"sync"
)

// Works are pieces of work that are going on, each with a name of its own. The
// zero value is ready to use, from any goroutine.
type Works[K comparable] struct {
	mu    sync.Mutex
	going map[K]*work
}

// work is a piece of work for which several wait.
type work struct {
	done    chan struct{}
	waiting int
	cancel  context.CancelFunc
}

// Do does something unless it is being done, and returns when it is done, or
// ctx ends. It goes on for as long as anybody waits for it; then its context
// ends, which has the values of the one that it began with.
func (l *Works[K]) Do(ctx context.Context, name K, do func(context.Context)) {
	w := l.join(ctx, name, do)
	select {
	case <-w.done:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.waiting--; w.waiting == 0 {
		w.cancel()
		l.end(name, w) // who asks from now on wants it whole
	}
}

func (l *Works[K]) join(ctx context.Context, name K, do func(context.Context)) *work {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.going[name]
	if w == nil {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		w = &work{done: make(chan struct{}), cancel: cancel}
		if l.going == nil {
			l.going = map[K]*work{}
		}
		l.going[name] = w
		go func() {
			do(ctx)
			l.mu.Lock()
			defer l.mu.Unlock()
			l.end(name, w)
			close(w.done)
		}()
	}
	w.waiting++
	return w
}

// end makes room for the next work of that name.
func (l *Works[K]) end(name K, w *work) {
	if l.going[name] == w {
		delete(l.going, name)
	}
}
