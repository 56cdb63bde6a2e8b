// Package access is the one table of what each caller of the API may do within
// an account. What only the operator may do is not here: the operator belongs
// to no account.
package access

import "mailsyncd.example/crm"

// Action is something that not everybody may do.
type Action string

const (
	ManageUsers    Action = "manage_users"    // read and write users, give them tokens
	ManageContacts Action = "manage_contacts" // write contacts, singly and in bulk
	FindSuspects   Action = "find_suspects"   // contacts that may be the company's own people
	ReadContacts   Action = "read_contacts"   // their profiles: see MayReadProfile
	Automate       Action = "automate"        // enroll contacts in sequences, ask whether they have replied
	EditPresets    Action = "edit_presets"
	SeePresets     Action = "see_presets"
	LinkOwn        Action = "link_own"      // test, make, change and end their own link, ask about mail in it
	SeeLinks       Action = "see_links"     // their own, or all with SeeAllLinks
	SeeAllLinks    Action = "see_all_links" // everybody's
	SeeHealth      Action = "see_health"    // of every mailbox, and the account's usage
	SeeAudit       Action = "see_audit"     // who changed what
	CheckBalance   Action = "check_balance" // have a mailbox counted on the server now
	ReadMail       Action = "read_mail"     // threads, messages, attachments
	DeleteMail     Action = "delete_mail"
	ReadEvents     Action = "read_events"
	ManageWebhooks Action = "manage_webhooks"
)

// roles is a set of roles. The account's key counts as one: it acts for the
// CRM's back end, and has no mailbox to link.
type roles uint8

const (
	owner roles = 1 << iota
	admin
	manager
	user
	key

	managers  = owner | admin | manager
	users     = managers | user
	everybody = users | key
)

var table = map[Action]roles{
	ManageUsers:    key,
	ManageContacts: key,
	FindSuspects:   managers | key,
	ReadContacts:   everybody,
	Automate:       key,
	EditPresets:    managers,
	SeePresets:     everybody,
	LinkOwn:        users,
	SeeLinks:       everybody,
	SeeAllLinks:    managers | key,
	SeeHealth:      managers | key,
	SeeAudit:       managers | key,
	CheckBalance:   managers | key,
	ReadMail:       everybody,
	DeleteMail:     managers,
	ReadEvents:     everybody,
	ManageWebhooks: managers | key,
}

// May reports whether the caller may do this. Roles and actions that the table
// does not know may nothing.
func May(c crm.Caller, a Action) bool { return table[a]&roleOf(c) != 0 }

func roleOf(c crm.Caller) roles {
	if c.User == nil {
		return key
	}
	switch c.User.Role {
	case crm.RoleOwner:
		return owner
	case crm.RoleAdmin:
		return admin
	case crm.RoleManager:
		return manager
	case crm.RoleUser:
		return user
	}
	return 0
}

// MayReadProfile reports whether the caller may see a contact's profile, and
// not only that there is such a contact.
func MayReadProfile(c crm.Caller, contact crm.Contact, v crm.Visibility) bool {
	if !May(c, ReadContacts) {
		return false
	}
	if v == crm.VisibleAll || roleOf(c) != user {
		return true
	}
	return contact.Owner == c.User.ID
}
