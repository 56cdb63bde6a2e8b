package api

import (
	"github.com/danielgtaylor/huma/v2"

	"mailsyncd.example/crm/access"
	"mailsyncd.example/crm/api/gate"
)

// routes is the whole surface: what there is, and who may use it.
func (s *server) routes(api huma.API) {
	r := router{s, api}

	add(r, "POST /v1/accounts", gate.Operator(), "create-account", s.createAccount, created)
	add(r, "GET /v1/accounts", gate.Operator(), "list-accounts", s.listAccounts)
	add(r, "GET /v1/accounts/{id}", gate.Operator(), "get-account", s.getAccount)
	add(r, "PATCH /v1/accounts/{id}", gate.Operator(), "update-account", s.updateAccount)
	add(r, "DELETE /v1/accounts/{id}", gate.Operator(), "delete-account", s.deleteAccount)
	add(r, "POST /v1/accounts/{id}/keys", gate.Operator(), "create-key", s.createKey, created)
	add(r, "GET /v1/accounts/{id}/keys", gate.Operator(), "list-keys", s.listKeys)
	add(r, "DELETE /v1/accounts/{id}/keys/{key_id}", gate.Operator(), "delete-key", s.deleteKey)

	add(r, "GET /v1/users", gate.May(access.ManageUsers), "list-users", s.listUsers)
	add(r, "PUT /v1/users/{id}", gate.May(access.ManageUsers), "put-user", s.putUser, upserts)
	add(r, "GET /v1/users/{id}", gate.May(access.ManageUsers), "get-user", s.getUser)
	add(r, "DELETE /v1/users/{id}", gate.May(access.ManageUsers), "delete-user", s.deleteUser)
	add(r, "GET /v1/users/{id}/handover", gate.May(access.SeeHealth), "get-handover", s.handover)
	add(r, "POST /v1/users/{id}/tokens", gate.May(access.ManageUsers), "create-token", s.createToken, created)

	add(r, "GET /v1/contacts", gate.May(access.ReadContacts), "list-contacts", s.listContacts)
	add(r, "GET /v1/contacts/internal-suspects", gate.May(access.FindSuspects), "list-suspects", s.listSuspects)
	add(r, "POST /v1/contacts/import", gate.May(access.ManageContacts), "import-contacts", s.importContacts, ndjson, slow)
	add(r, "PUT /v1/contacts/{id}", gate.May(access.ManageContacts), "put-contact", s.putContact, upserts)
	add(r, "GET /v1/contacts/{id}", gate.May(access.ReadContacts), "get-contact", s.getContact)
	add(r, "DELETE /v1/contacts/{id}", gate.May(access.ManageContacts), "delete-contact", s.deleteContact)

	add(r, "GET /v1/contacts/{id}/reply-check", gate.May(access.Automate), "check-reply", s.checkReply)
	add(r, "GET /v1/enrollments", gate.May(access.Automate), "list-enrollments", s.listEnrollments)
	add(r, "PUT /v1/enrollments/{id}", gate.May(access.Automate), "put-enrollment", s.putEnrollment, upserts)
	add(r, "GET /v1/enrollments/{id}", gate.May(access.Automate), "get-enrollment", s.getEnrollment)
	add(r, "DELETE /v1/enrollments/{id}", gate.May(access.Automate), "delete-enrollment", s.deleteEnrollment)

	add(r, "POST /v1/presets", gate.May(access.EditPresets), "create-preset", s.createPreset, created)
	add(r, "GET /v1/presets", gate.May(access.SeePresets), "list-presets", s.listPresets)
	add(r, "GET /v1/presets/{id}", gate.May(access.SeePresets), "get-preset", s.getPreset)
	add(r, "PUT /v1/presets/{id}", gate.May(access.EditPresets), "update-preset", s.updatePreset)
	add(r, "DELETE /v1/presets/{id}", gate.May(access.EditPresets), "delete-preset", s.deletePreset)

	add(r, "POST /v1/links/discover", gate.May(access.LinkOwn), "discover-link", s.discoverLink, slow)
	add(r, "POST /v1/links/test", gate.May(access.LinkOwn), "test-link", s.testLink, slow)
	add(r, "POST /v1/links/preview", gate.May(access.LinkOwn), "preview-link", s.previewLink, slow)
	add(r, "POST /v1/links", gate.May(access.LinkOwn), "create-link", s.createLink, created, slow)
	add(r, "POST /v1/links/oauth", gate.May(access.LinkOwn), "begin-oauth", s.beginOAuth)
	add(r, "POST /v1/links/{id}/oauth", gate.May(access.LinkOwn), "renew-oauth", s.renewOAuth)
	add(r, "GET /v1/oauth/callback", gate.Everybody(), "finish-oauth", s.finishOAuth, pages, lenient, slow)
	add(r, "GET /v1/links", gate.May(access.SeeLinks), "list-links", s.listLinks)
	add(r, "GET /v1/links/{id}", gate.May(access.SeeLinks), "get-link", s.getLink)
	add(r, "PATCH /v1/links/{id}", gate.May(access.LinkOwn), "update-link", s.updateLink, slow)
	add(r, "DELETE /v1/links/{id}", gate.May(access.LinkOwn), "delete-link", s.deleteLink)
	add(r, "POST /v1/links/{id}/look", gate.May(access.LinkOwn), "look-link", s.lookLink, slow)
	add(r, "GET /v1/links/{id}/receipt", gate.May(access.SeeLinks), "get-receipt", s.receiptLink)
	add(r, "POST /v1/explain", gate.May(access.LinkOwn), "explain", s.explain, slow)

	add(r, "GET /v1/mailboxes", gate.May(access.SeeHealth), "list-mailboxes", s.listMailboxes)
	add(r, "GET /v1/mailboxes/{id}", gate.May(access.SeeHealth), "get-mailbox", s.getMailbox)
	add(r, "POST /v1/mailboxes/{id}/balance", gate.May(access.CheckBalance), "balance-mailbox", s.balanceMailbox, slow)
	add(r, "GET /v1/usage", gate.May(access.SeeHealth), "list-usage", s.listUsage)
	add(r, "GET /v1/audit", gate.May(access.SeeAudit), "list-audit", s.listAudit)

	add(r, "GET /v1/threads", gate.May(access.ReadMail), "list-threads", s.listThreads)
	add(r, "GET /v1/threads/{id}", gate.May(access.ReadMail), "get-thread", s.getThread)
	add(r, "GET /v1/messages", gate.May(access.ReadMail), "list-messages", s.listMessages)
	add(r, "GET /v1/messages/{id}", gate.May(access.ReadMail), "get-message", s.getMessage)
	add(r, "GET /v1/messages/{id}/raw", gate.May(access.ReadMail), "get-raw-message", s.rawMessage, answers("message/rfc822"), slow)
	add(r, "GET /v1/messages/{id}/attachments/{attachment_id}", gate.May(access.ReadMail), "get-attachment", s.attachment, answers("*/*"), slow)
	add(r, "DELETE /v1/messages/{id}", gate.May(access.DeleteMail), "delete-message", s.deleteMessage)

	add(r, "GET /v1/events", gate.May(access.ReadEvents), "list-events", s.listEvents)
	add(r, "GET /v1/events/stream", gate.May(access.ReadEvents), "stream-events", s.streamEvents, answers("text/event-stream"), slow)

	add(r, "POST /v1/webhooks", gate.May(access.ManageWebhooks), "create-webhook", s.createWebhook, created)
	add(r, "GET /v1/webhooks", gate.May(access.ManageWebhooks), "list-webhooks", s.listWebhooks)
	add(r, "GET /v1/webhooks/{id}", gate.May(access.ManageWebhooks), "get-webhook", s.getWebhook)
	add(r, "PUT /v1/webhooks/{id}", gate.May(access.ManageWebhooks), "update-webhook", s.updateWebhook)
	add(r, "DELETE /v1/webhooks/{id}", gate.May(access.ManageWebhooks), "delete-webhook", s.deleteWebhook)
	add(r, "POST /v1/webhooks/{id}/rotate", gate.May(access.ManageWebhooks), "rotate-webhook", s.rotateWebhook)
	add(r, "POST /v1/webhooks/{id}/test", gate.May(access.ManageWebhooks), "test-webhook", s.testWebhook, slow)
	add(r, "GET /v1/webhooks/{id}/deliveries", gate.May(access.ManageWebhooks), "list-deliveries", s.listDeliveries)
	add(r, "POST /v1/webhooks/{id}/deliveries/{delivery_id}/redeliver", gate.May(access.ManageWebhooks), "redeliver", s.redeliver, slow)

	add(r, "GET /healthz", gate.Everybody(), "get-healthz", s.alive)
	add(r, "GET /readyz", gate.Everybody(), "get-readyz", s.ready)
	add(r, "GET /metrics", gate.Operator(), "get-metrics", s.metrics, answers("text/plain"))
	add(r, "GET /openapi.json", gate.Everybody(), "get-openapi", s.openapi, answers("application/json"))
}
