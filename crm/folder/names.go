package folder

import "mailsyncd.example/crm"

// names are the names that mail programs and servers give to these folders in
// English and Japanese, squeezed. 送信トレイ is missing on purpose: it is
// Outlook's outbox.
var names = map[string]crm.FolderRole{
	"sent":         crm.RoleSent,
	"sentitems":    crm.RoleSent,
	"sentmail":     crm.RoleSent,
	"sentmessages": crm.RoleSent,
	"送信済":          crm.RoleSent,
	"送信済み":         crm.RoleSent,
	"送信済アイテム":      crm.RoleSent,
	"送信済みアイテム":     crm.RoleSent,
	"送信済メール":       crm.RoleSent,
	"送信済みメール":      crm.RoleSent,
	"送信済みメッセージ":    crm.RoleSent,
	"送信済トレイ":       crm.RoleSent,
	"送信済みトレイ":      crm.RoleSent,
	"送信済みボックス":     crm.RoleSent,
	"送信済みフォルダ":     crm.RoleSent,

	"junk":       crm.RoleJunk,
	"junkemail":  crm.RoleJunk,
	"junkmail":   crm.RoleJunk,
	"spam":       crm.RoleJunk,
	"spammail":   crm.RoleJunk,
	"bulk":       crm.RoleJunk, // Yahoo's
	"bulkmail":   crm.RoleJunk,
	"迷惑メール":      crm.RoleJunk,
	"迷惑メールフォルダ":  crm.RoleJunk,
	"迷惑メールフォルダー": crm.RoleJunk,
	"スパム":        crm.RoleJunk,
	"スパムメール":     crm.RoleJunk,
	"ジャンク":       crm.RoleJunk,
	"ジャンクメール":    crm.RoleJunk,

	"trash":           crm.RoleTrash,
	"trashcan":        crm.RoleTrash,
	"deleted":         crm.RoleTrash,
	"deleteditems":    crm.RoleTrash,
	"deletedmail":     crm.RoleTrash,
	"deletedmessages": crm.RoleTrash,
	"ゴミ箱":             crm.RoleTrash,
	"ごみ箱":             crm.RoleTrash,
	"削除済":             crm.RoleTrash,
	"削除済み":            crm.RoleTrash,
	"削除済アイテム":         crm.RoleTrash,
	"削除済みアイテム":        crm.RoleTrash,
	"削除済メール":          crm.RoleTrash,
	"削除済みメール":         crm.RoleTrash,
	"削除済みメッセージ":       crm.RoleTrash,
	"削除済みトレイ":         crm.RoleTrash,
	"削除済みフォルダ":        crm.RoleTrash,

	"draft":         crm.RoleDrafts,
	"drafts":        crm.RoleDrafts,
	"draftmessages": crm.RoleDrafts,
	"下書き":           crm.RoleDrafts,
	"下書":            crm.RoleDrafts,
	"下書きメール":        crm.RoleDrafts,
	"下書きトレイ":        crm.RoleDrafts,
	"下書きフォルダ":       crm.RoleDrafts,
	"草稿":            crm.RoleDrafts,
}
