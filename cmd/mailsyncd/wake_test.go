package main

import (
	"net/http"
	"testing"
)

// mustMetric is a number that the daemon tells of itself.
func (r *running) mustMetric(t *testing.T, name string) int {
	t.Helper()
	n, ok := r.metric(name)
	if !ok {
		t.Fatalf("the metrics do not tell %s", name)
	}
	return n
}

// What is said to one process wakes the one that works the mailbox. In case that
// a signal was lost, every process also reads the list of all mailboxes once a
// minute. A round in which the owner has done so proves nothing, and is played
// again; without signals every round ends by that.
func TestOwnerIsWokenByOthers(t *testing.T) {
	m, _ := newTeam(t)
	m.args = append(m.args, "--poll-interval", "24h")
	teller := serve(t, m.dir, m.args...)
	owner := serve(t, m.dir, m.args...)
	eventually(t, "both share the mailboxes", func() bool {
		const shards = "mailsync_lease_shards"
		n := owner.mustMetric(t, shards)
		return n > 0 && n < 1024 && n+teller.mustMetric(t, shards) == 1024
	})
	told := func(link func()) bool {
		const lists = "mailsync_mailbox_lists_total"
		before := owner.mustMetric(t, lists)
		link()
		m.settled(teller, owner)
		return owner.mustMetric(t, lists) == before
	}
	woken := told(func() { m.open(t, teller) })
	for round := 1; round < 3 && !woken; round++ {
		for i, user := range m.staff {
			do(t, user, http.MethodDelete, "/v1/links/"+m.links[i].ID, nil)
		}
		eventually(t, "all mailboxes are left", func() bool { return teller.connections(t)+owner.connections(t) == 0 })
		woken = told(func() {
			for i, user := range m.staff {
				m.links[i] = m.link(user, m.address(i))
			}
		})
	}
	if !woken {
		t.Error("the owner works what was linked elsewhere only once it has read the list of mailboxes")
	}

	// A session that stands would go on for a day with the password of before.
	const logins = `mailsync_imap_connects_total{result="ok"}`
	want := owner.mustMetric(t, logins) + owner.connections(t)
	for i, user := range m.staff {
		if err := m.dovecot.SetPassword(m.address(i), "another"); err != nil {
			t.Fatal(err)
		}
		do(t, user, http.MethodPatch, "/v1/links/"+m.links[i].ID, map[string]any{"password": "another"})
	}
	eventually(t, "the owner uses the new passwords", func() bool { return owner.mustMetric(t, logins) >= want })
}
