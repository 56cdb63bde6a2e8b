package access

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"mailsyncd.example/crm"
)

// contract is the table of roles of the contract, with the "who" of the API's
// routes: who may do what.
const contract = `
                  owner  admin  manager  user  key
	manage_users      -      -      -        -     yes
	manage_contacts   -      -      -        -     yes
	find_suspects     yes    yes    yes      -     yes
	read_contacts     yes    yes    yes      yes   yes
	automate          -      -      -        -     yes
	edit_presets      yes    yes    yes      -     -
	see_presets       yes    yes    yes      yes   yes
	link_own          yes    yes    yes      yes   -
	see_links         yes    yes    yes      yes   yes
	see_all_links     yes    yes    yes      -     yes
	see_health        yes    yes    yes      -     yes
	see_audit         yes    yes    yes      -     yes
	check_balance     yes    yes    yes      -     yes
	read_mail         yes    yes    yes      yes   yes
	delete_mail       yes    yes    yes      -     -
	read_events       yes    yes    yes      yes   yes
	manage_webhooks   yes    yes    yes      -     yes
`

func as(role string) crm.Caller {
	if role == "key" {
		return crm.Caller{}
	}
	return crm.Caller{User: &crm.User{ID: "aoi", Role: crm.Role(role)}}
}

func TestMay(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(contract), "\n")
	columns := strings.Fields(lines[0])
	spelt := map[Action]bool{}
	for _, line := range lines[1:] {
		row := strings.Fields(line)
		action := Action(row[0])
		spelt[action] = true
		for i, role := range columns {
			if got, want := May(as(role), action), row[i+1] == "yes"; got != want {
				t.Errorf("%s may %s: %v, want %v", role, action, got, want)
			}
		}
	}
	if !maps.Equal(spelt, asSet(maps.Keys(table))) {
		t.Errorf("the test spells %d actions, the table has %d", len(spelt), len(table))
	}
}

func asSet(actions func(func(Action) bool)) map[Action]bool {
	set := map[Action]bool{}
	for a := range actions {
		set[a] = true
	}
	return set
}

func TestTheUnknownMayNothing(t *testing.T) {
	for _, action := range slices.Sorted(maps.Keys(table)) {
		for _, role := range []string{"", "root", "Owner"} {
			if May(as(role), action) {
				t.Errorf("role %q may %s", role, action)
			}
		}
	}
	if May(as("owner"), "launch_rockets") {
		t.Error("an action that is not in the table is allowed")
	}
}

func TestMayReadProfile(t *testing.T) {
	own, others := crm.Contact{Owner: "aoi"}, crm.Contact{Owner: "ben"}
	nobodys := crm.Contact{}
	for _, c := range []struct {
		role    string
		contact crm.Contact
		v       crm.Visibility
		want    bool
	}{
		{"user", own, crm.VisibleOwnerOnly, true},
		{"user", others, crm.VisibleOwnerOnly, false},
		{"user", nobodys, crm.VisibleOwnerOnly, false},
		{"user", others, crm.VisibleAll, true},
		{"user", others, "", false}, // what nobody has decided stays closed
		{"manager", others, crm.VisibleOwnerOnly, true},
		{"admin", others, crm.VisibleOwnerOnly, true},
		{"owner", nobodys, crm.VisibleOwnerOnly, true},
		{"key", others, crm.VisibleOwnerOnly, true},
		{"nonsense", own, crm.VisibleAll, false},
	} {
		if got := MayReadProfile(as(c.role), c.contact, c.v); got != c.want {
			t.Errorf("%s, contact of %q, visibility %q: %v, want %v", c.role, c.contact.Owner, c.v, got, c.want)
		}
	}
}
