package kind

import (
	"strings"
	"testing"

	"mailsyncd.example/crm"
)

// labelled is a message of which we know what it is.
type labelled struct {
	name string
	want crm.MessageKind
	raw  string
}

func (l labelled) clues() Clues {
	fields, text := split(l.raw)
	if fields["from"] == nil {
		fields["from"] = []string{"Ken <ken@customer.example>"}
	}
	clues := cluesFrom(fields)
	clues.Text = text
	clues.Parts = strings.Fields(strings.Join(fields["parts"], " "))
	return clues
}

// Every case is a message: fields, an empty line, the text. What a case is about
// is all it has; the rest is that of a mail from Ken.
var messages = []labelled{
	// People, however much they look like machines.
	{"a plain answer", crm.KindPersonal, "Subject: Re: Estimate\nIn-Reply-To: <1@acme.example>\n\nYes, please.\n\n> Shall we?"},
	{"an answer that tells of a vacation", crm.KindPersonal, "Subject: Re: Estimate\nIn-Reply-To: <1@acme.example>\n\nI will be on vacation from Monday and out of the office.\nPlease send it before."},
	{"the same in Japanese", crm.KindPersonal, "Subject: Re: 御見積\nIn-Reply-To: <1@acme.example>\n\n来週は夏季休暇で不在にしております。\n今週中にお願いします。"},
	{"an answer that quotes an automatic reply", crm.KindPersonal, "Subject: Re: Estimate\n\nI am back now.\n\nOn Mon, Ken wrote:\n> This is an automatic reply.\n> I am out of the office."},
	{"an answer below what it quotes", crm.KindPersonal, "Subject: Re: Estimate\n\n> This is an automatic reply.\n\nWelcome back!"},
	{"quoted as Outlook does it", crm.KindPersonal, "Subject: RE: Estimate\n\nSee below.\n\n-----Original Message-----\nFrom: x\n\nThis is an automatic reply."},
	{"quoted as Outlook does it in Japanese", crm.KindPersonal, "Subject: RE: 御見積\n\n承知しました。\n\n差出人: 山田\n送信日時: 2026年3月2日\n\nこのメールは自動返信です。"},
	{"quoted as Gmail does it in Japanese", crm.KindPersonal, "Subject: Re: 御見積\n\n承知しました。\n\n2026年3月2日(月) 10:00 山田 <yamada@x.example>:\n\nこのメールは自動返信です。"},
	{"an answer to an automatic reply", crm.KindPersonal, "Subject: Re: Automatic reply: Estimate\n\nI'll wait for you."},
	{"the same in Japanese", crm.KindPersonal, "Subject: Re: 【自動返信】お問い合わせ\n\nご連絡ありがとうございます。"},
	{"an automatic reply sent on", crm.KindPersonal, "Subject: Fwd: Out of Office AutoReply: Estimate\n\nFYI\n\n---------- Forwarded message ---------\nThis is an automatic reply."},
	{"an answer to an automatic reply that ends in its tag", crm.KindPersonal, "Subject: Re: お問い合わせ [自動返信]\n\nもう一点お願いします。"},
	{"a bounce sent on", crm.KindPersonal, "Subject: Fwd: Undelivered Mail Returned to Sender\n\nYour mail could not be delivered, look."},
	{"a bounce sent on as an attachment", crm.KindPersonal, "Subject: your mail\nContent-Type: multipart/mixed\nParts: text/plain message/rfc822 message/delivery-status\n\nIt could not be delivered."},
	{"an answer to a bounce", crm.KindPersonal, "Subject: Re: Delivery Status Notification (Failure)\n\nTry my other address."},
	{"about a parcel", crm.KindPersonal, "Subject: Delivery failed: order 12\n\nThe parcel could not be delivered. Please send it again."},
	{"about a parcel in Japanese", crm.KindPersonal, "Subject: 配送できません\n\n宛先が見つかりませんでした。"},
	{"about absence", crm.KindPersonal, "Subject: Out of office next week\n\nJust to let you know."},
	{"an announcement of absence", crm.KindPersonal, "Subject: 夏季休業のお知らせ\n\n8月13日から16日まで休業いたします。"},
	{"about opening hours", crm.KindPersonal, "Subject: Out of office hours at your shop?\nIn-Reply-To: <1@acme.example>\n\nWhen do you open?"},
	{"about automatic replies", crm.KindPersonal, "Subject: 自動返信メールの設定について\n\n教えてください。"},
	{"asks whether a mail was automatic", crm.KindPersonal, "Subject: 質問\n\nこのメールは自動返信ですか。"},
	{"asks so otherwise", crm.KindPersonal, "Subject: 質問\n\nこれは自動返信されたメールでしょうか。"},
	{"thanks for an automatic reply", crm.KindPersonal, "Subject: Re: 御見積\n\n自動返信により届いたメールを拝見しました。\n自動送信されたパスワードで開けません。"},
	{"asks so in English", crm.KindPersonal, "Subject: question\n\nThis is an automated message, isn't it?"},
	{"says that it is not automatic", crm.KindPersonal, "Subject: Re: 御見積\n\nこのメールは自動返信ではありません。担当の山田です。"},
	{"attachments encrypted automatically", crm.KindPersonal, "Subject: 御見積\n\n※このメールは添付ファイル自動暗号化システムを通りました。\nお見積りをお送りします。"},
	{"nobody shall reply automatically", crm.KindPersonal, "Subject: Re: Estimate\nX-Auto-Response-Suppress: DR, OOF, AutoReply\n\nI am out of the office tomorrow, so today please."},
	{"not automatic, it says", crm.KindPersonal, "Subject: Re: Estimate\nAuto-Submitted: no\nX-Autoreply: no\n\nYes."},
	{"through a group address that is a list", crm.KindPersonal, "Subject: Estimate\nPrecedence: list\nList-Id: <info.acme.example>\nList-Post: <mailto:info@acme.example>\nList-Unsubscribe: <mailto:info+unsubscribe@acme.example>\n\nPlease send one."},
	{"through an old list", crm.KindPersonal, "Subject: Estimate\nPrecedence: bulk\nList-Id: <info.acme.example>\nList-Post: <mailto:info@acme.example>\n\nI am on vacation next week."},
	{"an answer through an older one", crm.KindPersonal, "Subject: Re: Estimate\nPrecedence: bulk\nSender: owner-info@acme.example\n\nYes, but I am on vacation."},
	{"an answer by a sales program", crm.KindPersonal, "Subject: Re: Estimate\nIn-Reply-To: <1@acme.example>\nList-Unsubscribe: <https://x.example/u>\n\nYes."},
	{"an invitation to a meeting", crm.KindPersonal, "Subject: Accepted: Meeting\nAuto-Submitted: auto-generated\nContent-Type: multipart/mixed\nParts: text/plain text/calendar\n\nKen has accepted."},
	{"with an envelope sender lost on the way", crm.KindPersonal, "Subject: Re: Estimate\nReturn-Path: <>\n\nYes, please."},
	{"nothing at all", crm.KindPersonal, "\n"},

	// Automatic replies.
	{"RFC 3834", crm.KindAutoReply, "Subject: Re: Estimate\nAuto-Submitted: auto-replied (vacation)\n\nHello"},
	{"RFC 3834, marked as bulk too", crm.KindAutoReply, "Subject: Re: Estimate\nAuto-Submitted: auto-replied; owner-email=\"x\"\nPrecedence: bulk\n\nHello"},
	{"generated", crm.KindAutoReply, "Subject: Your ticket\nAuto-Submitted: Auto-Generated\n\nWe have got it."},
	{"X-Autoreply", crm.KindAutoReply, "Subject: Re: Estimate\nX-Autoreply: yes\n\nHello"},
	{"X-Autorespond", crm.KindAutoReply, "Subject: Re: Estimate\nX-Autorespond: ken@customer.example\n\nHello"},
	{"Precedence", crm.KindAutoReply, "Subject: Re: Estimate\nPrecedence: auto_reply\n\nHello"},
	{"a read receipt", crm.KindAutoReply, "Subject: Read: Estimate\nContent-Type: multipart/report; report-type=disposition-notification\n\nIt was read."},
	{"a receipt of delivery", crm.KindAutoReply, "Subject: Successful Mail Delivery Report\nContent-Type: multipart/report; report-type=delivery-status\n\nDelivered."},
	{"Exchange", crm.KindAutoReply, "Subject: Automatic reply: Estimate\n\nI am away."},
	{"old Outlook", crm.KindAutoReply, "Subject: Out of Office AutoReply: Estimate\n\nI am away."},
	{"behind a gateway's tag", crm.KindAutoReply, "Subject: [EXTERNAL] Automatic reply: Estimate\n\nI am away."},
	{"Japanese, in brackets", crm.KindAutoReply, "Subject: 【自動返信】お問い合わせありがとうございます\n\nお待ちください。"},
	{"Japanese, full-width", crm.KindAutoReply, "Subject: ［自動返信メール］お問い合わせ\n\nお待ちください。"},
	{"Japanese, at the end", crm.KindAutoReply, "Subject: お問い合わせありがとうございます（自動返信）\n\nお待ちください。"},
	{"Japanese, with a colon", crm.KindAutoReply, "Subject: 自動応答：Re: 御見積\n\n外出しております。"},
	{"Japanese, of absence", crm.KindAutoReply, "Subject: 不在通知: 御見積\n\n外出しております。"},
	{"Japanese, the text says so", crm.KindAutoReply, "Subject: Re: 御見積\n\n※このメールはシステムより自動的に送信されています。\nお待ちください。"},
	{"Japanese, another text", crm.KindAutoReply, "Subject: Re: 御見積\n\nお問い合わせありがとうございます。\n\n――――――\n本メールは自動返信メールです。"},
	{"Japanese, in one line", crm.KindAutoReply, "Subject: お問い合わせ\n\n【自動返信メール】\nお待ちください。"},
	{"the text says so", crm.KindAutoReply, "Subject: Re: Estimate\n\n*** This is an automated response. ***\nI am away."},
	{"German Exchange", crm.KindAutoReply, "Subject: Automatische Antwort: Estimate\n\nIch bin weg."},
	{"empty sender and an absence", crm.KindAutoReply, "Subject: Re: Estimate\nReturn-Path: <>\n\nI am currently away until May 5."},
	{"empty sender and an absence in Japanese", crm.KindAutoReply, "Subject: Re: 御見積\nReturn-Path: <>\n\n現在休暇をいただいております。"},
	{"an answer under a title of absence", crm.KindAutoReply, "Subject: 夏季休業のお知らせ\nIn-Reply-To: <1@acme.example>\n\n8月13日から16日まで休業いたします。"},
	{"an answer called out of office", crm.KindAutoReply, "Subject: Out of office: Estimate\nReferences: <1@acme.example>\n\nBack on Monday."},
	{"absent, and others shall be silent", crm.KindAutoReply, "Subject: Out of office\nX-Auto-Response-Suppress: All\n\nBack on Monday."},
	{"vacation(1)", crm.KindAutoReply, "Subject: Re: Estimate\nPrecedence: junk\n\nI am on vacation."},

	// Bounces.
	{"RFC 3464", crm.KindBounce, "Subject: x\nContent-Type: multipart/report; report-type=\"delivery-status\"\n\nx"},
	{"RFC 3464 without the parameter", crm.KindBounce, "Subject: x\nContent-Type: multipart/report\nParts: text/plain message/delivery-status\n\nx"},
	{"a bounce marked as automatic", crm.KindBounce, "Subject: x\nAuto-Submitted: auto-replied\nX-Failed-Recipients: ken@customer.example\n\nx"},
	{"sendmail", crm.KindBounce, "Subject: x\nAuto-Submitted: auto-generated (failure)\n\nx"},
	{"from the daemon", crm.KindBounce, "From: MAILER-DAEMON@mx.customer.example\nSubject: x\n\nx"},
	{"from a daemon without address", crm.KindBounce, "From: Mail Delivery Subsystem <>\nSubject: x\n\nx"},
	{"qmail", crm.KindBounce, "Return-Path: <>\nSubject: x\n\nHi. This is the qmail-send program at mx.customer.example."},
	{"from the postmaster", crm.KindBounce, "From: postmaster@customer.example\nSubject: Undeliverable: Estimate\n\nx"},
	{"Japanese", crm.KindBounce, "Return-Path: <>\nSubject: メール送信エラー\n\n宛先不明です。"},
	{"with the host's name in front", crm.KindBounce, "Return-Path: <>\nSubject: mx.customer.example Mail delivery failed\n\nx"},

	// Mail to many.
	{"newsletter", crm.KindBulk, "Subject: Our spring offers\nList-Unsubscribe: <https://x.example/u>\n\nBuy."},
	{"newsletter, generated", crm.KindBulk, "Subject: Our spring offers\nAuto-Submitted: auto-generated\nList-Unsubscribe: <https://x.example/u>\n\nBuy."},
	{"Precedence: bulk", crm.KindBulk, "Subject: Our spring offers\nPrecedence: bulk\n\nBuy."},
	{"nobody reads the answers", crm.KindBulk, "From: No-Reply+7@customer.example\nSubject: Your order\n\nThank you."},
	{"a complaint", crm.KindBulk, "Subject: Abuse report\nContent-Type: multipart/report; report-type=feedback-report\n\nx"},
}

func TestOf(t *testing.T) {
	for _, c := range messages {
		t.Run(string(c.want)+"/"+c.name, func(t *testing.T) {
			got, reasons := Of(c.clues())
			if got != c.want {
				t.Errorf("got %s because of %q, want %s", got, reasons, c.want)
			}
			if (len(reasons) == 0) != (got == crm.KindPersonal) {
				t.Errorf("%s because of %q", got, reasons)
			}
		})
	}
}

func TestReasonsAreShort(t *testing.T) {
	long := strings.Repeat("長", 5000)
	_, reasons := Of(cluesFrom(map[string][]string{"x-autoreply": {long}, "subject": {"自動返信: " + long}}))
	for _, r := range reasons {
		if len([]rune(r)) > 120 {
			t.Errorf("a reason of %d characters", len([]rune(r)))
		}
	}
	if len(reasons) != 2 {
		t.Errorf("%d reasons, want 2", len(reasons))
	}
}
