// Package seal encrypts what must not be readable in the database, with a Tink
// keyset of AES-256-GCM keys. One key encrypts; all of them decrypt, so that a
// new one can take over while what the old ones sealed still opens.
//
// The keyset lies in a file that only its owner may read, or is given in the
// environment. A database without its keyset has no credentials left: they go
// into the backup together.
package seal

import (
	"bytes"
	"encoding/base64"
	"os"
	"strings"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"mailsyncd.example/crm"
)

// Keyset encrypts and decrypts. It is safe for use by many goroutines.
type Keyset struct {
	path string // "" where it was given as text

	mu     sync.RWMutex
	handle *keyset.Handle
	cipher tink.AEAD
}

// FromString uses the keyset in text: Tink's JSON, as the file has it, or that
// in base64. crm.Invalid ("bad_keyset") where it is none.
func FromString(text string) (*Keyset, error) {
	raw := []byte(strings.TrimSpace(text))
	if len(raw) > 0 && raw[0] != '{' {
		plain, err := base64.StdEncoding.DecodeString(string(raw))
		if err != nil {
			return nil, badKeyset("the text in MAILSYNC_KEYSET", err)
		}
		raw = plain
	}
	return parse("the text in MAILSYNC_KEYSET", raw)
}

// parse reads a keyset. Its errors tell where it came from and never what is in
// it.
func parse(where string, raw []byte) (*Keyset, error) {
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(raw)))
	if err != nil {
		return nil, badKeyset(where, err)
	}
	k := &Keyset{}
	if err := k.use(h); err != nil {
		return nil, badKeyset(where, err)
	}
	return k, nil
}

func badKeyset(where string, err error) error {
	return crm.Wrap(crm.Invalid, "bad_keyset", "No keyset can be read from "+where+"; restore the one that was used before, or credentials can't be decrypted.", err)
}

// use makes h the keyset.
func (k *Keyset) use(h *keyset.Handle) error {
	c, err := aead.New(h)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.handle, k.cipher = h, c
	return nil
}

func (k *Keyset) current() tink.AEAD {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.cipher
}

// Seal encrypts plain with the newest key. The ciphertext opens only together
// with the same associated data ad, which is not part of it.
func (k *Keyset) Seal(plain, ad []byte) ([]byte, error) {
	sealed, err := k.current().Encrypt(plain, ad)
	if err != nil {
		return nil, crm.Wrap(crm.Internal, "seal_failed", "A secret could not be encrypted; the keyset may be damaged.", err)
	}
	return sealed, nil
}

// Open decrypts what any key of the keyset has sealed.
func (k *Keyset) Open(sealed, ad []byte) ([]byte, error) {
	plain, err := k.current().Decrypt(sealed, ad)
	if err != nil {
		return nil, crm.Wrap(crm.Internal, "open_failed", "A secret can't be decrypted; give the daemon the keyset that it was encrypted with.", err)
	}
	return plain, nil
}

// Rotate adds a key that encrypts from now on, and keeps the old ones. The
// file is durable before the key is used. crm.Conflict ("keyset_fixed") where
// the keyset was given as text: what gave it has to change it.
func (k *Keyset) Rotate() error {
	if k.path == "" {
		return crm.E(crm.Conflict, "keyset_fixed", "The keyset comes from MAILSYNC_KEYSET and can't be changed there; write it to keyset.json in the data folder (mode 0600), unset the variable and rotate again.")
	}
	k.mu.RLock()
	m := keyset.NewManagerFromHandle(k.handle)
	k.mu.RUnlock()
	h, err := withNewKey(m)
	if err != nil {
		return err
	}
	if err := write(k.path, h, os.Rename); err != nil {
		return err
	}
	if err := k.use(h); err != nil {
		return newKeyFailed(err)
	}
	return nil
}

// withNewKey adds a key to a keyset and makes it the one that encrypts.
func withNewKey(m *keyset.Manager) (*keyset.Handle, error) {
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err == nil {
		err = m.SetPrimary(id)
	}
	if err != nil {
		return nil, newKeyFailed(err)
	}
	h, err := m.Handle()
	if err != nil {
		return nil, newKeyFailed(err)
	}
	return h, nil
}

func newKeyFailed(err error) error {
	return crm.Wrap(crm.Internal, "key_failed", "A new key could not be made.", err)
}
