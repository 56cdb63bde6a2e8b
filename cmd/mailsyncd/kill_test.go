package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
)

const (
	kills     = 25
	killMails = 500 // that arrive while the daemon lives and dies
)

// The daemon is killed at random moments, again and again, while mail arrives
// in two users' mailboxes and a group's. What is in the CRM in the end is
// exactly what belongs there.
func TestNothingIsLostOrTwiceWhenKilled(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { killAgainAndAgain(t) })
	t.Run("PostgreSQL", func(t *testing.T) { killAgainAndAgain(t, "--database-url", postgresql.Database(t)) })
}

func killAgainAndAgain(t *testing.T, more ...string) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dovecot := dovecottest.Start(t)
	dir := t.TempDir()
	daemon, process := spawn(t, dir, more...)

	g := newGenerator(random, "aoi@acme.example", "dan@acme.example", infoTo)
	f := openFirm(t, daemon, dovecot, g.contacts...)
	links := map[string]link{}
	tokens := map[string]client{}
	for user, address := range map[string]string{"aoi": g.boxes[0], "dan": g.boxes[1], "ben": infoTo, "chie": infoTo} {
		f.mailbox(address)
		tokens[user] = f.user(user, crm.RoleUser)
		links[user] = f.link(tokens[user], address)
	}

	for range kills {
		// Mail pours in; at some point in it the daemon has a few
		// milliseconds left to live.
		burst := killMails / kills
		dies := random.IntN(burst)
		killed := make(chan error, 1)
		for i := range burst {
			if i == dies {
				left := time.Duration(random.Int64N(int64(50 * time.Millisecond)))
				time.AfterFunc(left, func() { killed <- process.Kill() })
			}
			g.deliver(t, dovecot)
		}
		if err := <-killed; err != nil {
			t.Fatal(err)
		}
		daemon.log.waitEnd()
		for range random.IntN(5) {
			g.deliver(t, dovecot) // while nobody is there
		}
		daemon, process = spawn(t, dir, more...)
		f = f.again(daemon)
	}

	for user, l := range links {
		f.look(daemon.as(string(tokens[user].token)), l)
	}
	f.expectExactly(g.expected)
	for _, l := range links {
		g.expectHealth(t, f.balance(l.MailboxID))
	}
	daemon.stop()
}

// expectExactly compares the messages in the CRM with those that belong there,
// by Message-ID, with the number of copies of each; and the events with both.
func (f *firm) expectExactly(want map[string]int) {
	f.t.Helper()
	imported := map[string]int{}
	ids := map[string]string{}
	for _, m := range f.messages() {
		if _, twice := imported[m.HeaderID]; twice {
			f.t.Errorf("%s is there twice", m.HeaderID)
		}
		imported[m.HeaderID] = len(m.Sightings)
		ids[m.ID] = m.HeaderID
	}
	for id, copies := range want {
		if got, ok := imported[id]; !ok {
			f.t.Errorf("%s is missing", id)
		} else if got != copies {
			f.t.Errorf("%s has %d sightings, want %d", id, got, copies)
		}
	}
	for id := range imported {
		if want[id] == 0 {
			f.t.Errorf("%s does not belong there", id)
		}
	}
	told := map[string]int{}
	for _, e := range f.events() {
		if e.Type == crm.MessageImported {
			told[ids[e.Data.MessageID]]++
		}
	}
	for id := range want {
		if told[id] != 1 {
			f.t.Errorf("%s was told by %d events", id, told[id])
		}
	}
}

// generator makes mail of every sort and keeps account of what must come of it.
type generator struct {
	random   *rand.Rand
	contacts []string
	boxes    []string
	count    int
	last     string                           // Message-ID that the next reply answers
	expected map[string]int                   // Message-ID → copies
	refused  map[string]map[crm.Outcome]int64 // by mailbox and reason
}

func newGenerator(random *rand.Rand, boxes ...string) *generator {
	g := &generator{random: random, boxes: boxes, expected: map[string]int{}, refused: map[string]map[crm.Outcome]int64{}}
	for i := range 12 {
		g.contacts = append(g.contacts, fmt.Sprintf("customer%d@shop%d.example", i, i%4))
	}
	for _, box := range g.boxes {
		g.refused[box] = map[crm.Outcome]int64{}
	}
	return g
}

// deliver delivers a mail of a random sort.
func (g *generator) deliver(t *testing.T, dovecot *dovecottest.Server) {
	t.Helper()
	g.count++
	id := fmt.Sprintf("%d@generated.example", g.count)
	contact := g.contacts[g.random.IntN(len(g.contacts))]
	box := g.boxes[g.random.IntN(len(g.boxes))]
	subject := fmt.Sprintf("Mail %d", g.count)
	body := strings.Repeat(fmt.Sprintf("line of %d\r\n", g.count), 1+g.random.IntN(400))
	stranger := "somebody@elsewhere.example"
	refuse := func(why crm.Outcome, raw []byte) {
		g.refused[box][why]++
		dovecot.Deliver(t, box, raw)
	}
	switch g.random.IntN(8) {
	case 0:
		refuse(crm.NoContact, mailOf(id, stranger, box, subject, body))
	case 1:
		refuse(crm.InternalOnly, mailOf(id, g.boxes[0], box, subject, body))
	case 2:
		refuse(crm.ContactOnlyInCc, mailOf(id, stranger, box, subject, body, "Cc: "+contact))
	case 3: // one mail to several mailboxes
		several := make([]string, min(3, len(g.boxes)))
		for i, n := range g.random.Perm(len(g.boxes))[:len(several)] {
			several[i] = g.boxes[n]
		}
		raw := mailOf(id, contact, strings.Join(several, ", "), subject, body)
		for _, each := range several {
			dovecot.Deliver(t, each, raw)
		}
		g.expected[id] = len(several)
	case 4: // the same copy twice in one mailbox
		raw := mailOf(id, contact, box, subject, body)
		dovecot.Deliver(t, box, raw)
		dovecot.Deliver(t, box, raw)
		g.expected[id] = 2
	case 5: // outbound, in another folder, a reply
		raw := mailOf(id, box, contact, "Re: "+subject, body, "In-Reply-To: <"+g.last+">")
		dovecot.Append(t, box, "Sent", raw, time.Time{})
		g.expected[id] = 1
	default:
		dovecot.Deliver(t, box, mailOf(id, contact, box, subject, body))
		g.expected[id], g.last = 1, id
	}
}

// expectHealth compares what a mailbox says of itself with the mail that came.
func (g *generator) expectHealth(t *testing.T, h health) {
	t.Helper()
	box := h.Addresses[0]
	if h.Balance.Unexplained != 0 || h.Receipt.RefusedBodies != 0 || len(h.Problems) != 0 {
		t.Errorf("mailbox %s: %d unexplained, %d bodies of refused mail read, problems %v",
			box, h.Balance.Unexplained, h.Receipt.RefusedBodies, h.Problems)
	}
	for _, why := range crm.Refusals {
		if got, want := h.Refused[why], g.refused[box][why]; got != want {
			t.Errorf("mailbox %s: %d refused as %s, want %d", box, got, why, want)
		}
	}
}

// event is an event as the API shows it.
type event struct {
	Seq  int           `json:"seq"`
	Type crm.EventType `json:"type"`
	Data struct {
		MessageID string `json:"message_id"`
	} `json:"data"`
}

// events are all events of the firm, in order.
func (f *firm) events() []event {
	f.t.Helper()
	var events []event
	for after := 0; ; {
		page := call[struct{ Items []event }](f.t, f.key, http.MethodGet, fmt.Sprintf("/v1/events?limit=200&after=%d", after), nil)
		if len(page.Items) == 0 {
			return events
		}
		events = append(events, page.Items...)
		after = page.Items[len(page.Items)-1].Seq
	}
}
