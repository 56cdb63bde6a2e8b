package txn

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"time"

	"mailsyncd.example/crm"
)

// Event is an event that its transaction has not written yet.
type Event struct {
	Kind crm.EventType
	// About and Happened are what happened and when, apart from Kind: the id
	// derives from them, so that the same fact can't be told twice.
	About    string
	Happened time.Time
	At       time.Time // of the telling
	Data     any
}

// Tell adds an event to the transaction.
func (t *Tx) Tell(e Event) { t.events = append(t.events, e) }

// TellOnce adds those of the events to the transaction that the account has not
// been told of: what happened once may be met more often. The account is locked,
// so nobody tells of it in between.
func (t *Tx) TellOnce(events []Event) error {
	told := map[crm.EventID]bool{}
	ids := make([]string, len(events))
	for i, e := range events {
		ids[i] = string(e.id(t.Account))
	}
	err := InGroups(ids, 2, func(list string, args []any) error {
		return t.Each(func(scan Scan) error {
			var id crm.EventID
			err := scan(&id)
			told[id] = true
			return err
		}, `SELECT id FROM events WHERE account = $1 AND id IN `+list, append([]any{string(t.Account)}, args...)...)
	})
	if err != nil {
		return err
	}
	for i, e := range events {
		if id := crm.EventID(ids[i]); !told[id] {
			told[id] = true
			t.Tell(e)
		}
	}
	return nil
}

// Forget drops the account's events and notes that the transaction has not
// written yet: the account itself goes. The Signals hear of its events all the
// same, so that who carries them on finds it gone.
func (t *Tx) Forget() {
	t.events, t.notes = nil, nil
	t.Ring()
}

// Ring lets the Signals hear of the account's events though there are no new
// ones: who carries them on has to look again.
func (t *Tx) Ring() { t.told.events = append(t.told.events, t.Account) }

var eventAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// id is like those that crm.NewID makes, with a hash in place of chance:
// facts that are neighbours in time are neighbours in the index.
func (e Event) id(a crm.AccountID) crm.EventID {
	sum := sha256.Sum256([]byte(string(a) + "\x00" + string(e.Kind) + "\x00" + e.About))
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(e.Happened.UnixMilli())<<16)
	copy(b[6:], sum[:])
	return crm.EventID("evt_" + eventAlphabet.EncodeToString(b[:]))
}

// flushTold writes what the transaction has to tell of the account.
func (t *Tx) flushTold() error {
	if err := t.flushEvents(); err != nil {
		return err
	}
	return t.flushNotes()
}

// flushEvents writes the account's events with the numbers that come next.
// The account is locked, so there is no gap and no second use of a number.
func (t *Tx) flushEvents() error {
	if len(t.events) == 0 {
		return nil
	}
	values := make([]any, 0, 6*len(t.events))
	for _, e := range t.events {
		t.seq++
		data, err := ToJSON(e.Data)
		if err != nil {
			return err
		}
		values = append(values, t.Account, t.seq, e.id(t.Account), e.Kind, MS(e.At), data)
	}
	t.events = nil
	t.Ring()
	if err := t.Write(`UPDATE accounts SET event_seq = $1 WHERE id = $2`, t.seq, t.Account); err != nil {
		return err
	}
	return t.Insert(`INSERT INTO events (account, seq, id, type, at, data) VALUES`, 6, values, "")
}
