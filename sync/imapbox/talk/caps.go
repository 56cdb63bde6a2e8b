package talk

import "strings"

// relevant are the capabilities that make a difference here. The others are
// not kept: a server announces some forty, and there is a box for each mailbox.
var relevant = [...]string{
	"STARTTLS", "LOGINDISABLED", "AUTH=PLAIN", "AUTH=LOGIN", "AUTH=XOAUTH2", "AUTH=OAUTHBEARER", "SASL-IR", "LITERAL+",
	"IDLE", "LIST-STATUS", "LIST-EXTENDED", "SPECIAL-USE", "ESEARCH", "CONDSTORE", "ID", "X-GM-EXT-1",
}

// Caps are the relevant ones among a server's capabilities, a bit each, for
// there are many connections; 0 before they are known.
type Caps uint32

// told is the bit of caps that are known, whatever they are.
const told Caps = 1 << 31

// Capability is the bit of a relevant capability, 0 of another.
func Capability(name string) Caps {
	for i, r := range relevant {
		if strings.EqualFold(name, r) {
			return 1 << i
		}
	}
	return 0
}

// Has tells whether a relevant capability is among them.
func (c Caps) Has(name string) bool { return c&Capability(name) != 0 }

// ReadCaps reads capabilities as a server lists them.
func ReadCaps(list string) Caps {
	caps := told
	for c := range strings.FieldsSeq(list) {
		caps |= Capability(c)
	}
	return caps
}
