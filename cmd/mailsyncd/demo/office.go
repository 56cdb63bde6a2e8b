// Package demo is the office that the command of this name shows: people,
// letters, and a mail server in memory.
package demo

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

// Password opens every mailbox of the demo's mail server, which listens
// on the loopback interface only and forgets everything in the end.
const Password = "demo-only"

// Office is the mail server of the demo: IMAP over TCP, kept in memory.
type Office struct {
	server *imapserver.Server
	// Address is where it listens.
	Address   *net.TCPAddr
	mailboxes map[string]*imapmemserver.User

	mu        sync.Mutex
	delivered map[Copy]Letter
	count     int
}

// Copy names one copy of a mail on the server.
type Copy struct {
	Mailbox, Folder string
	UID             crm.UID
}

// Open starts the mail server with a mailbox for each of the addresses.
func Open(addresses ...string) (*Office, error) {
	memory := imapmemserver.New()
	o := &Office{mailboxes: map[string]*imapmemserver.User{}, delivered: map[Copy]Letter{}}
	for _, address := range addresses {
		user := imapmemserver.NewUser(address, Password)
		for _, folder := range []string{Inbox, sent, sentOfAoi, junk, projects} {
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
	o.Address = listener.Addr().(*net.TCPAddr)
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
	go o.server.Serve(listener) //nolint:errcheck // it ends when Close closes it
	return o, nil
}

// Close stops the server.
func (o *Office) Close() { _ = o.server.Close() }

// Deliver puts a letter where it belongs and remembers what each copy was.
func (o *Office) Deliver(l Letter) error {
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
		o.delivered[Copy{p.mailbox, p.folder, crm.UID(put.UID)}] = l
	}
	return nil
}

// Letter returns what was delivered as this copy.
func (o *Office) Letter(k Copy) (Letter, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	l, ok := o.delivered[k]
	return l, ok
}
