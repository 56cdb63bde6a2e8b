package wire_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// Lists that are empty leave as [] and never as null. What the API promises to
// answer is there even where there is no value: null then. All else is left out.
func TestWhatIsNull(t *testing.T) {
	for _, c := range []struct {
		view any
		null []string
	}{
		{wire.AccountOf(crm.Account{}), nil},
		{wire.KeyOf(crm.AccountKey{}), nil},
		{wire.UserOf(crm.User{}), nil},
		{wire.PresetOf(crm.Preset{}), nil},
		{wire.ContactOf(crm.Contact{}, true), []string{"owner_id"}},
		{wire.ContactOf(crm.Contact{}, false), nil},
		{wire.LinkOf(crm.Link{}), []string{"last_synced_at", "mode"}},
		{wire.MailboxOf(crm.Health{}, time.Time{}), []string{"lag_seconds", "last_synced_at", "mode"}},
		{wire.BalanceOf([]crm.FolderBalance{{}}), nil},
		{wire.ThreadOf(crm.Thread{}), nil},
		{wire.MessageOf(crm.Message{}), []string{"date", "html"}},
		{wire.ExplanationOf(crm.Explanation{}), nil},
		{wire.EnrollmentOf(crm.Enrollment{}, nil), []string{"halted_at", "halted_by"}},
		{wire.ReplyCheckOf(crm.ReplyCheck{}, time.Time{}, 0), []string{"message_id", "synced_through"}},
	} {
		b, err := json.Marshal(c.view)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(b, &fields); err != nil {
			t.Fatal(err)
		}
		var null []string
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if fields[name] == nil {
				null = append(null, name)
			}
		}
		if !slices.Equal(null, c.null) || strings.Count(string(b), "null") != len(c.null) {
			t.Errorf("%T: %v are null, want %v: %s", c.view, null, c.null, b)
		}
	}
}

// A password can be sent and never be printed.
func TestPasswordsDoNotPrint(t *testing.T) {
	in := wire.LinkInput{Password: "correct horse"}
	if text := fmt.Sprintf("%v %+v %#v %s", in, in, in, in.Password); strings.Contains(text, "horse") {
		t.Errorf("it prints as %s", text)
	}
	if b, err := json.Marshal(in); err != nil || !strings.Contains(string(b), "correct horse") {
		t.Errorf("it is sent as %s (%v)", b, err)
	}
}

// Nothing that leaves has a place for a secret, but for what is shown once.
func TestNoPlaceForSecrets(t *testing.T) {
	for _, v := range []any{
		wire.Account{}, wire.Key{}, wire.User{}, wire.Contact{}, wire.Preset{}, wire.Link{}, wire.Mailbox{}, wire.Thread{},
		wire.Message{}, wire.Event{}, wire.Enrollment{}, wire.ReplyCheck{}, wire.Explanation{}, wire.Tested{}, wire.Problem{},
	} {
		typ := reflect.TypeOf(v)
		for i := range typ.NumField() {
			name := typ.Field(i).Tag.Get("json")
			for _, word := range []string{"password", "secret", "hash", "credential", "token"} {
				if strings.Contains("_"+name+"_", "_"+word+"_") {
					t.Errorf("%s has a field %s", typ, name)
				}
			}
		}
	}
}

func TestMailboxCounts(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	m := wire.MailboxOf(crm.Health{
		LastSyncedAt: now.Add(time.Second), // a clock that went back
		Folders: []crm.FolderBalance{
			{Name: "INBOX", Outcomes: map[crm.Outcome]int64{crm.Imported: 3, crm.Copied: 2, crm.NoContact: 10, crm.Trouble: 1}},
			{Name: "Sent", Outcomes: map[crm.Outcome]int64{crm.Copied: 1, crm.NoContact: 5, crm.BeforeLink: 4, crm.Vanished: 2}, Unexplained: 7},
		},
	}, now)
	if m.Copied != 3 || m.Refused[crm.NoContact] != 15 || m.Refused[crm.BeforeLink] != 4 || m.Balance.Unexplained != 7 || *m.LagSeconds != 0 {
		t.Errorf("%+v", m)
	}
	if f := m.Balance.Folders[1]; f.Vanished != 2 || f.Refused[crm.NoContact] != 5 || f.Imported != 0 {
		t.Errorf("%+v", f)
	}
}

// Every outcome has a sentence of its own.
func TestExplanationsHaveSentences(t *testing.T) {
	seen := map[string]crm.Outcome{}
	for _, o := range append([]crm.Outcome{crm.Imported, crm.Copied, crm.Removed, crm.Vanished, crm.Trouble}, crm.Refusals[:]...) {
		s := wire.ExplanationOf(crm.Explanation{Watched: true, Outcome: o}).Sentence
		if other, ok := seen[s]; ok || !strings.HasSuffix(s, ".") || strings.Contains(s, "_") {
			t.Errorf("%s: %q (%s)", o, s, other)
		}
		seen[s] = o
	}
}

func TestHeaderID(t *testing.T) {
	for raw, want := range map[string]crm.HeaderID{"a@b": "a@b", "<a@b>": "a@b", " <a@b>\t": "a@b", "<>": "", "": ""} {
		if got := wire.HeaderID(raw); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}
