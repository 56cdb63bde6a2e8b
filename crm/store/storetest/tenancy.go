package storetest

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"mailsyncd.example/crm"
)

// furnished is an account with one of everything, and another that spies.
type furnished struct {
	*house
	spy       crm.AccountID
	made      crm.Link
	inbox     crm.Folder
	m         crm.Message
	delivered crm.DeliveryID
}

func furnish(t *testing.T, open Opener) furnished {
	h := newHouse(t, open)
	ctx := t.Context()
	spy := newHouseIn(t, h.Store, "acc_2").account
	l := h.link("u1", "box1")
	h.contact("c1", "c1@customer.example")
	h.must(h.CreatePreset(ctx, crm.Preset{Account: h.account, ID: "pre_1", CreatedAt: h.now, UpdatedAt: h.now}))
	h.must(h.CreateKey(ctx, crm.AccountKey{Account: h.account, ID: "key_1", CreatedAt: h.now}, crm.TokenHash{1}))
	h.enroll("e1", "c1")
	w := h.webhook("whk_1")
	m := h.imported(l.Mailbox, h.letter("c1", nil))
	heard, _ := h.claim(w)
	h.settle(heard, nil)
	delivered := value(h.ListDeliveries(ctx, h.account, w.ID, crm.Paging{Limit: 1}))(h).Items[0].ID
	p := h.page(h.folder(l.Mailbox, "INBOX"))
	p.Through, p.Problems = 2, []crm.Problem{{UID: 2, RetryAt: h.now}}
	value(h.Record(ctx, p, h.now))(h)
	return furnished{house: h, spy: spy, made: l, inbox: h.folder(l.Mailbox, "INBOX"), m: m, delivered: delivered}
}

// Nothing of one account is ever visible to another, even to who knows the ids.
func testTenancyOfLists(t *testing.T, open Opener) {
	h := furnish(t, open)
	ctx, spy, l, f, m := t.Context(), h.spy, h.made, h.inbox, h.m
	limit := crm.Paging{Limit: 10}
	for name, read := range map[string]func() (any, error){
		"keys":      func() (any, error) { v, err := h.ListKeys(ctx, spy, limit); return v.Items, err },
		"users":     func() (any, error) { v, err := h.ListUsers(ctx, spy, limit); return v.Items, err },
		"contacts":  func() (any, error) { v, err := h.ListContacts(ctx, spy, limit); return v.Items, err },
		"handover":  func() (any, error) { v, err := h.Handover(ctx, spy, "u1", 10); return v.Mailboxes, err },
		"freshness": func() (any, error) { return h.Freshness(ctx, spy) },
		"enrollments": func() (any, error) {
			v, err := h.ListEnrollments(ctx, spy, crm.EnrollmentQuery{Contact: "c1", Paging: limit})
			return v.Items, err
		},
		"presets":      func() (any, error) { v, err := h.ListPresets(ctx, spy, limit); return v.Items, err },
		"links":        func() (any, error) { v, err := h.ListLinks(ctx, spy, "", limit); return v.Items, err },
		"user's links": func() (any, error) { v, err := h.ListLinks(ctx, spy, "u1", limit); return v.Items, err },
		"health":       func() (any, error) { v, err := h.ListHealth(ctx, spy, limit); return v.Items, err },
		"usage":        func() (any, error) { return h.Usage(ctx, spy) },
		"audit":        func() (any, error) { return h.auditBut(spy, crm.AuditAccountCreated) },
		"events":       func() (any, error) { return h.ListEvents(ctx, spy, 0, 10) },
		"webhooks":     func() (any, error) { v, err := h.ListWebhooks(ctx, spy, limit); return v.Items, err },
		"deliveries":   func() (any, error) { v, err := h.ListDeliveries(ctx, spy, "whk_1", limit); return v.Items, err },
		"folders":      func() (any, error) { return h.Folders(ctx, spy, l.Mailbox) },
		"problems":     func() (any, error) { return h.DueProblems(ctx, spy, l.Mailbox, h.now) },
		"known":        func() (any, error) { return h.Known(ctx, spy, []crm.Identity{m.Identity}) },
		"contacts in facts": func() (any, error) {
			v, err := h.Facts(ctx, spy, []crm.Address{"c1@customer.example", "u1@sample.example"})
			return v.Contacts, err
		},
		"internal in facts": func() (any, error) {
			v, err := h.Facts(ctx, spy, []crm.Address{"c1@customer.example", "u1@sample.example"})
			return v.Internal, err
		},
		"threads": func() (any, error) {
			v, err := h.ListThreads(ctx, spy, crm.ThreadQuery{Paging: limit})
			return v.Items, err
		},
		"contact's threads": func() (any, error) {
			v, err := h.ListThreads(ctx, spy, crm.ThreadQuery{Contact: "c1", Text: "Text", Paging: limit})
			return v.Items, err
		},
		"mailbox's threads": func() (any, error) {
			v, err := h.ListThreads(ctx, spy, crm.ThreadQuery{Mailbox: l.Mailbox, Paging: limit})
			return v.Items, err
		},
		"messages": func() (any, error) {
			v, err := h.ListMessages(ctx, spy, crm.MessageQuery{Paging: limit})
			return v.Items, err
		},
		"contact's messages": func() (any, error) {
			v, err := h.ListMessages(ctx, spy, crm.MessageQuery{Contact: "c1", HeaderID: m.Letter.HeaderID, Paging: limit})
			return v.Items, err
		},
		"ledger": func() (any, error) {
			var runs []crm.Run
			err := h.Ledger(ctx, spy, f.ID, func(r crm.Run) { runs = append(runs, r) })
			return runs, err
		},
		"outcome": func() (any, error) {
			outcome, id, err := h.OutcomeOf(ctx, spy, f.ID, 1)
			return string(outcome) + string(id), err
		},
	} {
		got, err := read()
		if err != nil || reflect.ValueOf(got).Len() != 0 {
			t.Errorf("%s of another account: %v, %v", name, got, err)
		}
	}
}

// What belongs to another account is not there, to read or to change.
func testTenancyOfThings(t *testing.T, open Opener) {
	h := furnish(t, open)
	ctx, spy, l, f, m := t.Context(), h.spy, h.made, h.inbox, h.m
	limit, before := crm.Paging{Limit: 10}, h.events()
	for name, touch := range map[string]func() error{
		"user":          func() error { return discard(h.User(ctx, spy, "u1")) },
		"contact":       func() error { return discard(h.Contact(ctx, spy, "c1")) },
		"enrollment":    func() error { return discard(h.Enrollment(ctx, spy, "e1")) },
		"reply":         func() error { return discard(h.ReplyCheck(ctx, spy, "c1", h.now)) },
		"preset":        func() error { return discard(h.Preset(ctx, spy, "pre_1")) },
		"link":          func() error { return discard(h.Link(ctx, spy, l.ID)) },
		"standing":      func() error { return discard(h.Standing(ctx, spy, l.Mailbox)) },
		"health":        func() error { return discard(h.Health(ctx, spy, l.Mailbox)) },
		"thread":        func() error { return discard(h.Thread(ctx, spy, m.Thread)) },
		"thread's mail": func() error { return discard(h.ThreadMessages(ctx, spy, m.Thread, limit)) },
		"message":       func() error { return discard(h.Message(ctx, spy, m.ID)) },
		"DeleteKey":     func() error { return h.DeleteKey(ctx, spy, "key_1") },
		"DeleteUser":    func() error { return h.DeleteUser(ctx, spy, "u1", h.now) },
		"CreateToken":   func() error { return h.CreateToken(ctx, spy, "u1", crm.TokenHash{2}, h.now) },
		"DeleteContact": func() error { return h.DeleteContact(ctx, spy, "c1") },
		"Unenroll":      func() error { return h.DeleteEnrollment(ctx, spy, "e1") },
		"webhook":       func() error { return discard(h.Webhook(ctx, spy, "whk_1")) },
		"its secrets":   func() error { return discard(h.WebhookSecrets(ctx, spy, "whk_1", h.now)) },
		"its delivery":  func() error { return discard(h.Delivery(ctx, spy, "whk_1", h.delivered)) },
		"UpdateWebhook": func() error { return h.UpdateWebhook(ctx, crm.Webhook{Account: spy, ID: "whk_1"}) },
		"DeleteWebhook": func() error { return h.DeleteWebhook(ctx, spy, "whk_1") },
		"RotateWebhook": func() error { return h.RotateWebhook(ctx, spy, "whk_1", "x", h.now, h.now) },
		"DeletePreset":  func() error { return h.DeletePreset(ctx, spy, "pre_1") },
		"UpdatePreset":  func() error { return discard(h.UpdatePreset(ctx, crm.Preset{Account: spy, ID: "pre_1"})) },
		"TransferLink":  func() error { return discard(h.TransferLink(ctx, spy, l.ID, crm.Transfer{}, "", 0, h.now)) },
		"KeepLink":      func() error { return h.KeepLink(ctx, spy, l.ID, crm.Transfer{}) },
		"EndLink":       func() error { return h.EndLink(ctx, spy, l.ID, crm.EndedUnlinked, h.now) },
		"ReplaceSecret": func() error { return discard(h.ReplaceSecret(ctx, spy, l.ID, "x", h.now)) },
		"grant":         func() error { return discard(h.Grant(ctx, spy, l.ID)) },
		"RenewGrant":    func() error { return h.RenewGrant(ctx, spy, l.ID, crm.Grant{Turn: 1}) },
		"ReplaceGrant":  func() error { return discard(h.ReplaceGrant(ctx, spy, l.ID, crm.Grant{})) },
		"ClaimGrant": func() error {
			return discard(h.ClaimGrant(ctx, spy, l.ID, crm.Grant{}, h.now, h.now))
		},
		"DeleteMessage": func() error { return discard(h.DeleteMessage(ctx, spy, m.ID, h.now)) },
		"SyncFolders":   func() error { return discard(h.SyncFolders(ctx, spy, l.Mailbox, []crm.Folder{{Name: "x"}}, 0, h.now)) },
		"SaveBalance": func() error {
			return h.SaveBalance(ctx, crm.Balance{Account: spy, Folder: f.ID, UIDValidity: 1}, h.now)
		},
		"Record": func() error { q := h.page(f); q.Account = spy; return discard(h.Record(ctx, q, h.now)) },
	} {
		if err := touch(); crm.KindOf(err) != crm.NotFound {
			t.Errorf("%s of another account: %v", name, err)
		}
	}

	// What names no result does nothing either.
	h.must(h.Reject(ctx, spy, l.ID, "x", 0, h.now))
	h.must(h.SaveLooks(ctx, []crm.Looked{{Account: spy, Mailbox: l.Mailbox, At: h.now, Status: crm.LinkLive, Synced: true}}))
	same(t, "link", value(h.Link(ctx, h.account, l.ID))(h.house).Status, crm.LinkSyncing)
	same(t, "synced", value(h.Health(ctx, h.account, l.Mailbox))(h.house).LastSyncedAt.IsZero(), true)
	same(t, "events", h.events(), before)
	_, _, err := h.PutEnrollment(ctx, crm.Enrollment{Account: spy, ID: "e1", Contact: "c1"}, h.now)
	fails(t, err, crm.Invalid, "contact_unknown")
	same(t, "message", value(h.Message(ctx, h.account, m.ID))(h.house), m)

	// The same ids, mailboxes and mail in the other account are its own.
	other := &house{Store: h.Store, t: t, account: spy, now: h.now}
	theirs := other.link("u1", "box1")
	if theirs.Mailbox == l.Mailbox {
		t.Error("two accounts share a mailbox")
	}
	copied := other.imported(theirs.Mailbox, other.letter("c1", nil))
	same(t, "identity", copied.Identity, m.Identity)
	h.must(h.DeleteAccount(ctx, spy, h.now))
	same(t, "message", value(h.Message(ctx, h.account, m.ID))(h.house), m)
}

// A cursor that no list made is the caller's mistake.
func testCursors(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	for _, cursor := range []string{"x", "!!", "MTIz", "YSBi", "AA"} {
		p := crm.Paging{Cursor: cursor, Limit: 1}
		for _, err := range []error{
			discard(h.ListAccounts(ctx, p)), discard(h.ListKeys(ctx, h.account, p)), discard(h.ListUsers(ctx, h.account, p)),
			discard(h.ListContacts(ctx, h.account, p)), discard(h.ListPresets(ctx, h.account, p)),
			discard(h.ListEnrollments(ctx, h.account, crm.EnrollmentQuery{Paging: p})), discard(h.ListLinks(ctx, h.account, "", p)), discard(h.ListHealth(ctx, h.account, p)),
			discard(h.ListThreads(ctx, h.account, crm.ThreadQuery{Paging: p})),
			discard(h.ListMessages(ctx, h.account, crm.MessageQuery{Paging: p})),
			discard(h.ThreadMessages(ctx, h.account, "thr_1", p)),
		} {
			fails(t, err, crm.Invalid, "cursor_invalid")
		}
	}
}

// Who has gone away gets that for an answer, and nothing is done.
func testCancelled(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range []error{
		discard(h.Account(ctx, h.account)), discard(h.Facts(ctx, h.account, []crm.Address{"a@b"})),
		discard(h.PutUser(ctx, crm.User{Account: h.account, ID: "u1"}, h.now)),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}
	_, err := h.User(t.Context(), h.account, "u1")
	fails(t, err, crm.NotFound, "user_not_found")
	h.must(h.Ping(t.Context()))
}
