package wire

import (
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
)

// Kinds of text in requests. Each brings its own schema, so that the document
// and the check can't differ. None may hold control characters: PostgreSQL
// refuses NUL, and a line break in a user name would be a second IMAP command.
type (
	// Name is what people read.
	Name string
	// ID is an id that we gave.
	ID string
	// ForeignID is an id that the CRM gave.
	ForeignID string
	// Span is a length of time; "" where none was sent.
	Span string
	// Password is what a user types to log in to a mail server.
	Password string
)

// Schema implements huma.SchemaProvider.
func (Name) Schema(huma.Registry) *huma.Schema {
	return text(0, 300, `^[^\x00-\x1f\x7f]*$`, "text without control characters")
}

// Schema implements huma.SchemaProvider. An id that can't be one of ours is
// unknown rather than invalid, so this says little of what they look like.
func (ID) Schema(huma.Registry) *huma.Schema {
	return text(1, 64, `^[^\x00-\x1f\x7f]+$`, "an id without control characters")
}

// Schema implements huma.SchemaProvider.
func (ForeignID) Schema(huma.Registry) *huma.Schema {
	return text(1, 200, `^[^\x00-\x1f\x7f/]+$`, "an id without slashes and control characters")
}

// Schema implements huma.SchemaProvider.
func (Span) Schema(huma.Registry) *huma.Schema {
	return text(0, 10, `^([0-9]{1,6}(ms|s|m|h))?$`, "a length of time such as 500ms, 2s, 15m or 1h")
}

// Within reads a length of time that stands in a parameter and may be most.
func (s Span) Within(parameter string, most time.Duration) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(string(s))
	if err != nil || d > most {
		return 0, crm.E(crm.Invalid, "parameter_invalid", parameter+" is a length of time such as 2s, and "+most.String()+" at most.")
	}
	return d, nil
}

// Schema implements huma.SchemaProvider.
func (Password) Schema(huma.Registry) *huma.Schema {
	s := text(1, 1000, `^[^\x00\r\n]+$`, "a password without line breaks")
	s.Format, s.WriteOnly = "password", true
	return s
}

// String hides the password from fmt, like crm.Secret does.
func (Password) String() string { return "[secret]" }

// GoString hides the password from fmt's %#v.
func (Password) GoString() string { return "[secret]" }

// text is a schema of one line: both the check and what the document says.
func text(least, most int, pattern, what string) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, MaxLength: &most, Pattern: pattern, PatternDescription: what}
	if least > 0 {
		s.MinLength = &least
	}
	return s
}

// OneAddress reads an address that stands in a field.
func OneAddress(field, raw string) (crm.Address, error) {
	a, ok := address.Parse(raw)
	if !ok {
		return "", crm.E(crm.Invalid, "address_invalid", field+" is no e-mail address; write it like name@example.com.")
	}
	return a, nil
}

// addresses reads a list of addresses and leaves out what comes twice.
func addresses(field string, raw []string) ([]crm.Address, error) {
	out := make([]crm.Address, 0, len(raw))
	seen := map[crm.Address]bool{}
	for i, r := range raw {
		a, err := OneAddress(fmt.Sprintf("%s[%d]", field, i), r)
		if err != nil {
			return nil, err
		}
		if !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	return out, nil
}
