package talk

import (
	"bytes"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/address"
)

// Fields calls each with every field of a header: its name, and its value
// unfolded (RFC 5322 section 2.2.3). Lines that are no field are left out. The
// bytes hold until each returns.
func Fields(header []byte, each func(name, value []byte)) {
	var name, value []byte
	folded := false
	for len(header) > 0 {
		line, rest, _ := bytes.Cut(header, []byte("\n"))
		header = rest
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			if !folded {
				value, folded = bytes.Clone(value), true
			}
			value = append(value, line...)
			continue
		}
		if name != nil {
			each(name, value)
		}
		var ok bool
		name, value, ok = bytes.Cut(line, []byte(":"))
		if !ok {
			name = nil
		}
		name = bytes.TrimRight(name, " \t")
		folded = false
	}
	if name != nil {
		each(name, value)
	}
}

// Joined adds the value of a field to those of others of the same name.
func Joined(all, value []byte) []byte {
	if len(all) > 0 {
		all = append(all, ", "...)
	}
	return append(all, value...)
}

// Addresses reads the addresses in the value of a field.
func Addresses(value []byte) []crm.Address {
	if len(value) == 0 {
		return nil
	}
	return address.List(string(value))
}
