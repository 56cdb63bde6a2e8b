package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

// as is a context in which Olga does something.
func (h *house) as(user crm.UserID) context.Context {
	return crm.Deed{By: crm.Actor{Kind: crm.ActorUser, ID: string(user)}, At: h.now}.In(h.t.Context())
}

func (h *house) audit() []crm.AuditEntry {
	h.t.Helper()
	return pages(h, func(p crm.Paging) (crm.Part[crm.AuditEntry], error) { return h.ListAudit(h.t.Context(), h.account, p) })
}

// A change writes one line, which says whose it was; one that fails writes none.
func testAudit(t *testing.T, open Opener) {
	h := newHouse(t, open)
	already := len(h.audit())
	p := crm.Preset{Account: h.account, ID: "pre_1", Name: "Office", IMAP: crm.Server{Host: "imap.example"}, CreatedAt: h.now, UpdatedAt: h.now}
	h.must(h.CreatePreset(h.as("olga"), p))
	fails(t, h.CreatePreset(h.as("olga"), p), crm.Conflict, "preset_exists")
	h.pass(time.Minute)
	h.must(h.DeletePreset(h.as("mona"), h.account, "pre_1"))
	fails(t, h.DeletePreset(h.as("mona"), h.account, "pre_1"), crm.NotFound, "preset_not_found")
	lines := h.audit()
	if len(lines) != already+2 {
		t.Fatalf("%d new lines, want 2: %v", len(lines)-already, lines)
	}
	same(t, "the audit", lines[:2], []crm.AuditEntry{
		{
			Account: h.account, Seq: lines[1].Seq + 1, Deed: crm.Deed{By: crm.Actor{Kind: crm.ActorUser, ID: "mona"}, At: h.now},
			Action: crm.AuditPresetDeleted, Subject: "pre_1",
		},
		{
			Account: h.account, Seq: int64(already + 1), Deed: crm.Deed{By: crm.Actor{Kind: crm.ActorUser, ID: "olga"}, At: h.now.Add(-time.Minute)},
			Action: crm.AuditPresetCreated, Subject: "pre_1", Detail: map[string]string{"name": "Office", "imap_host": "imap.example"},
		},
	})
}

// What ends a link names the reason, and whose doing it was.
func testAuditOfEndings(t *testing.T, open Opener) {
	h := newHouse(t, open)
	l := h.link("u1", "box1")
	u := h.user("u1")
	u.Active, u.Role = false, crm.RoleManager
	value(h.PutUser(h.as("olga"), u, h.now))(h)
	var actions []crm.AuditAction
	for _, e := range h.audit() {
		if e.By.ID == "olga" {
			actions = append(actions, e.Action)
		}
		if e.Action == crm.AuditLinkEnded && (e.Subject != string(l.ID) || e.Detail["reason"] != string(crm.EndedUserDisabled)) {
			t.Errorf("the end of the link: %+v", e)
		}
	}
	slices.Sort(actions)
	same(t, "what Olga did", actions, []crm.AuditAction{crm.AuditLinkEnded, crm.AuditUserDisabled, crm.AuditUserRoleChanged})
}

// The audit goes with its account, and nothing of it is in another one.
func testAuditOfAccounts(t *testing.T, open Opener) {
	h := newHouse(t, open)
	other := newHouseIn(t, h.Store, "acc_2")
	other.user("u1")
	h.must(h.DeleteAccount(t.Context(), h.account, h.now))
	if lines := h.audit(); len(lines) != 0 {
		t.Errorf("left of a deleted account: %v", lines)
	}
	if lines := other.audit(); len(lines) != 2 {
		t.Errorf("of the other account: %v", lines)
	}
}

// auditBut is an account's audit without the lines about an action.
func (h *house) auditBut(a crm.AccountID, but crm.AuditAction) ([]crm.AuditEntry, error) {
	part, err := h.ListAudit(h.t.Context(), a, crm.Paging{Limit: 100})
	return slices.DeleteFunc(part.Items, func(e crm.AuditEntry) bool { return e.Action == but }), err
}
