package store_test

import (
	"mailsyncd.example/crm/api"
	"mailsyncd.example/crm/outbox"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/sync/intake"
	"mailsyncd.example/sync/watch"
)

// The stories' interfaces are the contract; the store itself knows no story.
var (
	_ api.Store          = (*store.Store)(nil)
	_ outbox.Store       = (*store.Store)(nil)
	_ outbox.StreamStore = (*store.Store)(nil)
	_ intake.Store       = (*store.Store)(nil)
	_ watch.Store        = (*store.Store)(nil)
)
