package storetest

import (
	"fmt"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

func testUsers(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	u := crm.User{
		Account: h.account, ID: "7", Email: "taro@sample.example", Name: "太郎", Role: crm.RoleAdmin,
		Aliases: []crm.Address{"t@sample.example", "sales@sample.example"}, Active: true, CreatedAt: h.now, UpdatedAt: h.now,
	}
	if created := value(h.PutUser(ctx, u, h.now))(h); !created {
		t.Error("a new user counts as there already")
	}
	same(t, "user", value(h.User(ctx, h.account, "7"))(h), u)

	h.pass(time.Hour)
	v := u
	v.Name, v.Aliases, v.CreatedAt, v.UpdatedAt = "Taro", []crm.Address{"t@sample.example"}, h.now, h.now
	if created := value(h.PutUser(ctx, v, h.now))(h); created {
		t.Error("a user who was there counts as new")
	}
	v.CreatedAt = u.CreatedAt
	same(t, "user after it was put again", value(h.User(ctx, h.account, "7"))(h), v)

	_, err := h.User(ctx, h.account, "8")
	fails(t, err, crm.NotFound, "user_not_found")
	fails(t, h.DeleteUser(ctx, h.account, "8", h.now), crm.NotFound, "user_not_found")
	u.Account = "acc_none"
	_, err = h.PutUser(ctx, u, h.now)
	fails(t, err, crm.NotFound, "account_not_found")

	for _, id := range []crm.UserID{"a", "b", "c", "d"} {
		h.user(id)
	}
	list := pages(h, func(p crm.Paging) (crm.Part[crm.User], error) { return h.ListUsers(ctx, h.account, p) })
	same(t, "users by id", names(list, func(u crm.User) crm.UserID { return u.ID }), []crm.UserID{"7", "a", "b", "c", "d"})

	h.must(h.DeleteUser(ctx, h.account, "7", h.now))
	_, err = h.User(ctx, h.account, "7")
	fails(t, err, crm.NotFound, "user_not_found")
	if created := value(h.PutUser(ctx, v, h.now))(h); !created {
		t.Error("a user who was deleted counts as there")
	}
}

func testUserEndsLinks(t *testing.T, open Opener) {
	for why, end := range map[crm.EndReason]func(*house, crm.User) error{
		crm.EndedUserDeleted: func(h *house, u crm.User) error { return h.DeleteUser(h.t.Context(), h.account, u.ID, h.now) },
		crm.EndedUserDisabled: func(h *house, u crm.User) error {
			u.Active = false
			_, err := h.PutUser(h.t.Context(), u, h.now)
			return err
		},
	} {
		t.Run(string(why), func(t *testing.T) {
			h := newHouse(t, open)
			ctx := t.Context()
			mine, theirs := h.link("u1", "box1"), h.link("u2", "box1")
			u := value(h.User(ctx, h.account, "u1"))(h)
			h.must(end(h, u))
			if l := value(h.Link(ctx, h.account, mine.ID))(h); l.Status != crm.LinkUnlinked || l.EndedBy != why {
				t.Errorf("link %+v", l)
			}
			if l := value(h.Link(ctx, h.account, theirs.ID))(h); !l.EndedAt.IsZero() {
				t.Errorf("the other user's link ended too: %+v", l)
			}
			if why == crm.EndedUserDisabled {
				_, err := h.CreateLink(ctx, h.linkOf("u1", "box1"), "x", nil)
				fails(t, err, crm.Forbidden, "mail_disabled")
			}
		})
	}
}

func testContacts(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	c := crm.Contact{
		Account: h.account, ID: "c1", Name: "Sato", Owner: "u1", CreatedAt: h.now, UpdatedAt: h.now,
		Addresses: []crm.ContactAddress{{Address: "z@customer.example", Since: h.now}, {Address: "a@customer.example", Since: h.now.Add(-time.Hour)}},
	}
	same(t, "created", value(h.PutContacts(ctx, []crm.Contact{c}))(h), 1)
	same(t, "contact", value(h.Contact(ctx, h.account, "c1"))(h), c)

	later := c
	later.Name, later.Owner, later.CreatedAt, later.UpdatedAt = "Sato Hanako", "", h.now.Add(time.Hour), h.now.Add(time.Hour)
	same(t, "created again", value(h.PutContacts(ctx, []crm.Contact{later}))(h), 0)
	later.CreatedAt = c.CreatedAt
	same(t, "contact put again", value(h.Contact(ctx, h.account, "c1"))(h), later)

	for _, id := range []crm.ContactID{"c2", "c3", "c4", "c5"} {
		h.contact(id, "shared@customer.example", crm.Address(id+"@customer.example"))
	}
	list := pages(h, func(p crm.Paging) (crm.Part[crm.Contact], error) { return h.ListContacts(ctx, h.account, p) })
	same(t, "contacts by id", names(list, func(c crm.Contact) crm.ContactID { return c.ID }), []crm.ContactID{"c1", "c2", "c3", "c4", "c5"})
	same(t, "addresses in a list", list[0].Addresses, c.Addresses)

	h.must(h.DeleteContact(ctx, h.account, "c3"))
	fails(t, h.DeleteContact(ctx, h.account, "c3"), crm.NotFound, "contact_not_found")
	_, err := h.Contact(ctx, h.account, "c3")
	fails(t, err, crm.NotFound, "contact_not_found")
	_, err = h.PutContacts(ctx, []crm.Contact{{Account: "acc_none", ID: "c1"}})
	fails(t, err, crm.NotFound, "account_not_found")
	same(t, "none", value(h.PutContacts(ctx, nil))(h), 0)
}

// What decides which mail is imported is since when an address is on record.
func testContactAddresses(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	begin := h.now
	c := h.contact("c1", "old@customer.example", "gone@customer.example")
	h.pass(time.Hour)
	c.Addresses = []crm.ContactAddress{
		{Address: "new@customer.example", Since: h.now},
		{Address: "old@customer.example", Since: h.now},
		{Address: "new@customer.example", Since: h.now.Add(time.Hour)}, // twice: the first counts
	}
	value(h.PutContacts(ctx, []crm.Contact{c}))(h)
	same(t, "addresses", value(h.Contact(ctx, h.account, "c1"))(h).Addresses, []crm.ContactAddress{
		{Address: "new@customer.example", Since: h.now},
		{Address: "old@customer.example", Since: begin},
	})

	// An address that was taken off begins anew when it comes back.
	h.pass(time.Hour)
	c.Addresses = []crm.ContactAddress{{Address: "gone@customer.example", Since: h.now}}
	value(h.PutContacts(ctx, []crm.Contact{c}))(h)
	same(t, "addresses", value(h.Contact(ctx, h.account, "c1"))(h).Addresses, c.Addresses)

	c.Addresses = nil
	value(h.PutContacts(ctx, []crm.Contact{c}))(h)
	same(t, "addresses", value(h.Contact(ctx, h.account, "c1"))(h).Addresses, nil)
}

func testManyContacts(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	const n = 1500
	cs := make([]crm.Contact, n)
	for i := range cs {
		cs[i] = crm.Contact{
			Account: h.account, ID: crm.ContactID(fmt.Sprintf("c%04d", i)), Name: "x", CreatedAt: h.now, UpdatedAt: h.now,
			Addresses: []crm.ContactAddress{{Address: crm.Address(fmt.Sprintf("c%d@customer.example", i)), Since: h.now}},
		}
	}
	again := cs[7]
	again.Name = "the later one counts"
	same(t, "created", value(h.PutContacts(ctx, append(cs[:n:n], again)))(h), n)
	same(t, "created the second time", value(h.PutContacts(ctx, append(cs[:3:3], crm.Contact{Account: h.account, ID: "new", CreatedAt: h.now, UpdatedAt: h.now})))(h), 1)
	same(t, "contact", value(h.Contact(ctx, h.account, "c1499"))(h), cs[1499])
	list := value(h.ListContacts(ctx, h.account, crm.Paging{Limit: 5000}))(h)
	same(t, "contacts", len(list.Items), n+1)
}

func testFacts(t *testing.T, open Opener) {
	h := newHouse(t, open)
	ctx := t.Context()
	facts := func(addrs ...crm.Address) crm.Facts { return value(h.Facts(ctx, h.account, addrs))(h) }
	h.contact("c1", "sato@customer.example", "shared@customer.example")
	begin := h.now
	h.pass(time.Hour)
	h.contact("c2", "shared@customer.example")

	f := facts("sato@customer.example", "shared@customer.example", "nobody@else.example")
	same(t, "sato", f.Contacts["sato@customer.example"], []crm.OnRecord{{Contact: "c1", Since: begin}})
	same(t, "shared", f.Contacts["shared@customer.example"], []crm.OnRecord{{Contact: "c1", Since: begin}, {Contact: "c2", Since: h.now}})
	same(t, "others", len(f.Contacts), 2)
	same(t, "internal", len(f.Internal), 0)
	h.must(h.DeleteContact(ctx, h.account, "c1"))
	same(t, "after a contact went", len(facts("sato@customer.example").Contacts), 0)

	internal := func(addr crm.Address) bool { return facts(addr).Internal[addr] }
	u := h.user("u1")
	u.Aliases = []crm.Address{"alias@sample.example"}
	value(h.PutUser(ctx, u, h.now))(h)
	if !internal("u1@sample.example") || !internal("alias@sample.example") {
		t.Error("a user's address or alias is not internal")
	}
	u.Aliases, u.Active = nil, false
	value(h.PutUser(ctx, u, h.now))(h)
	if internal("alias@sample.example") || !internal("u1@sample.example") {
		t.Error("an alias that was taken off is internal, or an inactive user's address is not")
	}
	h.must(h.DeleteUser(ctx, h.account, "u1", h.now))
	if internal("u1@sample.example") {
		t.Error("a deleted user's address is internal")
	}

	// A linked mailbox's address is internal while any link of it stands.
	h.user("u2")
	l := h.linkOf("u2", "Info@Group.example")
	l.Address = "info@sample.example"
	first := value(h.CreateLink(ctx, l, "x", nil))(h)
	h.user("u3")
	l.User = "u3"
	second := value(h.CreateLink(ctx, l, "x", nil))(h)
	for _, id := range []crm.LinkID{first.ID, second.ID} {
		if !internal("info@sample.example") || !internal("info@group.example") {
			t.Error("the address of a linked mailbox is not internal")
		}
		h.must(h.EndLink(ctx, h.account, id, crm.EndedUnlinked, h.now))
	}
	if internal("info@sample.example") || internal("info@group.example") {
		t.Error("the address of a mailbox without links is internal")
	}
}

func testFactsOfMany(t *testing.T, open Opener) {
	h := newHouse(t, open)
	var cs []crm.Contact
	var asked []crm.Address
	for i := range 1300 {
		addr := crm.Address(fmt.Sprintf("c%d@customer.example", i))
		asked = append(asked, addr)
		if i%2 == 0 {
			cs = append(cs, crm.Contact{Account: h.account, ID: crm.ContactID(addr), Addresses: []crm.ContactAddress{{Address: addr, Since: h.now}}, CreatedAt: h.now, UpdatedAt: h.now})
		}
	}
	value(h.PutContacts(t.Context(), cs))(h)
	f := value(h.Facts(t.Context(), h.account, asked))(h)
	same(t, "contacts found", len(f.Contacts), 650)
	for addr, on := range f.Contacts {
		same(t, string(addr), on, []crm.OnRecord{{Contact: crm.ContactID(addr), Since: h.now}})
	}
	same(t, "facts of nobody", len(value(h.Facts(t.Context(), h.account, nil))(h).Contacts), 0)
}
