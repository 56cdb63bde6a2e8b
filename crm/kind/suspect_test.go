package kind

import "testing"

func TestSuspect(t *testing.T) {
	for name, c := range map[string]struct {
		results []string // of Authentication-Results, the topmost first
		suspect bool
	}{
		"no results": {nil, false},
		"all well":   {[]string{"mx.acme.example; dkim=pass header.d=customer.example; dmarc=pass header.from=customer.example"}, false},
		"DMARC fails": {[]string{"mx.acme.example;\n\tspf=softfail smtp.mailfrom=x@forger.example;\n" +
			"\tdmarc=fail (p=NONE sp=NONE dis=NONE) header.from=customer.example"}, true},
		"spaces and capitals":               {[]string{"mx.acme.example 1; DMARC = FAIL header.from=customer.example"}, true},
		"a version":                         {[]string{"mx.acme.example; dmarc/1=fail"}, true},
		"no name, as Exchange":              {[]string{"spf=fail (sender IP is 192.0.2.1) smtp.mailfrom=customer.example; dkim=none (message not signed) header.d=none;dmarc=fail action=oreject header.from=customer.example;compauth=fail reason=000"}, true},
		"in several fields":                 {[]string{"mx.acme.example; spf=pass", "mx.acme.example; dmarc=fail"}, true},
		"another server's word":             {[]string{"mx.acme.example; dmarc=pass", "mx.forger.example; dmarc=fail"}, false},
		"our server's name below another's": {[]string{"mx.acme.example; dmarc=pass", "mx.forger.example; spf=pass", "mx.acme.example; dmarc=fail"}, false},
		"in a comment":                      {[]string{"mx.acme.example; dmarc=pass (the sender says; dmarc=fail)"}, false},
		"a quarantine that passes":          {[]string{"mx.acme.example; dmarc=bestguesspass; arc=fail"}, false},
		"only DKIM fails":                   {[]string{"mx.acme.example; dkim=fail; spf=fail"}, false},
		"nothing":                           {[]string{"mx.acme.example; none"}, false},
		"garbage":                           {[]string{";;=((;dmarc", ""}, false},
	} {
		why := Suspect(func(name string) []string {
			if name != "Authentication-Results" {
				return nil
			}
			return c.results
		})
		if (why != "") != c.suspect {
			t.Errorf("%s: got %q", name, why)
		}
	}
}
