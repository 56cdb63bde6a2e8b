package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/apitest"
	"mailsyncd.example/crm/api/wire"
)

// An address that was on record stays so since then; a new one begins now.
func TestContactKeepsSinceWhenAddressesAreOnRecord(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	owner := wire.ForeignID("uwe")
	first := o.clock.Now()
	must(o.key.PutContact(ctx, "k", wire.ContactInput{Name: "Kunde", Addresses: []string{"A@Kunde.example"}}))(t)
	o.clock.advance(time.Hour)
	c := must(o.key.PutContact(ctx, "k", wire.ContactInput{Name: "Kunde KK", OwnerID: &owner, Addresses: []string{"b@kunde.example", "a@kunde.example", "a@kunde.example"}}))(t)
	if c.Profile == nil || c.Name != "Kunde KK" || known(c.OwnerID) != "uwe" || len(c.Addresses) != 2 {
		t.Fatalf("the contact is %+v %+v", c, c.Profile)
	}
	for _, r := range c.OnRecord {
		want := map[crm.Address]time.Time{"a@kunde.example": first, "b@kunde.example": o.clock.Now()}[r.Address]
		if !r.Since.Equal(want) {
			t.Errorf("%s is on record since %v, want %v", r.Address, r.Since, want)
		}
	}
	if err := o.key.DeleteContact(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	_, err := o.key.Contact(ctx, "k")
	wantCode(t, err, "contact_not_found")
	wantCode(t, o.key.DeleteContact(ctx, "k"), "contact_not_found")
}

// With owner_only a user reads the profiles of their own contacts; of others
// there is an id and "restricted".
func TestContactVisibility(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	owner := wire.ForeignID("uwe")
	must(o.key.PutContact(ctx, "uwes", wire.ContactInput{Name: "Uwe's", OwnerID: &owner}))(t)
	must(o.key.PutContact(ctx, "nobodys", wire.ContactInput{Name: "Nobody's"}))(t)
	only := crm.VisibleOwnerOnly
	must(o.client.UpdateAccount(ctx, o.account, wire.AccountPatch{AccountSettings: wire.AccountSettings{ContactVisibility: &only}}))(t)
	for _, c := range []struct {
		who, contact string
		by           apitest.Client
		restricted   bool
	}{
		{"the owner of the contact", "uwes", o.as["uwe"], false},
		{"another user", "uwes", o.as["ulla"], true},
		{"a user", "nobodys", o.as["uwe"], true},
		{"a manager", "uwes", o.as["mona"], false},
		{"an admin", "nobodys", o.as["adam"], false},
		{"the back end", "nobodys", o.key, false},
	} {
		text := body(t, must(c.by.Send(ctx, "GET", "/v1/contacts/"+c.contact, "", nil))(t))
		list := body(t, must(c.by.Send(ctx, "GET", "/v1/contacts", "", nil))(t))
		want := fmt.Sprintf(`{"id":%q,"restricted":true}`, c.contact)
		if got := strings.TrimSpace(text) == want; got != c.restricted || strings.Contains(list, want) != c.restricted {
			t.Errorf("%s sees %s, in the list %s", c.who, text, list)
		}
	}
}

func TestImport(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	must(o.key.PutContact(ctx, "old", wire.ContactInput{Name: "Old"}))(t)
	long := strings.Repeat("x", 70*1024)
	lines := []string{
		"\ufeff" + `{"id":"k1","name":"一","addresses":["k1@kunde.example"]}`,
		`{"id":"old","name":"Not so old"}`,
		``,
		`{"id":"k2","addresses":["nobody"]}`,
		`{"id":"k3","nmae":"x"}`,
		`{"name":"no id"}`,
		`{"id":7}`,
		`no JSON`,
		"{\"id\":\"\x8c\xa9\"}",
		`{"id":"k4","name":"` + long + `"}`,
		`{"id":"k5","owner_id":null}`,
		`{"id":"k1","name":"二","addresses":["k1@kunde.example"]}`,
	}
	got := must(o.key.ImportContacts(ctx, strings.NewReader(strings.Join(lines, "\r\n"))))(t)
	if got.Created != 2 || got.Updated != 2 || got.RejectedCount != 7 {
		t.Errorf("created %d, updated %d, rejected %d", got.Created, got.Updated, got.RejectedCount)
	}
	want := []string{"4 address_invalid", "5 field_unknown", "6 field_missing", "7 field_invalid", "8 json_malformed", "9 json_malformed", "10 line_too_long"}
	var rejected []string
	for _, r := range got.Rejected {
		rejected = append(rejected, fmt.Sprint(r.Line, " ", r.Code))
		o.documented(t, string(r.Code))
		if !strings.HasSuffix(r.Detail, ".") {
			t.Errorf("line %d: %q is no sentence", r.Line, r.Detail)
		}
	}
	if !slices.Equal(rejected, want) {
		t.Errorf("rejected %v, want %v", rejected, want)
	}
	if c := must(o.key.Contact(ctx, "k1"))(t); c.Name != "二" || len(c.Addresses) != 1 {
		t.Errorf("imported %+v", c.Profile)
	}
}

// Many lines are many batches; what is rejected is counted beyond the list.
func TestImportOfManyLines(t *testing.T) {
	o := newOffice(t)
	var b strings.Builder
	for i := range 1300 {
		fmt.Fprintf(&b, "{\"id\":\"k%d\"}\n{\"id\":%d}\n", i%1201, i)
	}
	got := must(o.key.ImportContacts(t.Context(), strings.NewReader(b.String())))(t)
	if got.Created != 1201 || got.Updated != 99 || got.RejectedCount != 1300 || len(got.Rejected) != 1000 {
		t.Errorf("created %d, updated %d, rejected %d, listed %d", got.Created, got.Updated, got.RejectedCount, len(got.Rejected))
	}
	// Every page of a list follows the one before, without a gap.
	seen := map[crm.ContactID]bool{}
	for _, c := range must(o.contacts(t))(t) {
		seen[c.ID] = true
	}
	if len(seen) != 1201 {
		t.Errorf("the list has %d contacts", len(seen))
	}
}

func (o *office) contacts(t *testing.T) ([]wire.Contact, error) {
	var all []wire.Contact
	for cursor := ""; ; {
		resp := must(o.key.Send(t.Context(), "GET", "/v1/contacts?limit=1000000000&cursor="+cursor, "", nil))(t)
		page := decode[wire.List[wire.Contact]](t, body(t, resp))
		if len(page.Items) > 200 {
			t.Errorf("a page holds %d contacts", len(page.Items))
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

func TestImportsLimits(t *testing.T) {
	o := newOffice(t)
	resp := must(o.key.Send(t.Context(), "POST", "/v1/contacts/import", "application/x-www-form-urlencoded", strings.NewReader("x")))(t)
	if text := body(t, resp); resp.StatusCode != http.StatusUnsupportedMediaType || !strings.Contains(text, "x-ndjson") {
		t.Errorf("a form: %d %s", resp.StatusCode, text)
	}
	_, err := o.key.ImportContacts(t.Context(), strings.NewReader(strings.Repeat(" ", 64<<20+1)))
	wantCode(t, err, "body_too_large")
	_, err = o.key.ImportContacts(t.Context(), io.LimitReader(blankLines{}, 65<<20)) // of unknown length
	wantCode(t, err, "body_too_large")
	if got := must(o.key.ImportContacts(t.Context(), strings.NewReader("")))(t); got.Created != 0 || got.Rejected == nil {
		t.Errorf("nothing sent: %+v", got)
	}
}

// A body that breaks off is told so; what was written stays, and does no harm
// when it is sent again.
func TestImportThatBreaksOff(t *testing.T) {
	o := newOffice(t)
	conn := must(net.Dial("tcp", strings.TrimPrefix(o.url, "http://")))(t)
	defer conn.Close()
	line := `{"id":"k1"}` + "\n"
	fmt.Fprintf(conn, "POST /v1/contacts/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\nno chunk\r\n",
		o.key.Token, len(line), line)
	resp := must(http.ReadResponse(bufio.NewReader(conn), nil))(t)
	p := decode[wire.Problem](t, body(t, resp))
	if p.Code != "body_broken_off" || !strings.Contains(p.Detail, "line 2") {
		t.Errorf("%+v", p)
	}
}

// blankLines never end.
type blankLines struct{}

func (blankLines) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	p[len(p)-1] = '\n'
	return len(p), nil
}
