package kind

import (
	"slices"
	"strings"

	"mailsyncd.example/crm"
)

// bounceSubjects are how mail servers begin the subject of what they return.
var bounceSubjects = []string{
	"undeliver", "non-deliver", "non deliver", "nondeliver", "returned mail", "return mail", "returned to sender",
	"delivery status", "delivery fail", "delivery notification", "delivery report", "delivery problem", "delivery error", "delivery has failed", "delivery delayed",
	"mail delivery", "mail system error", "mail could not be delivered", "mail failure", "mail status report",
	"message delivery", "message undeliverable", "message you sent blocked", "message status",
	"failure notice", "failure delivery", "failed delivery", "failed mail", "notice: mail delivery", "warning: message", "warning: could not send",
	"warning: undeliver", "postmaster notify", "sorry, your message could not be delivered", "could not be delivered", "unable to deliver", "error sending",
	"配信不能", "配達不能", "不達", "未配信", "未達", "配信エラー", "配信失敗", "送信エラー", "送信失敗", "メール送信エラー", "メール配信エラー", "メールを送信できません",
	"メールを配信できません", "メールが配信できません", "メール配送", "メール配信失敗", "エラーメール", "宛先不明", "配信できません", "配送できません", "送信できません",
	"unzustellbar", "non remis", "no se puede entregar", "无法投递", "退信",
}

// returns are what mail servers say of a message that they return, anywhere at
// the beginning of their text.
var returns = []string{
	"mail system at host", "qmail-send program", "created automatically by mail delivery software", "generated automatically by mail delivery software",
	"could not be delivered", "couldn't be delivered", "cannot be delivered", "can't be delivered", "was not delivered", "wasn't delivered", "not been delivered",
	"undeliverable", "unable to deliver", "delivery failed", "delivery has failed", "failed to deliver", "delivery to the following", "did not reach",
	"permanent fatal errors", "permanent error", "user unknown", "unknown user", "mailbox is full", "mailbox unavailable", "over quota", "no such user",
	"following address", "returned message", "rejected your message", "transcript of session", "failed addresses", "delivery error",
	"配信できません", "配信できなかった", "配送できません", "配信されません", "送信できません", "送信できなかった", "お届けできません", "届けることができません", "宛先が見つかりません",
}

// delivered are subjects of reports that all went well (RFC 3464 knows both).
var delivered = []string{"successful mail delivery report", "delivered:", "relayed:", "expanded:", "delivery status notification (success)", "delivery status notification (relay)"}

// bounce looks for the signs of a message that a mail server returned, or has
// not been able to deliver so far.
func bounce(m *message) []string {
	if begins(m.subject, delivered) && m.report() != "" {
		return nil
	}
	var reasons []string
	add := func(found bool, why string) {
		if found {
			reasons = append(reasons, why)
		}
	}
	add(m.report() == "delivery-status", "a delivery status report (RFC 3464)")
	add(m.has("X-Failed-Recipients"), reason("X-Failed-Recipients", m.value("X-Failed-Recipients")))
	auto := m.value("Auto-Submitted")
	add(begins(auto, []string{"auto-generated (", "auto-replied ("}) && (strings.Contains(auto, "fail") || strings.Contains(auto, "postmaster") || strings.Contains(auto, "warning")),
		reason("Auto-Submitted", auto))
	add(daemon(m), reason("From", m.value("From")))
	if len(reasons) == 0 {
		return returned(m)
	}
	return reasons
}

// returned looks for signs of which it takes two, and one of them from a mail
// server: people too write of deliveries that failed, and send on what was
// returned to them.
func returned(m *message) []string {
	var server, content []string
	if m.returned {
		server = append(server, "Return-Path: <>")
	}
	if slices.ContainsFunc(m.From, postmaster) {
		server = append(server, reason("From", m.value("From")))
	}
	if slices.ContainsFunc(m.From, noReply) && m.part("message/rfc822") {
		server = append(server, reason("From", m.value("From")))
	}
	if !answers(m.subject) && named(m.subject) {
		content = append(content, reason("subject", m.subject))
		if m.part("message/delivery-status") {
			server = append(server, "a delivery status is in it")
		}
	}
	if len(server) == 0 {
		return nil // nearly always; the text need not be read
	}
	if words := says(said(m.Text)); words != "" {
		content = append(content, reason("text", words))
	}
	if len(content) == 0 {
		return nil
	}
	return append(server, content...)
}

// named reports whether a subject is that of a bounce, the name of the server
// in front of it or not.
func named(subject string) bool {
	if begins(subject, bounceSubjects) {
		return true
	}
	host, rest, found := strings.Cut(subject, " ")
	return found && strings.Contains(host, ".") && begins(rest, bounceSubjects)
}

func says(lines []string) string {
	for _, line := range lines {
		for _, words := range returns {
			if strings.Contains(line, words) {
				return line
			}
		}
	}
	return ""
}

// daemon reports whether a mail server's own account wrote the message. It need
// not be an address: some write "MAILER-DAEMON <>".
func daemon(m *message) bool {
	if slices.ContainsFunc(m.From, func(a crm.Address) bool { return strings.HasPrefix(string(a), "mailer-daemon@") }) {
		return true
	}
	from := m.value("From")
	return begins(strings.TrimLeft(from, `"<( `), []string{"mailer-daemon", "mail delivery subsystem", "mail delivery system", "mail deliver system"})
}

func postmaster(a crm.Address) bool { return strings.HasPrefix(string(a), "postmaster@") }
