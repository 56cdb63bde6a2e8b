package outbox

import (
	"sync"

	"mailsyncd.example/crm"
)

// queue holds webhooks that wait for their turn, each once, the first come
// first. Nothing is lost with it: what is due stands in the database.
type queue struct {
	mu   sync.Mutex
	list []crm.WebhookKey
	has  map[crm.WebhookKey]bool
}

func (q *queue) add(keys ...crm.WebhookKey) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, k := range keys {
		if !q.has[k] {
			q.has[k] = true
			q.list = append(q.list, k)
		}
	}
}

func (q *queue) next() (crm.WebhookKey, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) == 0 {
		return crm.WebhookKey{}, false
	}
	k := q.list[0]
	q.list = q.list[1:]
	delete(q.has, k)
	return k, true
}
