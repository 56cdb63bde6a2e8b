package main

import (
	"context"
	"io"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// openLib connects and logs in with imapclient.
func openLib(j job, user string, o *imapclient.Options) (*imapclient.Client, error) {
	conn, err := j.dial()
	if err != nil {
		return nil, err
	}
	c := imapclient.New(conn, o)
	if err := c.Login(user, password).Wait(); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// scanLib reads every envelope, and the bodies that are wanted.
func (j job) scanLib() (reading, error) {
	c, err := openLib(j, j.Users[0], nil)
	if err != nil {
		return reading{}, err
	}
	defer c.Close()
	if _, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		return reading{}, err
	}
	s := begin()
	for lo := 1; lo <= j.Count; lo += window {
		var set imap.UIDSet
		set.AddRange(imap.UID(lo), imap.UID(min(lo+window-1, j.Count)))
		o := &imap.FetchOptions{UID: true, Envelope: true, InternalDate: true, RFC822Size: true}
		if err := drain(c.Fetch(set, o)); err != nil {
			return reading{}, err
		}
	}
	for left := j.Wanted; len(left) > 0; {
		var set imap.UIDSet
		for _, uid := range left[:min(len(left), window)] {
			set.AddNum(imap.UID(uid))
		}
		left = left[min(len(left), window):]
		o := &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}}
		if err := drain(c.Fetch(set, o)); err != nil {
			return reading{}, err
		}
	}
	return s.end()
}

// drain reads all that a FETCH brings and keeps nothing.
func drain(cmd *imapclient.FetchCommand) error {
	for m := cmd.Next(); m != nil; m = cmd.Next() {
		for item := m.Next(); item != nil; item = m.Next() {
			if body, ok := item.(imapclient.FetchItemDataBodySection); ok {
				if _, err := io.Copy(io.Discard, body.Literal); err != nil {
					return err
				}
			}
		}
	}
	return cmd.Close()
}

func (j job) lookLib() (reading, error) {
	c, err := openLib(j, j.Users[0], nil)
	if err != nil {
		return reading{}, err
	}
	defer c.Close()
	status := &imap.StatusOptions{NumMessages: true, UIDNext: true, UIDValidity: true}
	s := begin()
	for range j.Count {
		if _, err := c.List("", "*", &imap.ListOptions{ReturnStatus: status}).Collect(); err != nil {
			return reading{}, err
		}
	}
	return s.end()
}

// idleLib stands at every mailbox with imapclient's Idle.
func (j job) idleLib() (reading, error) {
	before, after, err := growth(j.Users, func(user string) error {
		c, err := openLib(j, user, nil)
		if err != nil {
			return err
		}
		if _, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
			return err
		}
		_, err = c.Idle()
		return err
	})
	return reading{Growth: after - before}, err
}

// announceLib waits for news as imapclient tells them, until ctx ends.
func announceLib(ctx context.Context, j job, user string, heard func(messages int)) error {
	o := &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages != nil {
				heard(int(*data.NumMessages))
			}
		},
	}}
	c, err := openLib(j, user, o)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = c.Close() })
	if _, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		return err
	}
	_, err = c.Idle()
	return err
}
