package wire

// About says what an operation is for, by its id, where that is more than its
// name tells; "" where it is not.
func About(operation string) string { return abouts[operation] }

var abouts = map[string]string{
	"create-account": "Adds a company that uses the CRM. Nothing of one account is ever visible to another.",
	"update-account": "What is left out stays. Disabling the account, or switching its mail off, ends every link within seconds; what was imported stays readable.",
	"delete-account": "Deletes the account with everything in it, mail too.",
	"create-key":     "Makes a key with which the CRM's back end acts for the account. The answer shows it this once.",
	"delete-key":     "The key opens nothing from the next request on.",

	"put-user":     "Adds or replaces a user under the CRM's own id. The address and the aliases are internal: they never count as a customer's. Making the user inactive ends the user's link.",
	"delete-user":  "Deletes the user and ends the user's link. What was imported from the mailbox stays.",
	"get-handover": "What somebody who takes over needs to know: threads that wait for an answer, the last mail of each contact, enrollments on hold, and how far the mailbox was read.",
	"create-token": "Makes a token that acts as the user, with the role that the user has at the time of each request. The answer shows it this once.",

	"import-contacts": "Adds or replaces many contacts: one JSON object a line.",
	"list-suspects":   "Contacts that may be the company's own people, so that a manager can clean up before private in-house mail is imported.",
	"put-contact":     "Adds or replaces a customer under the CRM's own id. An address that is new counts from now on: mail received before is not imported.",
	"delete-contact":  "Deletes the contact and its enrollments. The mail stays.",
	"check-reply":     "To be asked right before an automatic mail is sent. Send only where clear_to_send is true: it is false while any mailbox may hold a reply that was not read.",

	"put-enrollment":    "Adds or replaces a contact's place in a sales sequence. A reply of the contact halts it; a call that is repeated without status does not wake it.",
	"delete-enrollment": "Takes the contact out of the sequence. That is no event.",

	"create-preset": "Adds server settings that the account recommends. Ports and security that are left out are filled in.",
	"update-preset": "Links that were made from the preset follow it, each once its own credential was accepted at the new server; one that was not stays, and says why in transfer.",
	"delete-preset": "Links that were made from the preset stay as they are.",

	"discover-link": "Finds settings for an address, to be tried in this order: presets of the account, known providers, what the domain publishes. No password is asked for.",
	"test-link":     "Tries to open a mailbox, and tells of each step whether it went well, what the server says, and what to do. Nothing is stored.",
	"preview-link":  "What the last seven days would have brought into the CRM under today's rules, by envelopes alone. Shown to this user only; nothing is stored.",
	"create-link":   "Links a mailbox to the user, once it could be opened. Mail received from now on is imported if a contact's address is in From or To.",
	"begin-oauth":   "Begins to link a mailbox by signing in at its provider: open authorization_url in the user's browser. The link is made when the user comes back.",
	"renew-oauth":   "Begins to sign in again for a link that stands.",
	"finish-oauth":  "Where the provider sends the user's browser back to. It shows a page that tells what was linked.",
	"update-link":   "Gives the link another password, once the server has accepted it.",
	"delete-link":   "Stops the sync within seconds and erases the credential. What was imported stays.",
	"look-link":     "Looks at the mailbox now, and answers once everything that was in it has its outcome.",
	"get-receipt":   "How much of the mailbox was looked at and fetched, and the balance against the server's own count. unexplained is 0 where every mail has an outcome.",
	"explain":       "Finds every copy of a mail in the user's own mailbox, on the server itself, and tells which rule has imported or refused it.",

	"list-mailboxes":  "The health of each mailbox: status, last error in the server's own words, lag, refused mail by reason, problems, and balance.",
	"balance-mailbox": "Compares the ledger with the server's own count, now.",
	"list-usage":      "Messages and bytes stored, by month.",
	"list-audit":      "Who linked, unlinked, changed roles, presets, webhooks and keys, and deleted messages.",

	"get-thread":      "A conversation with its messages.",
	"list-messages":   "Messages, the newest first. message_id finds one by its header Message-ID.",
	"get-raw-message": "The mail as it was received.",
	"delete-message":  "Deletes the message here. The mailbox is left alone, and the message is not imported again.",

	"list-events":   "What has happened, the oldest first. Keep the seq of the last event that you have dealt with, and ask for what is after it.",
	"stream-events": "Events as server-sent events, each with its seq as id: those after Last-Event-ID or after, from the first one on where neither is given, and then as they happen.",

	"create-webhook":  "Adds an endpoint to which events are posted from now on, signed as Standard Webhooks has it. The answer shows the secret this once.",
	"update-webhook":  "Replaces the endpoint's settings. With status active, one that was given up goes on with the event after the one that failed.",
	"delete-webhook":  "Takes the endpoint away, with the record of its deliveries.",
	"rotate-webhook":  "Makes a new secret, which the answer shows this once. For 24 hours both sign.",
	"test-webhook":    "Posts a webhook.test now, and tells what the endpoint said.",
	"list-deliveries": "What was posted to the endpoint, the newest first, with the first KiB of its last answer.",
	"redeliver":       "Posts the event again, now.",

	"get-healthz": "Answers while the process lives.",
	"get-readyz":  "Answers 200 while the process can work, else 503 with what it waits for.",
	"get-metrics": "Metrics in Prometheus' text format.",
}
