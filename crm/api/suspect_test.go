package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// Who may be a colleague is pointed out, with the reason, however many contacts
// there are and however small the pages.
func TestSuspects(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	put := func(id string, addresses ...string) {
		t.Helper()
		must(o.key.PutContact(ctx, id, wire.ContactInput{Name: wire.Name(id), Addresses: addresses}))(t)
	}
	var lines strings.Builder
	for i := range 300 {
		fmt.Fprintf(&lines, `{"id":"k%03d","addresses":["k%03d@kunde.example"]}`+"\n", i, i)
	}
	must(o.key.ImportContacts(ctx, strings.NewReader(lines.String())))(t)
	put("a-user", "x@kunde.example", "uwe@sakura.example")
	put("colleague", "new@tokyo.sakura.example")
	put("private", "ken@gmail.com")
	put("stranger", "stranger@gmail.com")
	put("z-last", "last@sakura.example")
	l := o.link(t, "uwe")
	for i := range 5 {
		m := mailFrom("private", "ken@gmail.com", fmt.Sprint("Party ", i))
		m.Letter.To = []crm.Person{{Address: "uwe@sakura.example"}, {Address: "mona@sakura.example"}}
		o.imports(t, l, m)
	}
	want := "a-user internal_address uwe@sakura.example, colleague own_domain new@tokyo.sakura.example, private only_inside , z-last own_domain last@sakura.example"
	for _, limit := range []string{"", "1", "2", "200"} {
		query := url.Values{}
		if limit != "" {
			query.Set("limit", limit)
		}
		var got []string
		for _, s := range must(o.as["mona"].Suspects(ctx, query))(t) {
			got = append(got, fmt.Sprintf("%s %s %s", s.Contact.ID, s.Reason, s.Address))
			if !strings.HasSuffix(s.Detail, ".") || s.Contact.Profile == nil {
				t.Errorf("%+v", s)
			}
		}
		if all := strings.Join(got, ", "); all != want {
			t.Errorf("limit %q: got %s", limit, all)
		}
	}
	_, key, _ := o.open(t, "Fuji")
	if got := must(key.Suspects(ctx, nil))(t); len(got) != 0 {
		t.Errorf("another account is shown %+v", got)
	}
}

func TestBadInputOfSuspects(t *testing.T) {
	o := newOffice(t)
	const call = "GET /v1/contacts/internal-suspects"
	o.refuses(t, map[string]badInput{
		"a limit of 0":           {o.key, call + "?limit=0", "", "", 422, "parameter_invalid", "query.limit", ">= 1"},
		"a cursor of nobody's":   {o.key, call + "?cursor=%21", "", "", 422, "cursor_invalid", "", "without one"},
		"an unknown parameter":   {o.key, call + "?reason=own_domain", "", "", 422, "parameter_unknown", "query.reason", "no such parameter"},
		"by a user of role user": {o.as["uwe"], call, "", "", 403, "role_forbidden", "", ""},
	})
}
