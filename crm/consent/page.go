package consent

import (
	"html/template"
	"strings"
)

// page is what a person reads at the end, in both languages: who they are in
// the CRM is known, but not which they read. It is HTML alone; the API lets no
// style and no script run.
var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Title}}</title></head>
<body>
<h1>{{.Title}}</h1>
<p>{{.English}}</p>
<p lang="ja">{{.Japanese}}</p>
{{with .Code}}<p><small><code>{{.}}</code></small></p>
{{end}}</body>
</html>
`))

type text struct{ Title, English, Japanese, Code string }

// Page tells who has linked what. Whoever was led here by somebody else's link
// sees whose mailbox it is in now.
func (d Done) Page() string {
	address, user, account := string(d.Link.Address), string(d.Link.User), d.Account.Name
	return write(text{
		Title:    "Mailbox linked / メールボックスを連携しました",
		English:  "The mailbox " + address + " is linked to the user " + user + " of " + account + ". You can close this window.",
		Japanese: "メールボックス " + address + " を " + account + " のユーザー " + user + " に連携しました。この画面は閉じてかまいません。",
	})
}

// japanese says what to do about an error of this code.
func japanese(code string) string {
	switch code {
	case "state_unknown":
		return "このサインインはすでに完了したか、時間切れです。CRM からもう一度やり直してください。"
	case "sign_in_refused":
		return "サインインが許可されなかったため、メールボックスは連携されていません。必要であれば CRM からもう一度やり直してください。"
	case "credential_rejected":
		return "メールサーバーがサインインを受け付けませんでした。このメールボックスのアカウントでサインインし直してください。"
	case "link_exists":
		return "すでにメールボックスを連携しています。先に連携を解除してください。"
	case "mail_disabled":
		return "このアカウントではメール連携が無効です。CRM の管理者にお問い合わせください。"
	case "provider_busy", "provider_unreachable", "server_busy":
		return "メール事業者のサーバーが現在応答できません。しばらくしてから CRM でもう一度やり直してください。"
	}
	return "メールボックスを連携できませんでした。CRM からもう一度やり直してください。"
}

// FailurePage tells what went wrong.
func FailurePage(code, detail string) string {
	return write(text{
		Title: "Mailbox not linked / メールボックスは連携されていません", English: detail, Japanese: japanese(code), Code: code,
	})
}

func write(t text) string {
	var b strings.Builder
	if err := page.Execute(&b, t); err != nil {
		panic(err) // made of strings only
	}
	return b.String()
}
