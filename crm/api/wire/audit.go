package wire

import (
	"time"

	"mailsyncd.example/crm"
)

// AuditEntry is one line of the audit.
type AuditEntry struct {
	Seq     int64             `json:"seq" doc:"1, 2, 3 and so on within the account."`
	At      time.Time         `json:"at"`
	Actor   Actor             `json:"actor"`
	Action  string            `json:"action" example:"link.created"`
	Subject string            `json:"subject" doc:"The id of what was changed."`
	Detail  map[string]string `json:"detail,omitempty" doc:"What is worth knowing of it."`
}

// Actor is who did something.
type Actor struct {
	Kind string `json:"kind" enum:"operator,key,user,daemon"`
	ID   string `json:"id,omitempty" doc:"The user's or the key's."`
}

// AuditEntryOf shows a line of the audit.
func AuditEntryOf(e crm.AuditEntry) AuditEntry {
	return AuditEntry{
		Seq: e.Seq, At: e.At, Actor: Actor{Kind: string(e.By.Kind), ID: e.By.ID},
		Action: string(e.Action), Subject: e.Subject, Detail: e.Detail,
	}
}
