package main

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

// A file that a crash has left without a row is removed; one that a message
// names, and one that may get its row yet, are not.
func TestSweep(t *testing.T) {
	d, err := newDaemon(t.Context(), Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), PollInterval: time.Minute}, zap.NewNop(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	account := crm.Account{ID: "acc_1", Name: "Acme", Status: crm.AccountActive, MailEnabled: true, ContactVisibility: crm.VisibleAll}
	if err := d.store.CreateAccount(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	ref, _, err := d.blobs.Put(t.Context(), account.ID, strings.NewReader("nobody names me"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := d.sweepOnce(t.Context(), time.Now().Add(-sweepAge)); n != 0 || err != nil {
		t.Errorf("a file of this moment: %d removed, %v", n, err)
	}
	if n, err := d.sweepOnce(t.Context(), time.Now().Add(time.Minute)); n != 1 || err != nil {
		t.Errorf("an old file: %d removed, %v", n, err)
	}
	if _, err := d.blobs.Open(t.Context(), account.ID, ref); crm.KindOf(err) != crm.NotFound {
		t.Errorf("the file is still there: %v", err)
	}
}
