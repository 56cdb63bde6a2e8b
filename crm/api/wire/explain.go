package wire

import (
	"time"

	"mailsyncd.example/crm"
)

// ExplainInput names a mail by its Message-ID.
type ExplainInput struct {
	MessageID Name `json:"message_id" minLength:"1" maxLength:"1000" doc:"The Message-ID header field, with or without angle brackets."`
}

// Explanation answers "why is this mail here, or not?" for one copy of it on
// the server.
type Explanation struct {
	Folder     string        `json:"folder"`
	UID        crm.UID       `json:"uid"`
	ReceivedAt time.Time     `json:"received_at"`
	Outcome    crm.Outcome   `json:"outcome,omitempty" doc:"What became of it; left out while it has not been read."`
	Rule       crm.Outcome   `json:"rule" doc:"What today's import rules say of it: imported, or the reason to refuse it; not_watched in a folder that is left out."`
	Watched    bool          `json:"watched" doc:"false: folders for junk, trash and drafts are left out."`
	Status     bool          `json:"delivery_status,omitempty" doc:"true: it is a delivery report, of which the delivery status is read, and nothing else, because the account has switched delivery_reports on."`
	MessageID  crm.MessageID `json:"message_id,omitempty" doc:"Where it is in the CRM."`
	Sentence   string        `json:"sentence" doc:"The same for people."`
}

// notWatched is the rule that keeps mail of some folders out. It is no outcome:
// of these folders no ledger is kept.
const notWatched crm.Outcome = "not_watched"

// ExplanationOf shows what became of a copy.
func ExplanationOf(e crm.Explanation) Explanation {
	if !e.Watched {
		e.Rule = notWatched
	}
	return Explanation{
		Folder: e.FolderName, UID: e.UID, ReceivedAt: UTC(e.ReceivedAt), Outcome: e.Outcome, Rule: e.Rule,
		Watched: e.Watched, Status: e.Status, MessageID: e.Message, Sentence: sentence(e),
	}
}

// sentence says what became of a copy, or what will where it is not read yet.
func sentence(e crm.Explanation) string {
	if !e.Watched {
		return "This folder is not watched: it is for junk, trash or drafts."
	}
	said := reason(e.Outcome)
	if e.Outcome == "" {
		said = "It has not been read yet; the next look will. Today's rules say: " + reason(e.Rule)
	}
	if e.Status {
		said += " It is a delivery report: of its content only the delivery status is read, to tell of mail to contacts that did not arrive."
	}
	return said
}

// reason says in words what an outcome is.
func reason(o crm.Outcome) string {
	switch o {
	case crm.Imported:
		return "It is imported."
	case crm.Copied:
		return "It is a further copy of a message that was imported already."
	case crm.Removed:
		return "It was deleted in the CRM, and is not imported again."
	case crm.NoContact:
		return "No address in From or To is a contact's."
	case crm.ContactOnlyInCc:
		return "A contact is only in Cc or Bcc; From and To count."
	case crm.InternalOnly:
		return "Only addresses of the account's own users are in From and To."
	case crm.BeforeLink:
		return "It was received before the mailbox was linked."
	case crm.BeforeContact:
		return "It was received before the contact's address was put on record."
	case crm.Draft:
		return "It is a draft; once it is sent it is looked at again."
	case crm.Vanished:
		return "It was gone from the server before it could be read."
	case crm.Trouble:
		return "It could not be read so far; it is listed among the mailbox's problems and tried again."
	default:
		return string(o)
	}
}
