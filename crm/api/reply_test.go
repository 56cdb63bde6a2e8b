package api_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// looks saves how a look at a mailbox went, as its keeper would.
func (o *office) looks(t *testing.T, m crm.MailboxID, status crm.LinkStatus) {
	t.Helper()
	looked := crm.Looked{Account: o.account, Mailbox: m, At: o.clock.Now(), Status: status, Synced: status == crm.LinkLive}
	if status == crm.LinkUnreachable {
		looked.Err = "gone"
	}
	if err := o.store.SaveLooks(t.Context(), []crm.Looked{looked}); err != nil {
		t.Error(err)
	}
}

// replied checks what the answer says: "yes", "no" or "unknown".
func (o *office) replied(t *testing.T, what, query, want string) wire.ReplyCheck {
	t.Helper()
	text := body(t, must(o.key.Send(t.Context(), "GET", "/v1/contacts/kunde/reply-check?"+query, "", nil))(t))
	c := decode[wire.ReplyCheck](t, text)
	field := map[string]string{"yes": `"replied":true`, "no": `"replied":false`, "unknown": `"replied":"unknown"`}[want]
	if !strings.Contains(text, field) || c.ClearToSend != (want == "no") || (c.MessageID != nil) != (want == "yes") {
		t.Errorf("%s: %s, want %s", what, text, want)
	}
	return c
}

func (o *office) customer(t *testing.T) {
	t.Helper()
	must(o.key.PutContact(t.Context(), "kunde", wire.ContactInput{Addresses: []string{"kunde@kunde.example"}}))(t)
}

// "No" is said only where it is known; what keeps it from being known is named.
func TestReplyCheck(t *testing.T) {
	o := newOffice(t)
	o.customer(t)
	since := "since=" + url.QueryEscape(o.clock.Now().Format(time.RFC3339))
	o.replied(t, "without a mailbox", since, "unknown")

	one, two := o.link(t, "uwe"), o.link(t, "mona")
	o.looks(t, one.MailboxID, crm.LinkLive)
	c := o.replied(t, "with a mailbox that was never read", since, "unknown")
	if len(c.StaleMailboxes) != 1 || c.StaleMailboxes[0].ID != two.MailboxID || c.SyncedThrough != nil {
		t.Errorf("it says %+v", c)
	}
	oldest := o.clock.Now()
	o.clock.advance(14 * time.Minute)
	o.looks(t, two.MailboxID, crm.LinkLive)
	c = o.replied(t, "with all read", since, "no")
	if len(c.StaleMailboxes) != 0 || !known(c.SyncedThrough).Equal(oldest) {
		t.Errorf("it says %+v", c)
	}
	o.clock.advance(2 * time.Minute)
	c = o.replied(t, "with one that is stale", since, "unknown")
	if len(c.StaleMailboxes) != 1 || c.StaleMailboxes[0].ID != one.MailboxID || !c.StaleMailboxes[0].LastSyncedAt.Equal(oldest) {
		t.Errorf("it says %+v", c)
	}
	o.replied(t, "with more patience", since+"&stale_after=1h", "no")
	o.looks(t, one.MailboxID, crm.LinkLive)
	o.replied(t, "with none stale", since, "no")
	o.looks(t, two.MailboxID, crm.LinkUnreachable)
	o.replied(t, "with one that is unreachable", since, "unknown")

	reply := o.imports(t, one, mailFrom("kunde", "kunde@kunde.example", "Re: Hello"))[0]
	c = o.replied(t, "after the reply", since, "yes")
	if known(c.MessageID) != reply || !c.ReceivedAt.Equal(o.clock.Now()) || len(c.StaleMailboxes) != 1 {
		t.Errorf("it says %+v", c)
	}
	o.replied(t, "ever", "", "yes")
	o.looks(t, two.MailboxID, crm.LinkLive)
	o.clock.advance(time.Minute)
	later := "since=" + url.QueryEscape(o.clock.Now().Format(time.RFC3339))
	o.replied(t, "since then", later, "no")
}

// A message that could not be read so far may be the reply.
func TestReplyCheckWithUnreadMail(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	o.customer(t)
	l := o.link(t, "uwe")
	o.looks(t, l.MailboxID, crm.LinkLive)
	since := "since=" + url.QueryEscape(o.clock.Now().Format(time.RFC3339))
	f := must(o.store.SyncFolders(ctx, o.account, l.MailboxID, []crm.Folder{{Name: "INBOX", Role: crm.RoleInbox, UIDValidity: 7}}, 0, o.clock.Now()))(t)[0]
	page := crm.Page{
		Account: o.account, Mailbox: l.MailboxID, Folder: f.ID, UIDValidity: 7, From: f.Position, Through: f.Position + 1,
		Problems: []crm.Problem{{UID: f.Position + 1, Detail: "no body", RetryAt: o.clock.Now().Add(time.Minute)}},
	}
	must(o.store.Record(ctx, page, o.clock.Now()))(t)
	c := o.replied(t, "with a message that could not be read", since, "unknown")
	if len(c.StaleMailboxes) != 1 || c.StaleMailboxes[0].Unread != 1 || c.StaleMailboxes[0].Status != crm.LinkLive {
		t.Errorf("it says %+v", c)
	}
	page.From, page.Problems = page.Through, nil
	page.Runs = []crm.Run{{Lo: page.Through, Hi: page.Through, Outcome: crm.NoContact}}
	must(o.store.Record(ctx, page, o.clock.Now()))(t)
	o.replied(t, "once it was read", since, "no")
}

// With fresh the mailboxes are looked at before the answer: those that can be
// read, and no longer than was asked for.
func TestFreshReplyCheck(t *testing.T) {
	o := newOffice(t)
	o.customer(t)
	one, two, broken := o.link(t, "uwe"), o.link(t, "mona"), o.link(t, "adam")
	for _, l := range []wire.Link{one, two, broken} {
		o.looks(t, l.MailboxID, crm.LinkLive)
	}
	o.looks(t, broken.MailboxID, crm.LinkUnreachable)
	o.clock.advance(time.Minute)
	asked := o.clock.Now()

	o.watcher.look = func(ctx context.Context, m crm.MailboxID) {
		if m == two.MailboxID {
			<-ctx.Done() // a server that does not answer
			return
		}
		o.looks(t, m, crm.LinkLive)
	}
	c := o.replied(t, "with a silent server", "fresh=50ms&stale_after=30s", "unknown")
	if !slices.Equal(sorted(o.watcher.looked), sorted([]crm.MailboxID{one.MailboxID, two.MailboxID})) {
		t.Errorf("looked at %v", o.watcher.looked)
	}
	if len(c.StaleMailboxes) != 2 || !known(c.SyncedThrough).Before(asked) {
		t.Errorf("it says %+v", c)
	}

	o.looks(t, broken.MailboxID, crm.LinkLive)
	o.watcher.look = func(_ context.Context, m crm.MailboxID) { o.looks(t, m, crm.LinkLive) }
	c = o.replied(t, "with all looked at", "fresh=10s&stale_after=1s", "no")
	if !known(c.SyncedThrough).Equal(asked) {
		t.Errorf("synced through %v, want %v", known(c.SyncedThrough), asked)
	}

	o.watcher.looked = nil
	o.replied(t, "again, within the second", "fresh=10s&stale_after=1s", "no")
	if len(o.watcher.looked) == 0 {
		t.Errorf("looked at %v: what was looked at just now may hold a reply that came since", o.watcher.looked)
	}
	o.watcher.look = func(_ context.Context, m crm.MailboxID) {
		if m == one.MailboxID {
			o.imports(t, one, mailFrom("kunde", "kunde@kunde.example", "Re: Hello"))
		}
	}
	o.replied(t, "with a reply that the look finds", "fresh=10s", "yes")
	o.watcher.looked = nil
	o.replied(t, "with a reply that is here", "fresh=10s", "yes")
	if len(o.watcher.looked) != 0 {
		t.Errorf("looked at %v for what was known", o.watcher.looked)
	}
}

// A firm with many mailboxes has them all looked at.
func TestFreshReplyCheckOfManyMailboxes(t *testing.T) {
	o := newOffice(t)
	o.customer(t)
	const many = 100
	for i := range many {
		id := "u" + strings.Repeat("x", i)
		must(o.key.PutUser(t.Context(), id, wire.UserInput{Email: id + "@sakura.example", Role: crm.RoleUser}))(t)
		user := o.key.As(must(o.key.UserToken(t.Context(), id))(t))
		must(user.CreateLink(t.Context(), linkInput(id+"@sakura.example")))(t)
	}
	o.watcher.look = func(_ context.Context, m crm.MailboxID) { o.looks(t, m, crm.LinkLive) }
	o.replied(t, "before a look", "", "unknown")
	o.replied(t, "after it", "fresh=10s", "no")
	if len(o.watcher.looked) != many {
		t.Errorf("looked at %d mailboxes", len(o.watcher.looked))
	}
}

func sorted(ids []crm.MailboxID) []crm.MailboxID { return slices.Sorted(slices.Values(ids)) }
