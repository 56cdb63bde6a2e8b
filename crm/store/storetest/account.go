package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

func testAccounts(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	same(t, "account", value(h.Account(ctx, "acc_1"))(h), h.sampleAccount())
	fails(t, h.CreateAccount(ctx, h.sampleAccount()), crm.Conflict, "account_exists")

	a := h.sampleAccount()
	a.Name, a.ContactVisibility, a.DeliveryReports = "Sample GmbH", crm.VisibleOwnerOnly, true
	h.must(h.UpdateAccount(ctx, a, h.now))
	same(t, "account after the update", value(h.Account(ctx, "acc_1"))(h), a)

	_, err := h.Account(ctx, "acc_none")
	fails(t, err, crm.NotFound, "account_not_found")
	a.ID = "acc_none"
	fails(t, h.UpdateAccount(ctx, a, h.now), crm.NotFound, "account_not_found")
	fails(t, h.DeleteAccount(ctx, "acc_none", h.now), crm.NotFound, "account_not_found")

	for i := range 5 {
		newHouseIn(t, h.Store, crm.AccountID(fmt.Sprint("acc_", i+2)))
	}
	list := pages(h, func(p crm.Paging) (crm.Part[crm.Account], error) { return h.ListAccounts(ctx, p) })
	same(t, "accounts, newest first", names(list, func(a crm.Account) crm.AccountID { return a.ID }),
		[]crm.AccountID{"acc_6", "acc_5", "acc_4", "acc_3", "acc_2", "acc_1"})
}

// Where mail is not allowed any more no link stands.
func testAccountEndsLinks(t *testing.T, open Opener) {
	for why, change := range map[crm.EndReason]func(*crm.Account){
		crm.EndedAccountDisabled: func(a *crm.Account) { a.Status = crm.AccountDisabled },
		crm.EndedMailDisabled:    func(a *crm.Account) { a.MailEnabled = false },
	} {
		t.Run(string(why), func(t *testing.T) {
			h := newHouse(t, open)
			ctx := t.Context()
			links := []crm.Link{h.link("u1", "box1"), h.link("u2", "box2")}
			h.pass(time.Hour)
			a := h.sampleAccount()
			change(&a)
			h.must(h.UpdateAccount(ctx, a, h.now))
			for _, l := range links {
				l := value(h.Link(ctx, h.account, l.ID))(h)
				if l.Status != crm.LinkUnlinked || l.EndedBy != why || !l.EndedAt.Equal(h.now) {
					t.Errorf("link %+v", l)
				}
				_, err := h.Standing(ctx, h.account, l.Mailbox)
				fails(t, err, crm.NotFound, "mailbox_not_found")
			}
			if n := len(h.events(crm.LinkEnded)); n != 2 {
				t.Errorf("%d events tell of 2 links that ended", n)
			}
			_, err := h.CreateLink(ctx, h.linkOf("u1", "box1"), "x", nil)
			fails(t, err, crm.Forbidden, "mail_disabled")
		})
	}
}

func testAccountDeleted(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	other := newHouseIn(t, h.Store, "acc_2")
	theirs := other.imported(other.link("u1", "box1").Mailbox, other.letter("c1", nil))
	h.contact("c1", "c1@customer.example")
	m := h.imported(h.link("u1", "box1").Mailbox, h.letter("c1", nil))
	h.must(h.CreateKey(ctx, crm.AccountKey{Account: h.account, ID: "key_1", CreatedAt: h.now}, crm.TokenHash{1}))
	h.must(h.DeleteAccount(ctx, h.account, h.now))

	_, err := h.Account(ctx, h.account)
	fails(t, err, crm.NotFound, "account_not_found")
	_, err = h.Caller(ctx, crm.TokenHash{1}, h.now)
	fails(t, err, crm.NotFound, "token_not_found")

	// The id may be given again: nothing of before is there.
	again := newHouseIn(t, h.Store, h.account)
	_, err = again.Message(ctx, h.account, m.ID)
	fails(t, err, crm.NotFound, "message_not_found")
	_, err = again.Contact(ctx, h.account, "c1")
	fails(t, err, crm.NotFound, "contact_not_found")
	same(t, "events", len(again.events()), 0)
	same(t, "known", len(value(again.Known(ctx, h.account, []crm.Identity{m.Identity}))(again)), 0)
	value(other.Message(ctx, "acc_2", theirs.ID))(other)
}

func testKeys(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	for i := range 3 {
		k := crm.AccountKey{Account: h.account, ID: crm.KeyID(fmt.Sprint("key_", i)), Name: "back end", CreatedAt: h.now}
		h.must(h.CreateKey(ctx, k, crm.TokenHash{byte(i)}))
	}
	fails(t, h.CreateKey(ctx, crm.AccountKey{Account: h.account, ID: "key_9"}, crm.TokenHash{1}), crm.Conflict, "key_exists")
	fails(t, h.CreateKey(ctx, crm.AccountKey{Account: "acc_none", ID: "key_9"}, crm.TokenHash{9}), crm.NotFound, "account_not_found")

	h.must(h.DeleteKey(ctx, h.account, "key_1"))
	fails(t, h.DeleteKey(ctx, h.account, "key_1"), crm.NotFound, "key_not_found")
	list := pages(h, func(p crm.Paging) (crm.Part[crm.AccountKey], error) { return h.ListKeys(ctx, h.account, p) })
	same(t, "keys, newest first", names(list, func(k crm.AccountKey) crm.KeyID { return k.ID }), []crm.KeyID{"key_2", "key_0"})
	same(t, "key", list[0], crm.AccountKey{Account: h.account, ID: "key_2", Name: "back end", CreatedAt: h.now})

	_, err := h.Caller(ctx, crm.TokenHash{1}, h.now)
	fails(t, err, crm.NotFound, "token_not_found")
	c := value(h.Caller(ctx, crm.TokenHash{2}, h.now))(h)
	same(t, "caller", c, crm.Caller{Account: h.sampleAccount(), Key: "key_2"})
}

func testCallers(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	u := h.user("u1")
	expires := h.now.Add(time.Hour)
	h.must(h.CreateToken(ctx, h.account, "u1", crm.TokenHash{1}, expires))
	fails(t, h.CreateToken(ctx, h.account, "u2", crm.TokenHash{2}, expires), crm.NotFound, "user_not_found")

	same(t, "caller", value(h.Caller(ctx, crm.TokenHash{1}, h.now))(h), crm.Caller{Account: h.sampleAccount(), User: &u})

	// The role is the one at the time of the request.
	u.Role, u.UpdatedAt = crm.RoleManager, h.now.Add(time.Minute)
	value(h.PutUser(ctx, u, h.now))(h)
	same(t, "role", value(h.Caller(ctx, crm.TokenHash{1}, h.now))(h).User.Role, crm.RoleManager)

	_, err := h.Caller(ctx, crm.TokenHash{1}, expires)
	fails(t, err, crm.NotFound, "token_not_found")
	_, err = h.Caller(ctx, crm.TokenHash{9}, h.now)
	fails(t, err, crm.NotFound, "token_not_found")
	u.Active = false
	value(h.PutUser(ctx, u, h.now))(h)
	_, err = h.Caller(ctx, crm.TokenHash{1}, h.now)
	fails(t, err, crm.NotFound, "token_not_found")

	// A user who is put again does not get old tokens back.
	u.Active = true
	h.must(h.DeleteUser(ctx, h.account, "u1", h.now))
	value(h.PutUser(ctx, u, h.now))(h)
	_, err = h.Caller(ctx, crm.TokenHash{1}, h.now)
	fails(t, err, crm.NotFound, "token_not_found")
}

func testPresets(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	p := crm.Preset{
		Account: h.account, ID: "pre_1", Name: "Office",
		IMAP: crm.Server{Host: "imap.sample.example", Port: 993, Security: crm.SecurityTLS},
		Auth: crm.AuthPassword, Username: crm.UsernameLocalPart, CreatedAt: h.now, UpdatedAt: h.now,
	}
	h.must(h.CreatePreset(ctx, p))
	fails(t, h.CreatePreset(ctx, p), crm.Conflict, "preset_exists")
	same(t, "preset", value(h.Preset(ctx, h.account, "pre_1"))(h), p)

	p.Name, p.SMTP = "Office 2", &crm.Server{Host: "smtp.sample.example", Port: 587, Security: crm.SecuritySTARTTLS}
	p.UpdatedAt = h.now.Add(time.Hour)
	same(t, "links that follow", value(h.UpdatePreset(ctx, p))(h), 0)
	same(t, "preset after the update", value(h.Preset(ctx, h.account, "pre_1"))(h), p)

	for i := range 4 {
		q := p
		q.ID = crm.PresetID(fmt.Sprint("pre_", i+2))
		h.must(h.CreatePreset(ctx, q))
	}
	h.must(h.DeletePreset(ctx, h.account, "pre_3"))
	fails(t, h.DeletePreset(ctx, h.account, "pre_3"), crm.NotFound, "preset_not_found")
	list := pages(h, func(p crm.Paging) (crm.Part[crm.Preset], error) { return h.ListPresets(ctx, h.account, p) })
	same(t, "presets, newest first", names(list, func(p crm.Preset) crm.PresetID { return p.ID }),
		[]crm.PresetID{"pre_5", "pre_4", "pre_2", "pre_1"})
	p.ID = "pre_none"
	_, err := h.UpdatePreset(ctx, p)
	fails(t, err, crm.NotFound, "preset_not_found")
	_, err = h.Preset(ctx, h.account, "pre_none")
	fails(t, err, crm.NotFound, "preset_not_found")
}

func testDomainUse(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	imap := crm.Server{Host: "imap.sample.example", Port: 993, Security: crm.SecurityTLS}
	for _, id := range []crm.PresetID{"pre_1", "pre_2"} {
		h.must(h.CreatePreset(ctx, crm.Preset{Account: h.account, ID: id, Name: "Office", IMAP: imap, Auth: crm.AuthPassword, CreatedAt: h.now, UpdatedAt: h.now}))
	}
	h.user("taro")
	for user, address := range map[crm.UserID]crm.Address{"a": "a@branch.example", "b": "b@branch.example", "c": "c@sub.branch.example", "d": "d@branch_example"} {
		h.user(user)
		l := h.linkOf(user, string(user))
		l.Address, l.Preset = address, "pre_1"
		made := value(h.CreateLink(ctx, l, "secret", nil))(h)
		if user == "b" {
			h.must(h.EndLink(ctx, h.account, made.ID, crm.EndedUnlinked, h.now))
		}
	}
	internal := value(h.InternalAddresses(ctx, h.account))(h)
	same(t, "internal addresses", internal[:2], []crm.Address{"a@branch.example", "a@sample.example"})
	if slices.Contains(internal, "b@branch.example") {
		t.Error("the address of a link that ended is internal")
	}
	use := value(h.DomainUse(ctx, h.account, "branch.example"))(h)
	same(t, "presets, newest first", names(use.Presets, func(p crm.Preset) crm.PresetID { return p.ID }), []crm.PresetID{"pre_2", "pre_1"})
	same(t, "links at the domain", use.Linked, map[crm.PresetID]int{"pre_1": 1})
	if use.Own {
		t.Error("an address that is only linked makes the domain the account's own")
	}
	own := string(value(h.User(ctx, h.account, "taro"))(h).Email)
	if use = value(h.DomainUse(ctx, h.account, own[len("taro@"):]))(h); !use.Own || len(use.Linked) != 0 {
		t.Errorf("of the users' own domain it knows %+v", use)
	}
	if use = value(h.DomainUse(ctx, h.account, "%"))(h); use.Own || len(use.Linked) != 0 {
		t.Errorf("a percent sign stands for %+v", use)
	}
	if use = value(h.DomainUse(ctx, "acc_other", "branch.example"))(h); len(use.Presets)+len(use.Linked) != 0 {
		t.Errorf("another account is told %+v", use)
	}
}
