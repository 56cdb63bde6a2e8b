package suspect

import (
	"testing"

	"mailsyncd.example/crm"
)

func contact(addresses ...crm.Address) crm.Contact {
	c := crm.Contact{ID: "c"}
	for _, a := range addresses {
		c.Addresses = append(c.Addresses, crm.ContactAddress{Address: a})
	}
	return c
}

// office is a company whose people have addresses of several kinds.
func office() Inside {
	return New([]crm.Address{"aoi@acme.co.jp", "ben@sales.acme.co.jp", "boss@gmail.com", "shop@acme.sakura.ne.jp"})
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		contact crm.Contact
		reason  crm.SuspectReason
		address crm.Address
	}{
		"a customer":                     {contact("ken@customer.example"), "", ""},
		"without an address":             {contact(), "", ""},
		"a user's address":               {contact("x@customer.example", "boss@gmail.com"), crm.SuspectInternal, "boss@gmail.com"},
		"a colleague":                    {contact("new@acme.co.jp"), crm.SuspectOwnDomain, "new@acme.co.jp"},
		"a colleague elsewhere":          {contact("x@customer.example", "new@tokyo.acme.co.jp"), crm.SuspectOwnDomain, "new@tokyo.acme.co.jp"},
		"a stranger at Gmail":            {contact("ken@gmail.com"), "", ""},
		"a neighbour at the hoster's":    {contact("ken@other.sakura.ne.jp"), "", ""},
		"a colleague at the hoster's":    {contact("new@acme.sakura.ne.jp"), crm.SuspectOwnDomain, "new@acme.sakura.ne.jp"},
		"another company of Japan":       {contact("ken@other.co.jp"), "", ""},
		"a name that only looks like it": {contact("ken@notacme.co.jp"), "", ""},
	} {
		s, found := office().Judge(c.contact)
		if found != (c.reason != "") || s.Reason != c.reason || s.Address != c.address {
			t.Errorf("%s: %v %+v", name, found, s)
		}
	}
}

func TestOnlyInside(t *testing.T) {
	private := contact("ken@gmail.com")
	with := func(n int, to ...crm.Address) []crm.Message {
		var all []crm.Message
		for range n {
			m := crm.Message{}
			m.Letter.From = []crm.Person{{Address: "ken@gmail.com"}}
			for _, a := range to {
				m.Letter.To = append(m.Letter.To, crm.Person{Address: a})
			}
			all = append(all, m)
		}
		return all
	}
	for name, c := range map[string]struct {
		messages []crm.Message
		want     bool
	}{
		"with colleagues only":   {with(5, "aoi@acme.co.jp", "boss@gmail.com"), true},
		"too few to tell":        {with(4, "aoi@acme.co.jp", "boss@gmail.com"), false},
		"with one of them alone": {append(with(5, "aoi@acme.co.jp", "boss@gmail.com"), with(1, "aoi@acme.co.jp")...), false},
		"with somebody else":     {append(with(5, "aoi@acme.co.jp", "boss@gmail.com"), with(1, "aoi@acme.co.jp", "boss@gmail.com", "x@customer.example")...), false},
		"nothing":                {nil, false},
	} {
		if got := office().OnlyInside(private, c.messages); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, c := range []struct {
		contact crm.Contact
		want    bool
	}{{private, true}, {contact("ken@gmail.com", "ken@customer.example"), false}, {contact(), false}} {
		if WorthReading(c.contact) != c.want {
			t.Errorf("worth reading: %+v", c.contact.Addresses)
		}
	}
}
