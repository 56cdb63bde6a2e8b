package api

import (
	"context"
	"io"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/live"
	"mailsyncd.example/crm/consent"
)

// Store is what the API needs of the database, noun by noun. Every method is
// one transaction. What is not found, or belongs to another account, is an
// error of kind crm.NotFound; what contradicts the data is crm.Conflict.
type Store interface {
	Accounts
	Users
	Contacts
	Enrollments
	Presets
	Links
	Mailboxes
	Messages
	live.Events
	Webhooks
}

// Accounts are the companies and the keys of their CRM back ends.
type Accounts interface {
	CreateAccount(ctx context.Context, a crm.Account) error
	Account(ctx context.Context, id crm.AccountID) (crm.Account, error)
	ListAccounts(ctx context.Context, p crm.Paging) (crm.Part[crm.Account], error)
	// UpdateAccount writes name, status, mail feature and visibility. Where
	// mail is not allowed any more it ends every link of the account.
	UpdateAccount(ctx context.Context, a crm.Account, at time.Time) error
	// DeleteAccount ends every link and erases all that the account has.
	DeleteAccount(ctx context.Context, id crm.AccountID, at time.Time) error

	CreateKey(ctx context.Context, k crm.AccountKey, h crm.TokenHash) error
	ListKeys(ctx context.Context, id crm.AccountID, p crm.Paging) (crm.Part[crm.AccountKey], error)
	DeleteKey(ctx context.Context, id crm.AccountID, key crm.KeyID) error
	// Caller finds who holds the key or user token with this hash: crm.NotFound
	// where it is unknown or expired, or its user is not active any more.
	Caller(ctx context.Context, h crm.TokenHash, now time.Time) (crm.Caller, error)
}

// Users are the people of an account.
type Users interface {
	// PutUser creates or replaces; making a user inactive ends the user's link.
	PutUser(ctx context.Context, u crm.User, at time.Time) (created bool, err error)
	User(ctx context.Context, a crm.AccountID, id crm.UserID) (crm.User, error)
	ListUsers(ctx context.Context, a crm.AccountID, p crm.Paging) (crm.Part[crm.User], error)
	// DeleteUser ends the user's link, and the addresses cease to be internal.
	DeleteUser(ctx context.Context, a crm.AccountID, id crm.UserID, at time.Time) error
	CreateToken(ctx context.Context, a crm.AccountID, id crm.UserID, h crm.TokenHash, expires time.Time) error
}

// Contacts are the customers of an account.
type Contacts interface {
	// PutContacts creates or replaces many at once, in one transaction. An
	// address that the contact had already keeps its Since; a new one gets
	// the Since that it comes with.
	PutContacts(ctx context.Context, cs []crm.Contact) (created int, err error)
	Contact(ctx context.Context, a crm.AccountID, id crm.ContactID) (crm.Contact, error)
	ListContacts(ctx context.Context, a crm.AccountID, p crm.Paging) (crm.Part[crm.Contact], error)
	// InternalAddresses are those of the account's users and linked mailboxes.
	InternalAddresses(ctx context.Context, a crm.AccountID) ([]crm.Address, error)
	// DeleteContact forgets the profile, the addresses and the enrollments;
	// mail stays.
	DeleteContact(ctx context.Context, a crm.AccountID, id crm.ContactID) error
}

// Enrollments are the contacts' places in sales sequences, and what automation
// asks about those contacts.
type Enrollments interface {
	// PutEnrollment creates an enrollment or changes it, and returns it as it
	// stands then: see crm.Enrollment.Put. crm.Invalid ("contact_unknown")
	// where there is no such contact.
	PutEnrollment(ctx context.Context, e crm.Enrollment, at time.Time) (stored crm.Enrollment, created bool, err error)
	Enrollment(ctx context.Context, a crm.AccountID, id crm.EnrollmentID) (crm.Enrollment, error)
	ListEnrollments(ctx context.Context, a crm.AccountID, q crm.EnrollmentQuery) (crm.Part[crm.Enrollment], error)
	DeleteEnrollment(ctx context.Context, a crm.AccountID, id crm.EnrollmentID) error
	// Freshness tells how old the picture of each linked mailbox is.
	Freshness(ctx context.Context, a crm.AccountID) ([]crm.Freshness, error)
	// ReplyCheck finds the contact's first reply received at or after since,
	// and tells how fresh the mailboxes are, all of it of one moment.
	ReplyCheck(ctx context.Context, a crm.AccountID, contact crm.ContactID, since time.Time) (crm.ReplyCheck, error)
}

// Presets are the account's recommended server settings.
type Presets interface {
	CreatePreset(ctx context.Context, p crm.Preset) error
	Preset(ctx context.Context, a crm.AccountID, id crm.PresetID) (crm.Preset, error)
	ListPresets(ctx context.Context, a crm.AccountID, p crm.Paging) (crm.Part[crm.Preset], error)
	// UpdatePreset returns how many links that were made from it are to be
	// tried where it leads now. They stay where they are until that works.
	UpdatePreset(ctx context.Context, p crm.Preset) (following int, err error)
	DeletePreset(ctx context.Context, a crm.AccountID, id crm.PresetID) error
	// DomainUse tells what the account knows of a mail domain.
	DomainUse(ctx context.Context, a crm.AccountID, domain string) (crm.DomainUse, error)
}

// Links are the users' ties to mailboxes.
type Links interface {
	// CreateLink links l.User to the mailbox of l.Server and l.Username with
	// this secret. The mailbox is made, or found where it is linked already,
	// in which case its folders stay as they are; where no link of it stands
	// any more, its folders start again from those given. crm.Conflict
	// ("link_exists") where the user has a link that stands; crm.Forbidden
	// ("mail_disabled") where the account or user may have none.
	CreateLink(ctx context.Context, l crm.Link, secret crm.Secret, folders []crm.Folder) (crm.Link, error)
	Link(ctx context.Context, a crm.AccountID, id crm.LinkID) (crm.Link, error)
	// ListLinks lists one user's links, or all of the account with user "".
	ListLinks(ctx context.Context, a crm.AccountID, user crm.UserID, p crm.Paging) (crm.Part[crm.Link], error)
	// ReplaceSecret gives a link that stands a new password; it counts as
	// syncing again.
	ReplaceSecret(ctx context.Context, a crm.AccountID, id crm.LinkID, secret crm.Secret, at time.Time) (crm.Link, error)
	// TransferLink takes a link to where its preset wants it, with another
	// password where one is given.
	TransferLink(ctx context.Context, a crm.AccountID, id crm.LinkID, to crm.Transfer, secret crm.Secret, fence crm.Fence, at time.Time) (crm.Link, error)
	// EndLink ends a link and erases its credential; ending it again does nothing.
	EndLink(ctx context.Context, a crm.AccountID, id crm.LinkID, why crm.EndReason, at time.Time) error
	// By signing in at a provider.
	consent.Store
}

// Mailboxes are what stands behind links.
type Mailboxes interface {
	Health(ctx context.Context, a crm.AccountID, id crm.MailboxID) (crm.Health, error)
	ListHealth(ctx context.Context, a crm.AccountID, p crm.Paging) (crm.Part[crm.Health], error)
	Usage(ctx context.Context, a crm.AccountID) ([]crm.Usage, error)
	// ListAudit lists who changed what, the newest first.
	ListAudit(ctx context.Context, a crm.AccountID, p crm.Paging) (crm.Part[crm.AuditEntry], error)
}

// Messages are the imported mail, and the threads that they form.
type Messages interface {
	ListThreads(ctx context.Context, a crm.AccountID, q crm.ThreadQuery) (crm.Part[crm.Thread], error)
	// Thread finds a thread also by the id of one that was joined to it.
	Thread(ctx context.Context, a crm.AccountID, id crm.ThreadID) (crm.Thread, error)
	// ListMessages leaves Text empty; Message fills it in.
	ListMessages(ctx context.Context, a crm.AccountID, q crm.MessageQuery) (crm.Part[crm.Message], error)
	// ThreadMessages are all of a thread's messages, oldest first, with Text.
	ThreadMessages(ctx context.Context, a crm.AccountID, id crm.ThreadID, p crm.Paging) (crm.Part[crm.Message], error)
	Message(ctx context.Context, a crm.AccountID, id crm.MessageID) (crm.Message, error)
	// Handover fills in the mailboxes that a user had linked, the threads in
	// them that wait for an answer, and the contacts, at most limit of each.
	Handover(ctx context.Context, a crm.AccountID, user crm.UserID, limit int) (crm.Handover, error)
	// DeleteMessage erases the content and keeps the identity, so that the
	// message is never imported again. It returns the raw bytes that no
	// other message of the account needs, "" where one does.
	DeleteMessage(ctx context.Context, a crm.AccountID, id crm.MessageID, at time.Time) (crm.BlobRef, error)
}

// Webhooks are the account's endpoints, and what became of each event there.
type Webhooks interface {
	// CreateWebhook adds a webhook, which hears of events from now on.
	CreateWebhook(ctx context.Context, w crm.Webhook, secret crm.Secret) error
	Webhook(ctx context.Context, a crm.AccountID, id crm.WebhookID) (crm.Webhook, error)
	ListWebhooks(ctx context.Context, a crm.AccountID, p crm.Paging) (crm.Part[crm.Webhook], error)
	// UpdateWebhook replaces URL, types, inclusions and status; the endpoint
	// counts as well again.
	UpdateWebhook(ctx context.Context, w crm.Webhook) error
	// RotateWebhook gives it another secret; the old one signs too for a while.
	RotateWebhook(ctx context.Context, a crm.AccountID, id crm.WebhookID, secret crm.Secret, oldUntil, at time.Time) error
	DeleteWebhook(ctx context.Context, a crm.AccountID, id crm.WebhookID) error
	ListDeliveries(ctx context.Context, a crm.AccountID, w crm.WebhookID, p crm.Paging) (crm.Part[crm.Delivery], error)
}

// Endpoints posts to webhooks.
type Endpoints interface {
	// Check tells what is wrong with the URL of an endpoint.
	Check(ctx context.Context, url string) error
	// Test posts an event that means nothing, and returns the answer.
	Test(ctx context.Context, k crm.WebhookKey) (crm.Answer, error)
	// Redeliver posts an event again now.
	Redeliver(ctx context.Context, k crm.WebhookKey, id crm.DeliveryID) (crm.Delivery, error)
}

// Blobs keeps raw messages.
type Blobs interface {
	// Open reads a blob; crm.NotFound where there is none.
	Open(ctx context.Context, a crm.AccountID, ref crm.BlobRef) (io.ReadCloser, error)
	Delete(ctx context.Context, a crm.AccountID, ref crm.BlobRef) error
	DeleteAccount(ctx context.Context, a crm.AccountID) error
}

// Watcher stands at the mailboxes.
type Watcher interface {
	// Probe tests server settings step by step; with a failed step Probe.Err
	// says what to do.
	Probe(ctx context.Context, login crm.Login) crm.Probe
	// Preview tells what a mailbox would have brought in, and stores nothing.
	Preview(ctx context.Context, q crm.PreviewQuery) (crm.Preview, error)
	// Look makes the mailbox's owner look now, and returns once it has.
	Look(ctx context.Context, a crm.AccountID, m crm.MailboxID) error
	// Balance compares the ledger with the server UID by UID, repairs what
	// is unexplained, and returns once that is done.
	Balance(ctx context.Context, a crm.AccountID, m crm.MailboxID) error
	// Explain finds the copies of a message on the server and says what
	// became of each.
	Explain(ctx context.Context, a crm.AccountID, m crm.MailboxID, id crm.HeaderID) ([]crm.Explanation, error)
}

// Finder finds out where mailboxes are.
type Finder interface {
	// Discover finds the settings to try for an address; none is no error.
	Discover(ctx context.Context, a crm.Address) crm.Discovery
}
