package wire

import (
	"time"

	"mailsyncd.example/crm"
)

// Link is a user's tie to a mailbox. The password never leaves.
type Link struct {
	ID        crm.LinkID     `json:"id"`
	UserID    crm.UserID     `json:"user_id"`
	MailboxID crm.MailboxID  `json:"mailbox_id"`
	PresetID  crm.PresetID   `json:"preset_id,omitempty"`
	Address   crm.Address    `json:"address"`
	IMAP      Server         `json:"imap"`
	Username  string         `json:"username"`
	Status    crm.LinkStatus `json:"status" enum:"syncing,live,auth_failed,unreachable,unlinked"`
	Detail    string         `json:"detail,omitempty" doc:"The reason for the status, in words for the user."`
	LinkedAt  time.Time      `json:"linked_at" doc:"Mail received since then is imported."`
	Transfer  *Transfer      `json:"transfer,omitempty" doc:"Where its preset wants it since it was edited; left out where it is there."`
	Ended
	Progress
}

// Transfer is where a link is to be, and why it is not there.
type Transfer struct {
	IMAP     Server `json:"imap"`
	Username string `json:"username"`
	Detail   string `json:"detail,omitempty" doc:"Why it stays where it is, in words for the user; left out before the first try."`
	Refused  bool   `json:"refused" doc:"true: it is not tried again by itself. A new password that works there takes it there."`
}

// Ended tells when and why a link ended.
type Ended struct {
	EndedAt time.Time     `json:"ended_at,omitzero"`
	EndedBy crm.EndReason `json:"ended_by,omitempty" enum:"unlinked,user_disabled,user_deleted,account_disabled,account_deleted,mail_disabled"`
}

// Progress tells how far the mailbox behind a link has been read.
type Progress struct {
	LastSyncedAt *time.Time     `json:"last_synced_at" doc:"Everything that the mailbox held then has been read; null before the first complete look."`
	Mode         *crm.WatchMode `json:"mode" doc:"idle: the server tells of new mail at once; poll: it is asked; null before the first connection."`
	Imported     int64          `json:"imported" doc:"Messages that the mailbox brought into the CRM."`
}

// LinkOf shows a link, never its credential.
func LinkOf(l crm.Link) Link {
	out := Link{
		ID: l.ID, UserID: l.User, MailboxID: l.Mailbox, PresetID: l.Preset, Address: l.Address,
		IMAP: ServerOf(l.Server), Username: l.Username, Status: l.Status, Detail: l.Detail, LinkedAt: UTC(l.LinkedAt),
		Ended:    Ended{EndedAt: UTC(l.EndedAt), EndedBy: l.EndedBy},
		Progress: Progress{LastSyncedAt: orNull(UTC(l.Progress.LastSyncedAt)), Mode: orNull(l.Progress.Mode), Imported: l.Progress.Imported},
	}
	if t := l.Transfer; t != nil {
		out.Transfer = &Transfer{IMAP: ServerOf(t.Server), Username: t.Username, Detail: t.Detail, Refused: t.Refused}
	}
	return out
}
