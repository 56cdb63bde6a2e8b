package wire

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Code names what is wrong, for machines. A code keeps its meaning for ever;
// new ones may come.
type Code string

// Schema implements huma.SchemaProvider. It lists the codes in words and not
// as an enum, so that a new one breaks no client.
func (Code) Schema(huma.Registry) *huma.Schema {
	var b strings.Builder
	b.WriteString("What is wrong, for machines. New codes may come.\n\n")
	for _, c := range codes {
		b.WriteString("- `" + c.code + "`: " + c.means + "\n")
	}
	return &huma.Schema{Type: huma.TypeString, Description: b.String(), Examples: []any{"address_invalid"}}
}

// codes are those that callers meet, whoever raises them.
var codes = []struct{ code, means string }{
	// What was sent.
	{"body_missing", "the request needs a body"},
	{"body_too_large", "the body is over the limit"},
	{"body_timeout", "the body did not arrive in time"},
	{"body_broken_off", "the body ended before its end"},
	{"json_malformed", "the body, or a line of it, is not JSON in UTF-8"},
	{"line_too_long", "a line of an import is over the limit"},
	{"media_type_unsupported", "the body's Content-Type is another one than asked for"},
	{"field_unknown", "a field that does not exist"},
	{"field_missing", "a field that has to be there is not"},
	{"field_invalid", "a field's value is of the wrong type or out of bounds"},
	{"parameter_unknown", "a query parameter that does not exist"},
	{"parameter_invalid", "a parameter's value is of the wrong type or out of bounds"},
	{"cursor_invalid", "the cursor is none of this list"},
	{"address_invalid", "no e-mail address"},
	{"host_invalid", "no host name"},
	{"port_invalid", "no port number"},
	{"message_id_invalid", "no Message-ID"},
	{"server_missing", "nothing that says where the mailbox is, or two things"},
	{"contact_unknown", "no contact has this contact_id"},
	{"user_unknown", "the user_id names no user of the account"},
	{"preset_unknown", "no preset has this preset_id"},
	{"url_invalid", "no URL of an endpoint: not https, with a user name, or malformed"},
	{"event_type_unknown", "no event has this type"},
	{"auth_mismatch", "the preset asks for another way to log in"},
	{"provider_unknown", "the daemon is not registered with this provider"},
	{"state_unknown", "a sign-in that was finished already, or took too long"},

	// Who sent it.
	{"token_missing", "no token was sent"},
	{"token_invalid", "the token is unknown or has expired"},
	{"operator_only", "needs the operator's token"},
	{"operator_forbidden", "the operator's token manages accounts and keys only"},
	{"key_forbidden", "an account key may not do this"},
	{"role_forbidden", "the user's role may not do this"},
	{"account_disabled", "the account is disabled"},
	{"mail_disabled", "the account, or the user, may have no links"},
	{"link_not_yours", "only the link's own user may do this"},

	// What is there.
	{"route_unknown", "no such path"},
	{"method_not_allowed", "the path knows other methods"},
	{"account_not_found", "no such account"},
	{"key_not_found", "no such key of this account"},
	{"user_not_found", "no such user in this account"},
	{"contact_not_found", "no such contact in this account"},
	{"enrollment_not_found", "no such enrollment in this account"},
	{"preset_not_found", "no such preset in this account"},
	{"link_not_found", "no such link that the caller may see"},
	{"webhook_not_found", "no such webhook in this account"},
	{"delivery_not_found", "no such delivery of this webhook"},
	{"mailbox_not_found", "no such mailbox in this account"},
	{"thread_not_found", "no such thread in this account"},
	{"message_not_found", "no such message in this account"},
	{"attachment_not_found", "the message has no such attachment"},
	{"account_exists", "an account with this id is there already"},
	{"key_exists", "a key with this id is there already"},
	{"webhook_exists", "a webhook with this id is there already"},
	{"webhook_limit", "the account has as many webhooks as it may have"},
	{"preset_exists", "a preset with this id is there already"},
	{"link_exists", "the user has a link that stands"},
	{"link_ended", "the link has ended"},
	{"no_link", "no link that stands"},
	{"not_linked", "the mailbox was unlinked meanwhile"},
	{"fenced", "another process works the mailbox now"},
	{"user_inactive", "the user is not active"},

	// What a mail server, or what stands in its place, did.
	{"host_unknown", "the host's name leads nowhere"},
	{"host_not_allowed", "the host or port is not one that may be dialled"},
	{"connect_failed", "nobody answers at this host and port"},
	{"connect_timeout", "no answer in time"},
	{"security_unknown", "a protection that is none of tls, starttls and none"},
	{"starttls_missing", "the server knows no STARTTLS"},
	{"tls_failed", "no TLS connection could be made"},
	{"certificate_invalid", "the server's certificate does not fit"},
	{"not_imap", "what answers is no IMAP server"},
	{"auth_unknown", "a way to log in that is none of password and oauth2"},
	{"credential_invalid", "the user name or password can't be sent to the server"},
	{"credential_rejected", "the server refused the credential"},
	{"sign_in_needed", "the server takes OAuth 2 tokens; the user signs in with the provider"},
	{"sign_in_refused", "the provider sent the user back without an agreement"},
	{"grant_revoked", "the provider lets nobody into the mailbox until the user signs in again"},
	{"grant_incomplete", "the provider gave no refresh token"},
	{"grant_busy", "another process was to get a token and did not"},
	{"grant_changed", "the user signed in again meanwhile"},
	{"provider_busy", "the provider asks for patience"},
	{"provider_unreachable", "the provider's token endpoint does not work at the moment"},
	{"provider_refused", "the provider refuses the daemon itself"},
	{"login_disabled", "the server takes no password over this connection"},
	{"server_busy", "the server asks for patience"},
	{"server_bye", "the server closed the connection"},
	{"server_refused", "the server refused a command"},
	{"folder_gone", "the server does not have the folder any more"},
	{"folder_refused", "the server does not number a folder's messages for good"},
	{"message_refused", "the server lists a message but does not deliver it"},
	{"message_garbled", "the server delivers something else than the message"},
	{"message_undated", "the server does not say when it received a message"},
	{"header_too_large", "a message's header is over the limit"},
	{"protocol_error", "the server's answer is no IMAP"},
	{"connection_lost", "the connection broke off"},

	// What went wrong with the daemon.
	{"timeout", "it took too long"},
	{"mailbox_moving", "another process of the daemon is taking the mailbox over"},
	{"not_ready", "the daemon can't serve requests at the moment"},
	{"database", "the database could not do what was asked"},
	{"database_busy", "the database is busy"},
	{"database_io", "the disk under the database fails"},
	{"database_corrupt", "the database is damaged"},
	{"redis_unreachable", "Redis does not answer, so the processes can't work together"},
	{"mailbox_unanswered", "no process works the mailbox at the moment"},
	{"disk_full", "the disk is full"},
	{"bucket_missing", "the bucket for raw mail does not exist"},
	{"bucket_refused", "the bucket for raw mail refuses the daemon"},
	{"bucket_full", "there is no room left in the bucket for raw mail"},
	{"bucket_unreachable", "the bucket for raw mail does not answer, or not usefully"},
	{"blob_not_uploaded", "a raw message did not reach the bucket; it is read again"},
	{"data_dir_unwritable", "the data folder can't be written to"},
	{"bad_oauth_file", "the operator's file of providers can't be used"},
	{"bad_public_url", "the URL under which browsers reach the API is none"},
	{"no_keyset", "there are no keys to encrypt credentials with"},
	{"webhook_secret_damaged", "a webhook's secret can't be read"},
	{"credential_unreadable", "a stored credential can't be decrypted"},
	{"content_lost", "the bytes of a message are missing where raw mail is kept"},
	{"content_not_erased", "bytes could not be erased"},
	{"internal", "a fault of the daemon"},
}
