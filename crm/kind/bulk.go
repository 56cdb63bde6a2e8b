package kind

import (
	"slices"
	"strings"

	"mailsyncd.example/crm"
)

// bulk looks for the signs of mail to many.
//
// The header fields of mailing lists alone are none: a group address such as
// info@ is often a list of one's own, which puts them on every customer's mail.
// A list to which one can write (List-Post) carries what people write; one from
// which one can only be removed carries what is sent out.
func bulk(m *message) []string {
	if kind := m.report(); kind != "" && kind != "delivery-status" {
		return []string{reason("report", kind)}
	}
	if r := newsletter(m); r != "" {
		return []string{r}
	}
	if unimportant(m) && !m.discussion() && !m.reply {
		return []string{reason("Precedence", m.value("Precedence"))}
	}
	if i := slices.IndexFunc(m.From, noReply); i >= 0 {
		return []string{reason("From", string(m.From[i]))}
	}
	return nil
}

// newsletter returns the reason to take a message for one, or "". Programs with
// which people write to one customer at a time add List-Unsubscribe too; their
// answers are answers.
func newsletter(m *message) string {
	if m.reply || m.discussion() {
		return ""
	}
	for _, name := range [...]string{"List-Unsubscribe", "X-Campaign", "X-Campaign-Id", "X-CampaignId", "X-Mailchimp-Campaign-Id"} {
		if v := m.value(name); v != "" {
			return reason(name, v)
		}
	}
	return ""
}

// unimportant reports whether the sender asks for no answers in the way that
// is older than any RFC about it.
func unimportant(m *message) bool {
	v := m.value("Precedence")
	return v == "bulk" || v == "junk"
}

// discussion reports whether the message came through a list to which people
// write (RFC 2369 section 3.4).
func (m *message) discussion() bool {
	return strings.Contains(m.value("List-Post"), "mailto:")
}

// list reports whether the message came through a list of any kind, however
// old.
func (m *message) list() bool {
	for _, name := range [...]string{"List-Id", "List-Post", "Mailing-List", "X-Mailing-List", "X-ML-Name", "X-BeenThere"} {
		if m.has(name) {
			return true
		}
	}
	return strings.HasPrefix(m.value("Sender"), "owner-")
}

// noReply reports whether an address says that nobody reads what is sent there.
func noReply(a crm.Address) bool {
	local, _, _ := strings.Cut(string(a), "@")
	local, _, _ = strings.Cut(local, "+")
	local = strings.NewReplacer("-", "", "_", "", ".", "").Replace(local)
	return local == "noreply" || local == "donotreply"
}
