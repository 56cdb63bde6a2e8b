package apitest

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// CreateAccount makes an account with the operator's token.
func (c Client) CreateAccount(ctx context.Context, name string) (wire.Account, error) {
	return send[wire.Account](ctx, c, http.MethodPost, at("accounts"), wire.AccountInput{Name: wire.Name(name)})
}

// UpdateAccount changes what the patch names.
func (c Client) UpdateAccount(ctx context.Context, id crm.AccountID, patch wire.AccountPatch) (wire.Account, error) {
	return send[wire.Account](ctx, c, http.MethodPatch, at("accounts", string(id)), patch)
}

// DeleteAccount erases an account and all that it has.
func (c Client) DeleteAccount(ctx context.Context, id crm.AccountID) error {
	return c.Do(ctx, http.MethodDelete, at("accounts", string(id)), nil, nil)
}

// CreateKey makes a key for the account's back end and returns the key itself.
func (c Client) CreateKey(ctx context.Context, id crm.AccountID) (string, error) {
	k, err := send[wire.NewKey](ctx, c, http.MethodPost, at("accounts", string(id), "keys"), wire.KeyInput{Name: "test"})
	return k.Secret, err
}

// Keys lists the account's keys, the newest first.
func (c Client) Keys(ctx context.Context, id crm.AccountID) ([]wire.Key, error) {
	return all[wire.Key](ctx, c, at("accounts", string(id), "keys"), nil)
}

// PutUser creates or replaces a user.
func (c Client) PutUser(ctx context.Context, id string, in wire.UserInput) (wire.User, error) {
	return send[wire.User](ctx, c, http.MethodPut, at("users", id), in)
}

// DeleteUser deletes a user and ends their link.
func (c Client) DeleteUser(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, at("users", id), nil, nil)
}

// Handover is the sheet for whoever takes over the user's customers.
func (c Client) Handover(ctx context.Context, id string) (wire.Handover, error) {
	return send[wire.Handover](ctx, c, http.MethodGet, at("users", id, "handover"), nil)
}

// UserToken makes a token of an hour for the user.
func (c Client) UserToken(ctx context.Context, id string) (string, error) {
	t, err := send[wire.Token](ctx, c, http.MethodPost, at("users", id, "tokens"), wire.TokenInput{TTLSeconds: 3600})
	return t.Token, err
}

// PutContact creates or replaces a contact.
func (c Client) PutContact(ctx context.Context, id string, in wire.ContactInput) (wire.Contact, error) {
	return send[wire.Contact](ctx, c, http.MethodPut, at("contacts", id), in)
}

// Contact reads a contact.
func (c Client) Contact(ctx context.Context, id string) (wire.Contact, error) {
	return get[wire.Contact](ctx, c, at("contacts", id))
}

// Suspects lists contacts that may be the company's own people, page by page.
func (c Client) Suspects(ctx context.Context, query url.Values) ([]wire.Suspect, error) {
	return all[wire.Suspect](ctx, c, at("contacts", "internal-suspects"), query)
}

// DeleteContact deletes a contact; its mail stays.
func (c Client) DeleteContact(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, at("contacts", id), nil, nil)
}

// PutEnrollment enrolls a contact in a sequence, or changes an enrollment.
func (c Client) PutEnrollment(ctx context.Context, id string, in wire.EnrollmentInput) (wire.Enrollment, error) {
	return send[wire.Enrollment](ctx, c, http.MethodPut, at("enrollments", id), in)
}

// Enrollment reads an enrollment.
func (c Client) Enrollment(ctx context.Context, id string) (wire.Enrollment, error) {
	return get[wire.Enrollment](ctx, c, at("enrollments", id))
}

// Enrollments lists enrollments; the query is as in the API.
func (c Client) Enrollments(ctx context.Context, query url.Values) ([]wire.Enrollment, error) {
	return all[wire.Enrollment](ctx, c, at("enrollments"), query)
}

// DeleteEnrollment takes an enrollment away.
func (c Client) DeleteEnrollment(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, at("enrollments", id), nil, nil)
}

// ReplyCheck asks whether a contact has replied; the query is as in the API.
func (c Client) ReplyCheck(ctx context.Context, contact string, query url.Values) (wire.ReplyCheck, error) {
	return get[wire.ReplyCheck](ctx, c, at("contacts", contact, "reply-check")+"?"+query.Encode())
}

// ImportContacts sends lines of NDJSON.
func (c Client) ImportContacts(ctx context.Context, lines io.Reader) (wire.Imported, error) {
	var out wire.Imported
	resp, err := c.Send(ctx, http.MethodPost, at("contacts", "import"), "application/x-ndjson", lines)
	if err != nil {
		return out, err
	}
	return out, read(resp, &out)
}

// CreatePreset makes a preset.
func (c Client) CreatePreset(ctx context.Context, in wire.PresetInput) (wire.Preset, error) {
	return send[wire.Preset](ctx, c, http.MethodPost, at("presets"), in)
}

// UpdatePreset replaces a preset.
func (c Client) UpdatePreset(ctx context.Context, id crm.PresetID, in wire.PresetInput) (wire.PresetUpdated, error) {
	return send[wire.PresetUpdated](ctx, c, http.MethodPut, at("presets", string(id)), in)
}

// Discover finds the settings to try for an address.
func (c Client) Discover(ctx context.Context, address string) (wire.Discovered, error) {
	return send[wire.Discovered](ctx, c, http.MethodPost, at("links", "discover"), wire.DiscoverInput{Address: address})
}

// TestLink tests server settings.
func (c Client) TestLink(ctx context.Context, in wire.LinkInput) (wire.Tested, error) {
	return send[wire.Tested](ctx, c, http.MethodPost, at("links", "test"), in)
}

// Preview tells what a mailbox would have brought in.
func (c Client) Preview(ctx context.Context, in wire.PreviewInput) (wire.Preview, error) {
	return send[wire.Preview](ctx, c, http.MethodPost, at("links", "preview"), in)
}

// CreateLink links a mailbox to the token's user.
func (c Client) CreateLink(ctx context.Context, in wire.LinkInput) (wire.Link, error) {
	return send[wire.Link](ctx, c, http.MethodPost, at("links"), in)
}

// BeginOAuth begins to link a mailbox by signing in at its provider.
func (c Client) BeginOAuth(ctx context.Context, in wire.OAuthInput) (wire.OAuthBegun, error) {
	return send[wire.OAuthBegun](ctx, c, http.MethodPost, at("links", "oauth"), in)
}

// RenewOAuth begins to give a link another grant.
func (c Client) RenewOAuth(ctx context.Context, id crm.LinkID) (wire.OAuthBegun, error) {
	return send[wire.OAuthBegun](ctx, c, http.MethodPost, at("links", string(id), "oauth"), nil)
}

// Links lists the links that the token may see.
func (c Client) Links(ctx context.Context) ([]wire.Link, error) {
	return all[wire.Link](ctx, c, at("links"), nil)
}

// Link reads a link.
func (c Client) Link(ctx context.Context, id crm.LinkID) (wire.Link, error) {
	return get[wire.Link](ctx, c, at("links", string(id)))
}

// ChangePassword gives a link a new password.
func (c Client) ChangePassword(ctx context.Context, id crm.LinkID, password string) (wire.Link, error) {
	return send[wire.Link](ctx, c, http.MethodPatch, at("links", string(id)), wire.LinkPatch{Password: wire.Password(password)})
}

// Unlink ends a link.
func (c Client) Unlink(ctx context.Context, id crm.LinkID) error {
	return c.Do(ctx, http.MethodDelete, at("links", string(id)), nil, nil)
}

// Look has the link's mailbox looked at now, and returns once that is done.
func (c Client) Look(ctx context.Context, id crm.LinkID) (wire.Link, error) {
	return send[wire.Link](ctx, c, http.MethodPost, at("links", string(id), "look"), nil)
}

// Receipt reads what was read of the link's mailbox.
func (c Client) Receipt(ctx context.Context, id crm.LinkID) (wire.LinkReceipt, error) {
	return get[wire.LinkReceipt](ctx, c, at("links", string(id), "receipt"))
}

// Mailboxes lists the health of the account's mailboxes.
func (c Client) Mailboxes(ctx context.Context) ([]wire.Mailbox, error) {
	return all[wire.Mailbox](ctx, c, at("mailboxes"), nil)
}

// Balance compares the books with the server and returns the mailbox's health.
func (c Client) Balance(ctx context.Context, id crm.MailboxID) (wire.Mailbox, error) {
	return send[wire.Mailbox](ctx, c, http.MethodPost, at("mailboxes", string(id), "balance"), nil)
}

// Threads lists threads; the query is as in the API.
func (c Client) Threads(ctx context.Context, query url.Values) ([]wire.Thread, error) {
	return all[wire.Thread](ctx, c, at("threads"), query)
}

// Thread reads a thread with its first messages.
func (c Client) Thread(ctx context.Context, id crm.ThreadID) (wire.ThreadWithMessages, error) {
	return get[wire.ThreadWithMessages](ctx, c, at("threads", string(id)))
}

// Messages lists messages; the query is as in the API.
func (c Client) Messages(ctx context.Context, query url.Values) ([]wire.Message, error) {
	return all[wire.Message](ctx, c, at("messages"), query)
}

// Message reads a message.
func (c Client) Message(ctx context.Context, id crm.MessageID) (wire.Message, error) {
	return get[wire.Message](ctx, c, at("messages", string(id)))
}

// Raw downloads a message as it stood on the server.
func (c Client) Raw(ctx context.Context, id crm.MessageID) ([]byte, error) {
	return c.download(ctx, at("messages", string(id), "raw"))
}

// Attachment downloads an attachment.
func (c Client) Attachment(ctx context.Context, id crm.MessageID, attachment string) ([]byte, error) {
	return c.download(ctx, at("messages", string(id), "attachments", attachment))
}

func (c Client) download(ctx context.Context, path string) ([]byte, error) {
	resp, err := c.Send(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		return nil, problem(resp)
	}
	return io.ReadAll(resp.Body)
}

// DeleteMessage deletes a message in the CRM, never in the mailbox.
func (c Client) DeleteMessage(ctx context.Context, id crm.MessageID) error {
	return c.Do(ctx, http.MethodDelete, at("messages", string(id)), nil, nil)
}

// Explain asks why a mail is in the CRM, or is not.
func (c Client) Explain(ctx context.Context, messageID string) ([]wire.Explanation, error) {
	list, err := send[wire.List[wire.Explanation]](ctx, c, http.MethodPost, at("explain"), wire.ExplainInput{MessageID: wire.Name(messageID)})
	return list.Items, err
}

// Usage lists what the account's mail takes up.
func (c Client) Usage(ctx context.Context) ([]wire.Usage, error) {
	return all[wire.Usage](ctx, c, at("usage"), nil)
}

// Audit lists who changed what, the newest first.
func (c Client) Audit(ctx context.Context) ([]wire.AuditEntry, error) {
	return all[wire.AuditEntry](ctx, c, at("audit"), nil)
}

// Events lists all events after the one with this seq.
func (c Client) Events(ctx context.Context, after int64) ([]wire.Event, error) {
	return all[wire.Event](ctx, c, at("events"), url.Values{"after": {strconv.FormatInt(after, 10)}})
}

// Stream yields events as they come, until ctx is done, the daemon ends the
// stream or the loop is left. What broke it comes last.
func (c Client) Stream(ctx context.Context, after int64) iter.Seq2[wire.Event, error] {
	return func(yield func(wire.Event, error) bool) {
		resp, err := c.Send(ctx, http.MethodGet, at("events", "stream")+"?after="+strconv.FormatInt(after, 10), "", nil)
		if err != nil {
			yield(wire.Event{}, err)
			return
		}
		defer resp.Body.Close()
		if resp.StatusCode >= 400 {
			yield(wire.Event{}, problem(resp))
			return
		}
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok {
				continue
			}
			var e wire.Event
			if err := json.Unmarshal([]byte(data), &e); !yield(e, err) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(wire.Event{}, err)
		}
	}
}

// CreateWebhook makes a webhook and returns it with its secret.
func (c Client) CreateWebhook(ctx context.Context, in wire.WebhookInput) (wire.NewWebhook, error) {
	return send[wire.NewWebhook](ctx, c, http.MethodPost, at("webhooks"), in)
}

// UpdateWebhook replaces a webhook.
func (c Client) UpdateWebhook(ctx context.Context, id crm.WebhookID, in wire.WebhookInput) (wire.Webhook, error) {
	return send[wire.Webhook](ctx, c, http.MethodPut, at("webhooks", string(id)), in)
}

// RotateWebhook gives a webhook another secret and returns it.
func (c Client) RotateWebhook(ctx context.Context, id crm.WebhookID) (wire.NewWebhook, error) {
	return send[wire.NewWebhook](ctx, c, http.MethodPost, at("webhooks", string(id), "rotate"), nil)
}

// TestWebhook has a test posted.
func (c Client) TestWebhook(ctx context.Context, id crm.WebhookID) (wire.WebhookTest, error) {
	return send[wire.WebhookTest](ctx, c, http.MethodPost, at("webhooks", string(id), "test"), nil)
}

// Webhook reads a webhook.
func (c Client) Webhook(ctx context.Context, id crm.WebhookID) (wire.Webhook, error) {
	return get[wire.Webhook](ctx, c, at("webhooks", string(id)))
}

// Webhooks lists the account's webhooks.
func (c Client) Webhooks(ctx context.Context) ([]wire.Webhook, error) {
	return all[wire.Webhook](ctx, c, at("webhooks"), nil)
}

// DeleteWebhook takes a webhook away.
func (c Client) DeleteWebhook(ctx context.Context, id crm.WebhookID) error {
	return c.Do(ctx, http.MethodDelete, at("webhooks", string(id)), nil, nil)
}

// Deliveries lists what became of a webhook's events.
func (c Client) Deliveries(ctx context.Context, id crm.WebhookID) ([]wire.Delivery, error) {
	return all[wire.Delivery](ctx, c, at("webhooks", string(id), "deliveries"), nil)
}

// Redeliver has an event posted again.
func (c Client) Redeliver(ctx context.Context, id crm.WebhookID, d crm.DeliveryID) (wire.Delivery, error) {
	return send[wire.Delivery](ctx, c, http.MethodPost, at("webhooks", string(id), "deliveries", string(d), "redeliver"), nil)
}
