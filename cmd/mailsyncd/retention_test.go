package main

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
)

// oneMailFirm is a firm in which Dan's mailbox is linked and holds one mail of
// a customer, which is in the CRM.
func oneMailFirm(t *testing.T) (f *firm, dan client, l link) {
	t.Helper()
	f, dan, l = linkedFirm(t, t.TempDir())
	f.dovecot.Deliver(t, "dan@acme.example", mailOf("ask@rossi", elena, danTo, "An offer, please", "40 chairs"))
	f.look(dan, l)
	f.expectMail("An offer, please")
	return f, dan, l
}

func (f *firm) expectMail(want ...string) {
	f.t.Helper()
	if got := f.subjects(); !slices.Equal(got, want) {
		f.t.Errorf("the CRM has %q, want %q", got, want)
	}
}

// Whatever ends a link ends it at once, says why, and leaves the mail.
func TestMailStaysWhereALinkEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(f *firm, dan client, l link)
		want crm.EndReason
	}{
		{"the user unlinks", func(f *firm, dan client, l link) {
			do(f.t, dan, http.MethodDelete, "/v1/links/"+l.ID, nil)
		}, crm.EndedUnlinked},
		{"the user is disabled", func(f *firm, _ client, _ link) {
			do(f.t, f.key, http.MethodPut, "/v1/users/dan", map[string]any{"email": "dan@acme.example", "role": "user", "active": false})
		}, crm.EndedUserDisabled},
		{"the user is deleted", func(f *firm, _ client, _ link) {
			do(f.t, f.key, http.MethodDelete, "/v1/users/dan", nil)
		}, crm.EndedUserDeleted},
		{"the account is disabled", func(f *firm, _ client, _ link) {
			do(f.t, f.daemon.client, http.MethodPatch, "/v1/accounts/"+f.account, map[string]any{"status": "disabled"})
		}, crm.EndedAccountDisabled},
		{"mail is switched off", func(f *firm, _ client, _ link) {
			do(f.t, f.daemon.client, http.MethodPatch, "/v1/accounts/"+f.account, map[string]any{"mail_enabled": false})
		}, crm.EndedMailDisabled},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, dan, l := oneMailFirm(t)
			events := f.follow()
			c.end(f, dan, l)
			events.wait(crm.LinkEnded)
			f.expectMail("An offer, please")
			ended := call[link](t, f.key, http.MethodGet, "/v1/links/"+l.ID, nil)
			if ended.Status != crm.LinkUnlinked || ended.EndedBy != c.want {
				t.Errorf("the link is %s, ended by %q, want %q", ended.Status, ended.EndedBy, c.want)
			}
		})
	}
}

func TestMailStaysWhereItIsDeletedInTheMailbox(t *testing.T) {
	f, dan, l := oneMailFirm(t)
	box, err := f.dovecot.Client("dan@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	if _, err := box.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	remove := imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}
	if err := box.Store(imap.SeqSetNum(1), &remove, nil).Close(); err != nil {
		t.Fatal(err)
	}
	if err := box.Expunge().Close(); err != nil {
		t.Fatal(err)
	}
	f.look(dan, l)
	if h := f.balance(l.MailboxID); h.Balance.Unexplained != 0 {
		t.Errorf("%d unexplained", h.Balance.Unexplained)
	}
	f.expectMail("An offer, please")
}

func TestMailStaysWhereTheContactIsDeleted(t *testing.T) {
	f, dan, l := oneMailFirm(t)
	do(t, f.key, http.MethodDelete, "/v1/contacts/c-1", nil)
	f.dovecot.Deliver(t, "dan@acme.example", mailOf("later@rossi", elena, danTo, "No contact any more", "x"))
	f.look(dan, l)
	f.expectMail("An offer, please")
}

func TestWhatIsDeletedInTheCRMStaysOut(t *testing.T) {
	f, dan, l := oneMailFirm(t)
	manager := f.user("chie", crm.RoleManager)
	do(t, manager, http.MethodDelete, "/v1/messages/"+f.messages()[0].ID, nil)
	f.expectMail()
	f.dovecot.Append(t, "dan@acme.example", "Projects", mailOf("ask@rossi", elena, danTo, "An offer, please", "40 chairs"), time.Time{})
	f.look(dan, l)
	f.expectMail()

	box, err := f.dovecot.Client("dan@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	inbox, err := box.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil || inbox.NumMessages != 1 {
		t.Errorf("the mailbox holds %v mails, %v", inbox, err)
	}
}

// A mail that was there before the link is older than it and stays out, also
// when it is moved into another folder later.
func TestMovedMailKeepsItsDate(t *testing.T) {
	f := openFirm(t, serve(t, t.TempDir()), dovecottest.Start(t), "elena@rossi.example")
	dan := f.user("dan", crm.RoleUser)
	f.mailbox("dan@acme.example")
	hourAgo := time.Now().Add(-time.Hour)
	f.dovecot.Append(t, "dan@acme.example", "INBOX", mailOf("old@rossi", elena, danTo, "Old", "x"), hourAgo)
	l := f.link(dan, "dan@acme.example")
	f.dovecot.Append(t, "dan@acme.example", "Projects", mailOf("old@rossi", elena, danTo, "Old", "x"), hourAgo)
	f.dovecot.Append(t, "dan@acme.example", "Projects", mailOf("new@rossi", elena, danTo, "New", "x"), time.Time{})
	f.look(dan, l)
	f.expectMail("New")
}
