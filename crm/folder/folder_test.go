package folder

import (
	"slices"
	"strings"
	"testing"

	"mailsyncd.example/crm"
)

// list reads one listing a line: the delimiter, the name, attributes.
func list(text string) []crm.Listing {
	var out []crm.Listing
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		l := crm.Listing{Delimiter: strings.Trim(fields[0], "-"), Name: strings.ReplaceAll(fields[1], "+", " ")}
		l.Attrs = fields[2:]
		out = append(out, l)
	}
	return out
}

// show writes folders as name=role, with + for spaces.
func show(fs []crm.Folder) string {
	var out []string
	for _, f := range fs {
		out = append(out, strings.ReplaceAll(f.Name, " ", "+")+"="+string(f.Role))
	}
	return strings.Join(out, " ")
}

var mailboxes = []struct {
	name, listed  string
	gmail         bool
	watched, left string
}{
	{
		name: "special use",
		listed: `/ Zebra
			/ Gesendet \HasNoChildren \Sent
			/ Papierkorb \Trash
			/ Entwürfe \drafts
			/ Werbung \JUNK
			/ Archiv \Archive
			/ INBOX`,
		watched: "INBOX=inbox Gesendet=sent Archiv=other Zebra=other",
		left:    "Entwürfe=drafts Papierkorb=trash Werbung=junk",
	},
	{
		name: "English names below INBOX",
		listed: `. INBOX
			. INBOX.Sent
			. INBOX.Trash
			. INBOX.Junk+E-mail
			. INBOX.Drafts
			. INBOX.Customers`,
		watched: "INBOX=inbox INBOX.Sent=sent INBOX.Customers=other",
		left:    "INBOX.Drafts=drafts INBOX.Junk+E-mail=junk INBOX.Trash=trash",
	},
	{
		name: "Japanese names",
		listed: `/ Inbox
			/ 送信済みアイテム
			/ 削除済みアイテム
			/ 迷惑メール
			/ 下書き
			/ 送信トレイ
			/ 取引先`,
		watched: "Inbox=inbox 送信済みアイテム=sent 取引先=other 送信トレイ=other",
		left:    "下書き=drafts 削除済みアイテム=trash 迷惑メール=junk",
	},
	{
		name:    "half-width kana, and marks apart as macOS writes them",
		listed:  "/ ｺﾞﾐ箱\n/ コ\u3099ミ箱",
		watched: "",
		left:    "コ\u3099ミ箱=trash ｺﾞﾐ箱=trash",
	},
	{
		name: "a name has to be the whole name",
		listed: `/ Drafts+of+contracts
			/ Trash+Ltd
			/ Junk+Food+Co.
			/ 下書き契約
			/ Spammers`,
		watched: "Drafts+of+contracts=other Junk+Food+Co.=other Spammers=other Trash+Ltd=other 下書き契約=other",
	},
	{
		name: "a name counts beside a flag on another folder",
		listed: `/ Trash
			/ Deleted+Items \Trash
			/ Sent
			/ Sent+Items \Sent`,
		watched: "Sent=sent Sent+Items=sent",
		left:    "Deleted+Items=trash Trash=trash",
	},
	{
		name: "a flag says more than a name",
		listed: `/ Trash \Archive
			/ Drafts \Sent`,
		watched: "Drafts=sent Trash=other",
	},
	{
		name: "inside trash, junk and drafts, though the holder can't be opened",
		listed: `/ Trash \Noselect \HasChildren
			/ Trash/Customers
			/ Trash/Customers/Ken
			/ Trashed
			/ Papierkorb \Trash
			/ Papierkorb/Sent \Sent
			/ Sent/2025
			/ Papierkorb+2`,
		watched: "Papierkorb+2=other Sent/2025=other Trashed=other",
		left:    "Papierkorb=trash Papierkorb/Sent=trash Trash/Customers=trash Trash/Customers/Ken=trash",
	},
	{
		name: "what can't be opened is nowhere",
		listed: `/ [Gmail] \Noselect
			/ gone \NonExistent
			/ Gone \nonexistent \noselect
			/ INBOX`,
		watched: "INBOX=inbox",
	},
	{
		name: "flat hierarchy",
		listed: `- INBOX.Trash
			- Trash
			- Trash/x`,
		watched: "INBOX.Trash=other Trash/x=other",
		left:    "Trash=trash",
	},
	{
		name:    "INBOX listed twice",
		listed:  "/ INBOX\n/ Inbox",
		watched: "INBOX=inbox",
	},
	{
		name:    "a folder of all mail that is not Gmail's",
		listed:  "/ INBOX\n/ virtual/All \\All\n/ Sent",
		watched: "INBOX=inbox Sent=sent virtual/All=all",
	},
	{
		name:  "Gmail",
		gmail: true,
		listed: `/ INBOX
			/ 顧客
			/ [Gmail] \Noselect
			/ [Gmail]/すべてのメール \All
			/ [Gmail]/ゴミ箱 \Trash
			/ [Gmail]/スター付き \Flagged
			/ [Gmail]/下書き \Drafts
			/ [Gmail]/送信済みメール \Sent
			/ [Gmail]/迷惑メール \Junk`,
		watched: "[Gmail]/すべてのメール=all",
		left: "INBOX=inbox [Gmail]/送信済みメール=sent [Gmail]/ゴミ箱=trash [Gmail]/スター付き=other " +
			"[Gmail]/下書き=drafts [Gmail]/迷惑メール=junk 顧客=other",
	},
	{
		name:    "Gmail with All Mail hidden from IMAP",
		gmail:   true,
		listed:  "/ INBOX\n/ [Gmail]/Spam \\Junk\n/ Label",
		watched: "INBOX=inbox Label=other",
		left:    "[Gmail]/Spam=junk",
	},
}

func TestSort(t *testing.T) {
	for _, c := range mailboxes {
		t.Run(c.name, func(t *testing.T) {
			watched, left := Sort(list(c.listed), c.gmail)
			if got := show(watched); got != c.watched {
				t.Errorf("watched\n got %s\nwant %s", got, c.watched)
			}
			if got := show(left); got != c.left {
				t.Errorf("left out\n got %s\nwant %s", got, c.left)
			}
		})
	}
}

func TestWhereAFolderStands(t *testing.T) {
	watched, left := Sort([]crm.Listing{
		{Name: "INBOX", UIDValidity: 7, UIDNext: 100, Messages: 3},
		{Name: "new", UIDValidity: 8, UIDNext: 1},
		{Name: "silent"},
		{Name: "Trash", UIDValidity: 9, UIDNext: 5},
	}, false)
	want := []crm.Folder{
		{Name: "INBOX", Role: crm.RoleInbox, UIDValidity: 7, Anchored: true, Anchor: 99, Position: 99},
		{Name: "new", Role: crm.RoleOther, UIDValidity: 8, Anchored: true},
		{Name: "silent", Role: crm.RoleOther},
		{Name: "Trash", Role: crm.RoleTrash, UIDValidity: 9, Anchored: true, Anchor: 4, Position: 4},
	}
	if got := slices.Concat(watched, left); !slices.Equal(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func TestEveryNameIsSqueezed(t *testing.T) {
	for name := range names {
		if squeeze(name) != name {
			t.Errorf("%q can never be found: it is looked up as %q", name, squeeze(name))
		}
	}
}
