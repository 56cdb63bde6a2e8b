package intake_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/intake"
)

func TestOnlyWhatTheRulesImportIsFetched(t *testing.T) {
	d := newDesk(t)
	for uid := crm.UID(1); uid <= 1200; uid++ {
		from := "x@stranger.example"
		if uid%100 == 0 {
			from = "Ken <ken@customer.example>"
		}
		d.shelf.put(uid, from, fmt.Sprint("m", uid))
	}
	must(t, d.advance(1200))
	if n := len(d.messages()); n != 12 {
		t.Errorf("%d messages, want 12", n)
	}
	if len(d.shelf.fetched) != 12 {
		t.Errorf("bodies fetched: %v", d.shelf.fetched)
	}
	if d.stretch.Folder.Position != 1200 {
		t.Errorf("position %d", d.stretch.Folder.Position)
	}
	if d.shelf.asked > 12 {
		t.Errorf("%d round trips for three windows", d.shelf.asked)
	}
	h := d.health()
	if h.Receipt.Envelopes != 1200 || h.Receipt.Bodies != 12 || h.Receipt.RefusedBodies != 0 || h.Receipt.Bytes != d.shelf.received {
		t.Errorf("receipt %+v, received %d", h.Receipt, d.shelf.received)
	}
	if got := h.Folders[0].Outcomes; got[crm.Imported] != 12 || got[crm.NoContact] != 1188 {
		t.Errorf("outcomes %v", got)
	}
}

func TestAnnouncedNewsGoesNoFurtherThanTheLastMessage(t *testing.T) {
	d := newDesk(t)
	d.shelf.put(3, "ken@customer.example", "three")
	must(t, d.advance(0))
	if d.stretch.Folder.Position != 3 {
		t.Fatalf("position %d: UIDs that are not given out yet were passed", d.stretch.Folder.Position)
	}
	must(t, d.advance(0))
	d.shelf.put(4, "ken@customer.example", "four")
	must(t, d.advance(0))
	if n := len(d.messages()); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
	if got := d.health().Folders[0].Outcomes; got[crm.Vanished] != 2 {
		t.Errorf("outcomes %v: UIDs 1 and 2 had vanished", got)
	}
}

func TestAGapInTheUIDsCostsOneQuestion(t *testing.T) {
	d := newDesk(t)
	d.shelf.put(1, "ken@customer.example", "first")
	d.shelf.put(4_000_000_000, "ken@customer.example", "last")
	must(t, d.advance(4_000_000_100))
	if n := len(d.messages()); n != 2 || d.stretch.Folder.Position != 4_000_000_100 {
		t.Errorf("%d messages, position %d", n, d.stretch.Folder.Position)
	}
	if d.shelf.asked > 12 {
		t.Errorf("%d round trips over a gap", d.shelf.asked)
	}
}

func TestAKnownMessageIsNotFetchedAgain(t *testing.T) {
	d := newDesk(t)
	d.shelf.put(1, "ken@customer.example", "same")
	must(t, d.advance(1))
	for uid := crm.UID(2); uid <= 4; uid++ {
		d.shelf.put(uid, "ken@customer.example", "same")
	}
	d.shelf.put(5, "ken@customer.example", "other")
	d.shelf.put(6, "ken@customer.example", "other")
	must(t, d.advance(6))
	if !slices.Equal(d.shelf.fetched, []crm.UID{1, 5}) {
		t.Errorf("bodies fetched: %v", d.shelf.fetched)
	}
	if d.seen[1] != crm.Imported || d.seen[2] != crm.Copied || d.seen[5] != crm.Imported || d.seen[6] != crm.Copied {
		t.Errorf("outcomes: %v", d.seen)
	}
	must(t, deleteMessage(d, "same"))
	d.shelf.put(7, "ken@customer.example", "same")
	must(t, d.advance(7))
	if d.seen[7] != crm.Removed || len(d.messages()) != 1 {
		t.Errorf("a deleted message came back: %v, %d messages", d.seen[7], len(d.messages()))
	}
}

func deleteMessage(d *desk, subject string) error {
	_, err := d.store.DeleteMessage(d.t.Context(), d.account, d.messages()[subject].ID, d.now)
	return err
}

func TestAMessageWithoutMessageIDIsIdentifiedByItsContent(t *testing.T) {
	d := newDesk(t)
	for uid := crm.UID(1); uid <= 3; uid++ {
		d.shelf.put(uid, "ken@customer.example", "report")
		raw := string(d.shelf.mails[uid].raw)
		_, raw, _ = strings.Cut(raw, "\r\n") // without the Message-ID
		if uid == 3 {
			raw += "One line more.\r\n"
		}
		d.shelf.mails[uid].raw = []byte(raw)
	}
	must(t, d.advance(3))
	if d.seen[1] != crm.Imported || d.seen[2] != crm.Copied || d.seen[3] != crm.Imported {
		t.Errorf("outcomes: %v", d.seen)
	}
}

func TestTroubleIsListedTriedAgainAndStopsNobody(t *testing.T) {
	d := newDesk(t)
	for uid := crm.UID(1); uid <= 5; uid++ {
		d.shelf.put(uid, "ken@customer.example", fmt.Sprint("m", uid))
	}
	d.shelf.mute[2], d.shelf.garbled[3], d.shelf.lazy[4] = true, true, true
	must(t, d.advance(5))
	if n := len(d.messages()); n != 3 {
		t.Errorf("%d messages beside two in trouble, want 3", n)
	}
	due := func() []crm.Problem {
		p, err := d.store.DueProblems(t.Context(), d.account, d.stretch.Folder.Mailbox, d.now)
		must(t, err)
		return p
	}
	if n := len(d.health().Problems); n != 2 || len(due()) != 0 {
		t.Fatalf("%d problems, %d due at once", n, len(due()))
	}
	settle := func() { must(t, intake.New(d.options).Settle(t.Context(), d.stretch, due())) }
	d.now = d.now.Add(time.Minute)
	settle()
	if p := d.health().Problems; len(p) != 2 || p[0].Tries != 2 || len(due()) != 0 {
		t.Fatalf("after a second try: %+v", p)
	}
	clear(d.shelf.mute)
	clear(d.shelf.garbled)
	d.now = d.now.Add(5 * time.Minute)
	settle()
	if n := len(d.messages()); n != 5 || len(d.health().Problems) != 0 {
		t.Errorf("%d messages, problems %+v", n, d.health().Problems)
	}
	if d.stretch.Folder.Position != 5 {
		t.Errorf("position %d", d.stretch.Folder.Position)
	}
}

func TestAMessageThatBreaksTheConnectionIsPassedOver(t *testing.T) {
	d := newDesk(t)
	for uid := crm.UID(1); uid <= 700; uid++ {
		d.shelf.put(uid, "x@stranger.example", fmt.Sprint("m", uid))
	}
	d.shelf.put(650, "ken@customer.example", "behind it")
	d.shelf.poison[333] = true
	broke, at := 0, crm.UID(0)
	for d.advance(700) != nil {
		if broke++; broke > 20 {
			t.Fatalf("stuck at %d", d.stretch.Folder.Position)
		}
		if d.stretch.Folder.Position == at {
			d.stretch.Care++
		} else {
			d.stretch.Care, at = max(1, d.stretch.Care), d.stretch.Folder.Position
		}
	}
	if len(d.messages()) != 1 {
		t.Error("the message behind the poisoned one is missing")
	}
	p := d.health().Problems
	if len(p) != 1 || p[0].UID != 333 {
		t.Errorf("problems %+v", p)
	}
	if d.seen[332] != crm.NoContact || d.seen[334] != crm.NoContact {
		t.Errorf("its neighbours: %q, %q", d.seen[332], d.seen[334])
	}
}

// noClaims is a Claimer whose other processes can't be asked.
type noClaims struct{}

func (noClaims) Claim(ctx context.Context, _ crm.AccountID, _ ...crm.Identity) (func(), error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, crm.E(crm.Unavailable, "redis_unreachable", "Redis does not answer.")
}

func TestAnImportDoesNotWaitForClaims(t *testing.T) {
	d := newDesk(t)
	d.options.Claims = noClaims{}
	d.shelf.put(1, "ken@customer.example", "one")
	must(t, d.advance(1))
	if len(d.messages()) != 1 {
		t.Errorf("%d messages, want one", len(d.messages()))
	}
}

func TestALargeMessageIsImportedWithItsHeadAlone(t *testing.T) {
	for name, claims := range map[string]int64{"as claimed": 0, "a server that lies": 100} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.options.Limit = 3 << 20
			d.shelf.put(1, "ken@customer.example", "large")
			d.shelf.mails[1].raw = append(d.shelf.mails[1].raw, strings.Repeat("Much of it.\r\n", 1<<19)...)
			d.shelf.claims = claims
			must(t, d.advance(1))
			m := d.messages()["large"]
			if !slices.Contains(m.Letter.Degraded, "too_large") {
				t.Errorf("degraded: %v", m.Letter.Degraded)
			}
			if m.Size > d.options.Limit || m.Size < 1000 {
				t.Errorf("%d bytes kept", m.Size)
			}
		})
	}
}

// A body goes from the connection to where it is kept, and is read from there:
// one of any size takes the memory of a small one.
func TestMemoryDoesNotGrowWithTheMessage(t *testing.T) {
	const line = "VGhpcyBpcyBhIGxvbmcgYXR0YWNobWVudCwgYW5kIG5vYm9keSBoYXMgdG8gaG9sZCBpdC4uLi4u\r\n"
	allocated := func(lines int) uint64 {
		d := newDesk(t)
		d.shelf.put(1, "ken@customer.example", "drawings")
		head, _, _ := bytes.Cut(d.shelf.mails[1].raw, []byte("\r\n\r\n"))
		d.shelf.mails[1].raw = fmt.Appendf(nil, "%s\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n%s",
			head, strings.Repeat(line, lines))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		must(t, d.advance(1))
		runtime.ReadMemStats(&after)
		if m := d.messages()["drawings"]; m.Size < int64(lines*len(line)) || len(m.Letter.Degraded) > 0 {
			t.Errorf("%d bytes kept, degraded %v", m.Size, m.Letter.Degraded)
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	small, large := allocated(4<<20/len(line)), allocated(40<<20/len(line))
	if large > small+4<<20 {
		t.Errorf("4 MB took %d KB, 40 MB %d KB", small>>10, large>>10)
	}
}

func TestABalanceFindsAndReadsWhatWasLost(t *testing.T) {
	d := newDesk(t)
	d.shelf.put(1, "ken@customer.example", "one")
	d.shelf.put(9, "ken@customer.example", "nine")
	must(t, d.advance(9))
	// The server hid two messages when the window was read, and drops one.
	d.shelf.put(4, "ken@customer.example", "four")
	d.shelf.put(5, "x@stranger.example", "five")
	delete(d.shelf.mails, 9)
	unexplained, err := intake.New(d.options).Balance(t.Context(), d.stretch)
	must(t, err)
	if unexplained != 2 || len(d.messages()) != 3 {
		t.Errorf("%d unexplained, %d messages", unexplained, len(d.messages()))
	}
	m, err := d.store.Message(t.Context(), d.account, d.messages()["nine"].ID)
	must(t, err)
	if len(m.Sightings) != 0 {
		t.Errorf("a vanished copy is still in sight: %+v", m.Sightings)
	}
	unexplained, err = intake.New(d.options).Balance(t.Context(), d.stretch)
	must(t, err)
	if unexplained != 0 {
		t.Errorf("%d unexplained after the repair", unexplained)
	}
	if got := d.health().Folders[0].Outcomes; got[crm.Imported] != 3 || got[crm.NoContact] != 1 || got[crm.Vanished] != 5 {
		t.Errorf("outcomes %v", got)
	}
}

func TestAFolderThatAppearedLaterIsReadFromTheDayOfTheLink(t *testing.T) {
	d := newDesk(t)
	for uid := crm.UID(1); uid <= 2000; uid++ {
		d.shelf.put(uid, "ken@customer.example", fmt.Sprint("m", uid))
		if uid <= 1990 {
			d.shelf.mails[uid].at = linkedAt.AddDate(-1, 0, 0)
		}
	}
	listed := d.stretch.Folder
	listed.UIDValidity = 8
	stored, err := d.store.SyncFolders(t.Context(), d.account, listed.Mailbox, []crm.Folder{listed}, 0, d.now)
	must(t, err)
	d.stretch.Folder = stored[0]
	must(t, d.advance(2000))
	if n := len(d.messages()); n != 10 {
		t.Errorf("%d messages, want 10", n)
	}
	if d.shelf.asked > 6 {
		t.Errorf("%d round trips, most of them for old mail", d.shelf.asked)
	}
	if got := d.health().Folders[0].Outcomes; got[crm.BeforeLink] != 1990 {
		t.Errorf("outcomes %v", got)
	}
}

// When a server tells no time, the address bounced when the bounce came.
func TestABounceTellsWhomItIsAbout(t *testing.T) {
	d := newDesk(t)
	d.shelf.put(1, "ken@customer.example", "Undelivered Mail")
	d.shelf.mails[1].raw = []byte("From: ken@customer.example\r\nTo: dan@acme.example\r\nSubject: Undelivered Mail\r\nX-Failed-Recipients: ai@customer.example\r\n\r\n550 5.1.1 User unknown\r\n")
	must(t, d.advance(1))
	m := d.messages()["Undelivered Mail"]
	want := crm.Bounce{Address: "ai@customer.example", Status: "5.1.1", Severity: crm.Hard, At: m.ReceivedAt}
	if len(m.Letter.Bounces) != 1 || m.Letter.Bounces[0] != want {
		t.Errorf("%+v, want %+v", m.Letter.Bounces, want)
	}
}
