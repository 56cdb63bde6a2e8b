package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

type explainCommand struct {
	URL       string     `default:"http://127.0.0.1:8480" placeholder:"URL" setting:"MAILSYNC_URL" help:"Address of the running daemon (${default})."`
	Token     crm.Secret `required:"" placeholder:"TOKEN" setting:"MAILSYNC_TOKEN" help:"Token of the user in whose mailbox to look."`
	MessageID string     `arg:"" help:"The mail's Message-ID, as its header shows it."`
}

// Help is the long help text.
func (explainCommand) Help() string {
	return "Asks the running daemon to look for the mail in the mailbox of the user whose token " +
		"is given, and says of each copy what became of it, and by which rule. The answer is in " +
		"Japanese where LANG says so."
}

// Run prints each copy of the mail and the rule that decided about it.
func (c explainCommand) Run(ctx context.Context, p Program) error {
	asked := struct {
		MessageID string `json:"message_id"`
	}{strings.Trim(c.MessageID, "<> ")}
	var answer struct {
		Items []wire.Explanation `json:"items"`
	}
	if err := (client{c.URL, c.Token}).call(ctx, http.MethodPost, "/v1/explain", asked, &answer); err != nil {
		return err
	}
	inJapanese := strings.HasPrefix(p.getenv("LANG"), "ja")
	if len(answer.Items) == 0 {
		nowhere := "No folder of the mailbox holds a mail with this Message-ID."
		if inJapanese {
			nowhere = "このMessage-IDのメールは、メールボックスのどのフォルダにもありません。"
		}
		_, err := fmt.Fprintln(p.Stdout, nowhere)
		return err
	}
	for _, one := range answer.Items {
		why := one.Sentence
		if inJapanese {
			why = japanese(one)
			if one.Status {
				why += "これは配送レポートです。内容のうち読み取られるのは配送状況だけで、顧客宛てのメールが届かなかったことを知らせるために使われます。"
			}
		}
		if one.MessageID != "" {
			why += " (" + string(one.MessageID) + ")"
		}
		_, err := fmt.Fprintf(p.Stdout, "%s  UID %d  %s\n    %s\n", one.Folder, one.UID,
			one.ReceivedAt.Local().Format(time.DateTime), why)
		if err != nil {
			return err
		}
	}
	return nil
}

// japanese is the copy's Sentence in Japanese.
func japanese(e wire.Explanation) string {
	outcomes := map[crm.Outcome]string{
		crm.Imported:        "取り込み済み：FromまたはToに顧客のアドレスがあります。",
		crm.Copied:          "すでにCRMにあるメールの別のコピーです。",
		crm.Removed:         "取り込まれていません：CRMで削除されたメールのため、再び取り込まれることはありません。",
		crm.NoContact:       "取り込まれていません：FromとToに顧客のアドレスがありません。",
		crm.ContactOnlyInCc: "取り込まれていません：顧客のアドレスはCcまたはBccだけにあり、対象になりません。",
		crm.InternalOnly:    "取り込まれていません：FromとToは社内のアドレスだけです。",
		crm.BeforeLink:      "取り込まれていません：メールボックスの連携より前に受信したメールです。",
		crm.BeforeContact:   "取り込まれていません：顧客のアドレスが登録される前に受信したメールです。",
		crm.Draft:           "取り込まれていません：下書きです。送信されると改めて確認されます。",
		crm.Vanished:        "取り込まれていません：読み込む前にフォルダからなくなりました。",
		crm.Trouble:         "まだ取り込まれていません：読み込めなかったため、再試行します。",
	}
	switch {
	case !e.Watched:
		return "取り込まれていません：迷惑メール・ゴミ箱・下書きのフォルダは対象外です。"
	case e.Outcome == "" && e.Rule == crm.Imported:
		return "まだ読み込まれていません。ルールでは取り込みの対象です。"
	case e.Outcome == "":
		return "まだ読み込まれていません。" + outcomes[e.Rule]
	default:
		return outcomes[e.Outcome]
	}
}
