package dovecottest

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
)

// Option changes how Dovecot is set up.
type Option func(*options)

// options are what the Options have set.
type options struct {
	sdbox       bool
	without     []string
	folders     []string
	settings    []string
	certificate func(*x509.Certificate)
	introspect  string
}

// Sdbox keeps mail in Dovecot's own format with "/" between folder and
// subfolder. Without it, mail is in Maildirs and the delimiter is ".".
func Sdbox() Option { return func(o *options) { o.sdbox = true } }

// Without hides capabilities, as "IDLE" or "LIST-STATUS". Dovecot would still
// understand the commands; a client that sends one all the same shows up in
// the transcript of a Proxy.
func Without(capabilities ...string) Option {
	return func(o *options) { o.without = append(o.without, capabilities...) }
}

// Folder makes a folder in every user's mailbox: its name in UTF-8, and its
// special use (`\Sent`, RFC 6154), "" for none.
func Folder(name, specialUse string) Option {
	return func(o *options) {
		f := fmt.Sprintf("  mailbox %q {\n    auto = create\n", name)
		if specialUse != "" {
			f += "    special_use = " + specialUse + "\n"
		}
		o.folders = append(o.folders, f+"  }\n")
	}
}

// Certificate changes the server's certificate before it is signed, to make it
// expired or somebody else's.
func Certificate(change func(*x509.Certificate)) Option {
	return func(o *options) { o.certificate = change }
}

// OAuth lets users in with a token, too (XOAUTH2 and OAUTHBEARER), that the
// authorization server at this introspection URL (RFC 7662) calls theirs.
func OAuth(introspectionURL string) Option {
	return func(o *options) { o.introspect = introspectionURL }
}

// Setting adds lines to the end of dovecot.conf, where they win over what the
// kit has written.
func Setting(lines ...string) Option {
	return func(o *options) { o.settings = append(o.settings, lines...) }
}

// Dovecot 2.3's capabilities after login; SPECIAL-USE is announced only where
// folders have one.
const capabilities = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY " +
	"THREAD=REFERENCES THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT " +
	"CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES " +
	"WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE " +
	"SAVEDATE LITERAL+ NOTIFY SPECIAL-USE"

// capability is the value of imap_capability; empty lets Dovecot decide.
func (o *options) capability() string {
	if len(o.without) == 0 {
		return ""
	}
	left := slices.DeleteFunc(strings.Fields(capabilities), func(c string) bool {
		return slices.Contains(o.without, c)
	})
	return strings.Join(left, " ")
}
