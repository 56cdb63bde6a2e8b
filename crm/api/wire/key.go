package wire

import (
	"time"

	"mailsyncd.example/crm"
)

// Key is a key with which the CRM's back end acts for an account.
type Key struct {
	ID        crm.KeyID `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}

// NewKey is a key that was just made: the only time that it is shown.
type NewKey struct {
	Key
	Secret string `json:"key" doc:"Shown here and never again."`
}

// KeyInput describes a key to be made.
type KeyInput struct {
	Name Name `json:"name,omitempty" doc:"What the key is for."`
}

// KeyOf shows a key, not the secret.
func KeyOf(k crm.AccountKey) Key {
	return Key{ID: k.ID, Name: k.Name, CreatedAt: UTC(k.CreatedAt)}
}
