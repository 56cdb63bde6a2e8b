package crm

import (
	"context"
	"time"
)

// Deed is who does something, and when: what the audit says of a change.
type Deed struct {
	By Actor
	At time.Time
}

// Actor is who does something in an account.
type Actor struct {
	Kind ActorKind
	ID   string // the user's or the key's, "" of others
}

// ActorKind says what an actor is.
type ActorKind string

const (
	ActorOperator ActorKind = "operator"
	ActorKey      ActorKind = "key" // the CRM's back end
	ActorUser     ActorKind = "user"
	ActorDaemon   ActorKind = "daemon" // nobody asked for it
)

type deedKey struct{}

// In returns a context in which whatever is changed counts as this deed: the
// change itself, many layers below, can't forget to say whose it was.
func (d Deed) In(ctx context.Context) context.Context { return context.WithValue(ctx, deedKey{}, d) }

// DeedOf returns the deed that a context belongs to; the daemon's own, at no
// time in particular, where nobody asked for it.
func DeedOf(ctx context.Context) Deed {
	if d, ok := ctx.Value(deedKey{}).(Deed); ok {
		return d
	}
	return Deed{By: Actor{Kind: ActorDaemon}}
}

// AuditAction is what was done.
type AuditAction string

const (
	AuditAccountCreated    AuditAction = "account.created"
	AuditAccountUpdated    AuditAction = "account.updated"
	AuditKeyCreated        AuditAction = "key.created"
	AuditKeyDeleted        AuditAction = "key.deleted"
	AuditUserCreated       AuditAction = "user.created"
	AuditUserRoleChanged   AuditAction = "user.role_changed"
	AuditUserDisabled      AuditAction = "user.disabled"
	AuditUserEnabled       AuditAction = "user.enabled"
	AuditUserDeleted       AuditAction = "user.deleted"
	AuditPresetCreated     AuditAction = "preset.created"
	AuditPresetUpdated     AuditAction = "preset.updated"
	AuditPresetDeleted     AuditAction = "preset.deleted"
	AuditLinkCreated       AuditAction = "link.created"
	AuditCredentialChanged AuditAction = "link.credential_changed"
	AuditLinkTransferred   AuditAction = "link.transferred"
	AuditLinkEnded         AuditAction = "link.ended"
	AuditWebhookCreated    AuditAction = "webhook.created"
	AuditWebhookUpdated    AuditAction = "webhook.updated"
	AuditSecretRotated     AuditAction = "webhook.secret_rotated"
	AuditWebhookDeleted    AuditAction = "webhook.deleted"
	AuditMessageDeleted    AuditAction = "message.deleted"
)

// AuditEntry is one line of the audit: written in the transaction of the change
// that it reports, and never changed.
type AuditEntry struct {
	Account AccountID
	Seq     int64 // 1, 2, 3 … within the account
	Deed
	Action  AuditAction
	Subject string            // the id of what was changed
	Detail  map[string]string // what is worth knowing of it; never a secret or content
}
