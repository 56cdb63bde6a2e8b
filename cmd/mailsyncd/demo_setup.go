package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"mailsyncd.example/cmd/mailsyncd/demo"
	"mailsyncd.example/cmd/mailsyncd/terminal"
	"mailsyncd.example/crm"
)

// tokenLife is how long the demo's tokens are valid: a working day.
const tokenLife = 8 * time.Hour

// colleague is a user of the demo's office, and the mailbox that they link.
type colleague struct {
	id    crm.UserID
	who   demo.Person
	role  crm.Role
	links demo.Person
	token string // once the office is set up
}

func colleagues() []colleague {
	return []colleague{
		{id: "aoi", who: demo.Aoi, role: crm.RoleOwner, links: demo.Aoi},
		{id: "ben", who: demo.Ben, role: crm.RoleAdmin, links: demo.Info},
		{id: "chie", who: demo.Chie, role: crm.RoleManager, links: demo.Info},
		{id: "dan", who: demo.Dan, role: crm.RoleUser, links: demo.Dan},
	}
}

// setup is the demo's account as the CRM and its users make it, all of it
// through the HTTP API.
type setup struct {
	api    client // with the operator's token
	key    string
	people []colleague
	preset string
	// addresses are those of the mailboxes that are linked.
	addresses map[crm.MailboxID]string
}

// open makes the account with its people, customers and server settings.
func (s *setup) open(ctx context.Context, server crm.Server) error {
	var account struct {
		ID string `json:"id"`
	}
	if err := s.api.call(ctx, http.MethodPost, "/v1/accounts", map[string]any{"name": "Acme"}, &account); err != nil {
		return err
	}
	var key struct {
		Key string `json:"key"`
	}
	if err := s.api.call(ctx, http.MethodPost, "/v1/accounts/"+account.ID+"/keys", map[string]any{"name": "demo"}, &key); err != nil {
		return err
	}
	s.key = key.Key
	s.people, s.addresses = colleagues(), map[crm.MailboxID]string{}
	for i := range s.people {
		if err := s.hire(ctx, &s.people[i]); err != nil {
			return err
		}
	}
	for i, customer := range []demo.Person{demo.Mori, demo.Rossi, demo.Baker} {
		path := fmt.Sprintf("/v1/contacts/c-%d", i+1)
		record := map[string]any{"name": customer.Name, "owner_id": "dan", "addresses": []string{customer.Address}}
		if err := s.api.as(s.key).call(ctx, http.MethodPut, path, record, nil); err != nil {
			return err
		}
	}
	var preset struct {
		ID string `json:"id"`
	}
	settings := map[string]any{
		"name": "The office's mail server", "auth": crm.AuthPassword, "username": crm.UsernameAddress,
		"imap": serverJSON(server),
	}
	if err := s.api.as(s.people[0].token).call(ctx, http.MethodPost, "/v1/presets", settings, &preset); err != nil {
		return err
	}
	s.preset = preset.ID
	return nil
}

func serverJSON(s crm.Server) map[string]any {
	return map[string]any{"host": s.Host, "port": s.Port, "security": s.Security}
}

// hire makes a user and gets a token for them.
func (s *setup) hire(ctx context.Context, c *colleague) error {
	crm := s.api.as(s.key)
	path := "/v1/users/" + url.PathEscape(string(c.id))
	user := map[string]any{"email": c.who.Address, "name": c.who.Name, "role": c.role}
	if err := crm.call(ctx, http.MethodPut, path, user, nil); err != nil {
		return err
	}
	var token struct {
		Token string `json:"token"`
	}
	life := map[string]any{"ttl_seconds": int(tokenLife.Seconds())}
	if err := crm.call(ctx, http.MethodPost, path+"/tokens", life, &token); err != nil {
		return err
	}
	c.token = token.Token
	return nil
}

// link links a user to a mailbox with these settings, and remembers whose
// address the mailbox has.
func (s *setup) link(ctx context.Context, c colleague, settings map[string]any) error {
	var link struct {
		Mailbox crm.MailboxID `json:"mailbox_id"`
		Address string        `json:"address"`
	}
	if err := s.api.as(c.token).call(ctx, http.MethodPost, "/v1/links", settings, &link); err != nil {
		return err
	}
	s.addresses[link.Mailbox] = link.Address
	return nil
}

// linkColleagues links everybody by the office's preset.
func (s *setup) linkColleagues(ctx context.Context) error {
	for _, c := range s.people {
		settings := map[string]any{"preset_id": s.preset, "address": c.links.Address, "password": demo.Password}
		if err := s.link(ctx, c, settings); err != nil {
			return err
		}
	}
	return nil
}

// linkYours asks for a mailbox on the terminal and links a further user to it.
// What can't be linked is asked for again.
func (s *setup) linkYours(ctx context.Context, ask terminal.Prompt) error {
	ask.Say("A mailbox of yours. It is only read, and nothing of it outlives the demo.")
	for {
		var answers [4]string
		for i, question := range [...]string{
			"  its address: ", "  its IMAP server, with TLS (host, or host:port): ", "  user name (nothing: the address): ",
			"  a customer's address, whose mail is to be imported: ",
		} {
			var err error
			if answers[i], err = ask.Line(ctx, question); err != nil {
				return err
			}
		}
		password, err := ask.Secret(ctx, "  password: ")
		if err != nil {
			return err
		}
		err = s.linkFurther(ctx, answers[0], answers[3], map[string]any{
			"address": answers[0], "username": cmp.Or(answers[2], answers[0]), "password": string(password),
			"imap": serverJSON(serverOf(answers[1])),
		})
		if err == nil || ctx.Err() != nil {
			return err
		}
		ask.Say(sentence(err))
	}
}

// linkFurther puts the customer on record and links a further user.
func (s *setup) linkFurther(ctx context.Context, address, customer string, settings map[string]any) error {
	who := demo.Person{Name: "You", Address: address}
	you := colleague{id: "you", who: who, role: crm.RoleUser, links: who}
	record := map[string]any{"name": customer, "addresses": []string{customer}}
	if err := s.api.as(s.key).call(ctx, http.MethodPut, "/v1/contacts/yours", record, nil); err != nil {
		return err
	}
	if err := s.hire(ctx, &you); err != nil {
		return err
	}
	if err := s.link(ctx, you, settings); err != nil {
		return err
	}
	s.people = append(s.people, you)
	return nil
}

// serverOf reads host or host:port; 993 is the port of IMAP over TLS.
func serverOf(typed string) crm.Server {
	server := crm.Server{Host: typed, Port: 993, Security: crm.SecurityTLS}
	if host, port, err := net.SplitHostPort(typed); err == nil {
		if n, err := strconv.Atoi(port); err == nil {
			server.Host, server.Port = host, n
		}
	}
	return server
}
