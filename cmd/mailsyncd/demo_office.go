package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"mailsyncd.example/crm"
)

// officePassword opens every mailbox of the demo's mail server, which listens
// on the loopback interface only and forgets everything in the end.
const officePassword = "demo-only"

// office is the mail server of the demo: IMAP over TCP, kept in memory.
type office struct {
	server    *imapserver.Server
	address   *net.TCPAddr
	mailboxes map[string]*imapmemserver.User

	mu        sync.Mutex
	delivered map[copyKey]demoMail
	count     int
}

// copyKey names one copy of a mail on the server.
type copyKey struct {
	mailbox, folder string
	uid             crm.UID
}

// openOffice starts the mail server with a mailbox for each of the addresses.
func openOffice(addresses ...string) (*office, error) {
	memory := imapmemserver.New()
	o := &office{mailboxes: map[string]*imapmemserver.User{}, delivered: map[copyKey]demoMail{}}
	for _, address := range addresses {
		user := imapmemserver.NewUser(address, officePassword)
		for _, folder := range []string{folderInbox, folderSent, folderSentOfAoi, folderJunk, folderOfProjects} {
			if err := user.Create(folder, nil); err != nil {
				return nil, fmt.Errorf("create %s of %s: %w", folder, address, err)
			}
		}
		memory.AddUser(user)
		o.mailboxes[address] = user
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o.address = listener.Addr().(*net.TCPAddr)
	o.server = imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return memory.NewSession(), nil, nil
		},
		Caps: imap.CapSet{
			imap.CapIMAP4rev1: {}, imap.CapUIDPlus: {}, imap.CapListExtended: {}, imap.CapListStatus: {},
		},
		InsecureAuth: true,
		Logger:       log.New(io.Discard, "", 0),
	})
	go o.server.Serve(listener) //nolint:errcheck // it ends when close closes it
	return o, nil
}

func (o *office) close() { _ = o.server.Close() }

// deliver puts a letter where it belongs and remembers what each copy was.
func (o *office) deliver(l demoMail) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count++
	if l.id == "" {
		l.id = fmt.Sprintf("demo-%d.%d@acme.example", o.count, time.Now().UnixMilli())
	}
	raw, err := l.wire(time.Now())
	if err != nil {
		return err
	}
	for _, p := range l.into {
		put, err := o.mailboxes[p.mailbox].Append(p.folder, bytes.NewReader(raw), &imap.AppendOptions{})
		if err != nil {
			return fmt.Errorf("deliver to %s of %s: %w", p.folder, p.mailbox, err)
		}
		o.delivered[copyKey{p.mailbox, p.folder, crm.UID(put.UID)}] = l
	}
	return nil
}

// letter returns what was delivered as this copy.
func (o *office) letter(k copyKey) (demoMail, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	l, ok := o.delivered[k]
	return l, ok
}
