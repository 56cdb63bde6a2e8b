package api

import (
	"github.com/danielgtaylor/huma/v2"

	"mailsyncd.example/crm/access"
)

// routes is the whole surface: what there is, and who may use it.
func (s *server) routes(api huma.API) {
	r := router{s, api}

	add(r, "POST /v1/accounts", operator, "create-account", s.createAccount, created)
	add(r, "GET /v1/accounts", operator, "list-accounts", s.listAccounts)
	add(r, "GET /v1/accounts/{id}", operator, "get-account", s.getAccount)
	add(r, "PATCH /v1/accounts/{id}", operator, "update-account", s.updateAccount)
	add(r, "DELETE /v1/accounts/{id}", operator, "delete-account", s.deleteAccount)
	add(r, "POST /v1/accounts/{id}/keys", operator, "create-key", s.createKey, created)
	add(r, "GET /v1/accounts/{id}/keys", operator, "list-keys", s.listKeys)
	add(r, "DELETE /v1/accounts/{id}/keys/{key_id}", operator, "delete-key", s.deleteKey)

	add(r, "GET /v1/users", may(access.ManageUsers), "list-users", s.listUsers)
	add(r, "PUT /v1/users/{id}", may(access.ManageUsers), "put-user", s.putUser, upserts)
	add(r, "GET /v1/users/{id}", may(access.ManageUsers), "get-user", s.getUser)
	add(r, "DELETE /v1/users/{id}", may(access.ManageUsers), "delete-user", s.deleteUser)
	add(r, "POST /v1/users/{id}/tokens", may(access.ManageUsers), "create-token", s.createToken, created)

	add(r, "GET /v1/contacts", may(access.ReadContacts), "list-contacts", s.listContacts)
	add(r, "POST /v1/contacts/import", may(access.ManageContacts), "import-contacts", s.importContacts, ndjson, slow)
	add(r, "PUT /v1/contacts/{id}", may(access.ManageContacts), "put-contact", s.putContact, upserts)
	add(r, "GET /v1/contacts/{id}", may(access.ReadContacts), "get-contact", s.getContact)
	add(r, "DELETE /v1/contacts/{id}", may(access.ManageContacts), "delete-contact", s.deleteContact)

	add(r, "GET /v1/contacts/{id}/reply-check", may(access.Automate), "check-reply", s.checkReply)
	add(r, "GET /v1/enrollments", may(access.Automate), "list-enrollments", s.listEnrollments)
	add(r, "PUT /v1/enrollments/{id}", may(access.Automate), "put-enrollment", s.putEnrollment, upserts)
	add(r, "GET /v1/enrollments/{id}", may(access.Automate), "get-enrollment", s.getEnrollment)
	add(r, "DELETE /v1/enrollments/{id}", may(access.Automate), "delete-enrollment", s.deleteEnrollment)

	add(r, "POST /v1/presets", may(access.EditPresets), "create-preset", s.createPreset, created)
	add(r, "GET /v1/presets", may(access.SeePresets), "list-presets", s.listPresets)
	add(r, "GET /v1/presets/{id}", may(access.SeePresets), "get-preset", s.getPreset)
	add(r, "PUT /v1/presets/{id}", may(access.EditPresets), "update-preset", s.updatePreset)
	add(r, "DELETE /v1/presets/{id}", may(access.EditPresets), "delete-preset", s.deletePreset)

	add(r, "POST /v1/links/discover", may(access.LinkOwn), "discover-link", s.discoverLink, slow)
	add(r, "POST /v1/links/test", may(access.LinkOwn), "test-link", s.testLink, slow)
	add(r, "POST /v1/links/preview", may(access.LinkOwn), "preview-link", s.previewLink, slow)
	add(r, "POST /v1/links", may(access.LinkOwn), "create-link", s.createLink, created, slow)
	add(r, "GET /v1/links", may(access.SeeLinks), "list-links", s.listLinks)
	add(r, "GET /v1/links/{id}", may(access.SeeLinks), "get-link", s.getLink)
	add(r, "PATCH /v1/links/{id}", may(access.LinkOwn), "update-link", s.updateLink, slow)
	add(r, "DELETE /v1/links/{id}", may(access.LinkOwn), "delete-link", s.deleteLink)
	add(r, "POST /v1/links/{id}/look", may(access.LinkOwn), "look-link", s.lookLink, slow)
	add(r, "GET /v1/links/{id}/receipt", may(access.SeeLinks), "get-receipt", s.receiptLink)
	add(r, "POST /v1/explain", may(access.LinkOwn), "explain", s.explain, slow)

	add(r, "GET /v1/mailboxes", may(access.SeeHealth), "list-mailboxes", s.listMailboxes)
	add(r, "GET /v1/mailboxes/{id}", may(access.SeeHealth), "get-mailbox", s.getMailbox)
	add(r, "POST /v1/mailboxes/{id}/balance", may(access.CheckBalance), "balance-mailbox", s.balanceMailbox, slow)
	add(r, "GET /v1/usage", may(access.SeeHealth), "list-usage", s.listUsage)
	add(r, "GET /v1/audit", may(access.SeeAudit), "list-audit", s.listAudit)

	add(r, "GET /v1/threads", may(access.ReadMail), "list-threads", s.listThreads)
	add(r, "GET /v1/threads/{id}", may(access.ReadMail), "get-thread", s.getThread)
	add(r, "GET /v1/messages", may(access.ReadMail), "list-messages", s.listMessages)
	add(r, "GET /v1/messages/{id}", may(access.ReadMail), "get-message", s.getMessage)
	add(r, "GET /v1/messages/{id}/raw", may(access.ReadMail), "get-raw-message", s.rawMessage, answers("message/rfc822"), slow)
	add(r, "GET /v1/messages/{id}/attachments/{attachment_id}", may(access.ReadMail), "get-attachment", s.attachment, answers("application/octet-stream"), slow)
	add(r, "DELETE /v1/messages/{id}", may(access.DeleteMail), "delete-message", s.deleteMessage)

	add(r, "GET /v1/events", may(access.ReadEvents), "list-events", s.listEvents)
	add(r, "GET /v1/events/stream", may(access.ReadEvents), "stream-events", s.streamEvents, answers("text/event-stream"), slow)

	add(r, "POST /v1/webhooks", may(access.ManageWebhooks), "create-webhook", s.createWebhook, created)
	add(r, "GET /v1/webhooks", may(access.ManageWebhooks), "list-webhooks", s.listWebhooks)
	add(r, "GET /v1/webhooks/{id}", may(access.ManageWebhooks), "get-webhook", s.getWebhook)
	add(r, "PUT /v1/webhooks/{id}", may(access.ManageWebhooks), "update-webhook", s.updateWebhook)
	add(r, "DELETE /v1/webhooks/{id}", may(access.ManageWebhooks), "delete-webhook", s.deleteWebhook)
	add(r, "POST /v1/webhooks/{id}/rotate", may(access.ManageWebhooks), "rotate-webhook", s.rotateWebhook)
	add(r, "POST /v1/webhooks/{id}/test", may(access.ManageWebhooks), "test-webhook", s.testWebhook, slow)
	add(r, "GET /v1/webhooks/{id}/deliveries", may(access.ManageWebhooks), "list-deliveries", s.listDeliveries)
	add(r, "POST /v1/webhooks/{id}/deliveries/{delivery_id}/redeliver", may(access.ManageWebhooks), "redeliver", s.redeliver, slow)

	add(r, "GET /healthz", everybody, "get-healthz", s.alive)
	add(r, "GET /readyz", everybody, "get-readyz", s.ready)
	add(r, "GET /metrics", operator, "get-metrics", s.metrics, answers("text/plain"))
	add(r, "GET /openapi.json", everybody, "get-openapi", s.openapi, answers("application/json"))
}
