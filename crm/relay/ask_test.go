package relay_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mailsyncd.example/crm"
)

// owner starts a process that works every mailbox.
func owner(t *testing.T, url string, look func(ctx context.Context, what string) error) *process {
	t.Helper()
	p := start(t, url)
	p.look = look
	p.works.Store(true)
	return p
}

func TestOwnerAnswers(t *testing.T) {
	url := server.URL(t)
	var answer error
	asker, bystander := start(t, url), start(t, url)
	bystander.look = func(context.Context, string) error { return errors.New("it is not mine") }
	o := owner(t, url, nil)
	o.look = func(ctx context.Context, what string) error {
		o.heard <- what
		if _, bounded := ctx.Deadline(); !bounded {
			return errors.New("the question has no end")
		}
		return answer
	}
	throttled := crm.Wrap(crm.Throttled, "server_busy", "Too many connections.", errors.New("NO [LIMIT]"))
	throttled.After = time.Minute
	for _, c := range []struct {
		answer error
		want   crm.Error
	}{
		{nil, crm.Error{}},
		{crm.E(crm.Rejected, "credential_rejected", "Enter the right password."), crm.Error{Kind: crm.Rejected, Code: "credential_rejected", Detail: "Enter the right password."}},
		{throttled, crm.Error{Kind: crm.Throttled, Code: "server_busy", Detail: "Too many connections.", After: time.Minute}},
	} {
		answer = c.answer
		err := asker.Relay.Look(t.Context(), "acc_1", "mbx_1")
		o.expect(t, "look at acc_1 mbx_1")
		var got crm.Error
		if e, ok := errors.AsType[*crm.Error](err); ok {
			got = *e
			got.Err = nil
		}
		if got != c.want || (err == nil) != (c.answer == nil) {
			t.Errorf("the owner says %v, the asker gets %#v", c.answer, err)
		}
		if c.answer != nil && err.Error() != c.answer.Error() {
			t.Errorf("the log reads %q, want %q", err, c.answer)
		}
	}
	answer = errors.New("out of luck")
	err := asker.Relay.Balance(t.Context(), "acc_1", "mbx_2")
	o.expect(t, "balance acc_1 mbx_2")
	if crm.KindOf(err) != crm.Internal || err.Error() != "out of luck" {
		t.Errorf("a fault comes as %v", err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	url := server.URL(t)
	asker := start(t, url)
	start(t, url)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // enough to ask, on a slow machine, too
	defer cancel()
	err := asker.Relay.Look(ctx, "acc_1", "mbx_1")
	if crm.CodeOf(err) != "mailbox_unanswered" || crm.KindOf(err) != crm.Unavailable {
		t.Errorf("nobody works the mailbox: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if err := asker.Relay.Look(ctx, "acc_1", "mbx_1"); !errors.Is(err, context.Canceled) {
		t.Errorf("the asker has left: %v", err)
	}
}

// Whoever takes a mailbox over takes the open questions about it.
func TestOwnerChangesWhileItIsAsked(t *testing.T) {
	url := server.URL(t)
	begun := make(chan struct{})
	first := owner(t, url, func(ctx context.Context, _ string) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	})
	second := start(t, url)
	second.look = func(context.Context, string) error { return nil }
	asker := start(t, url)
	done := make(chan error, 1)
	go func() { done <- asker.Relay.Look(t.Context(), "acc_1", "mbx_1") }()
	<-begun
	first.stop()
	second.works.Store(true)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The looks of a hundred mailboxes at once need no connection each.
func TestManyQuestions(t *testing.T) {
	url := server.URL(t)
	const questions = 100
	var all sync.WaitGroup
	all.Add(questions)
	owner(t, url, func(context.Context, string) error {
		all.Done()
		all.Wait() // they are worked on side by side
		return nil
	})
	asker := start(t, url)
	errs := make(chan error, questions)
	for i := range questions {
		go func() { errs <- asker.Relay.Look(t.Context(), "acc_1", crm.MailboxID(fmt.Sprint("mbx_", i))) }()
	}
	all.Wait()
	client := redis.NewClient(&redis.Options{Addr: server.Address()})
	defer client.Close()
	channels, err := client.PubSubChannels(t.Context(), "*").Result()
	if err != nil || len(channels) != 3 {
		t.Errorf("two processes listen on %q, want one that is everybody's and one for each: %v", channels, err)
	}
	for range questions {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
