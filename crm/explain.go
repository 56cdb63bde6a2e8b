package crm

import "time"

// Explanation answers "why is this mail here, or not?" for one copy of it.
type Explanation struct {
	FolderName string
	UID        UID
	ReceivedAt time.Time
	Outcome    Outcome   // what the ledger says; "" while the UID is not read yet
	Rule       Outcome   // what today's rules say of it: Imported or a refusal
	Watched    bool      // false for folders that are left out: junk, trash, drafts
	Status     bool      // it is refused, and of it the delivery status is read, as the account wishes
	Message    MessageID // where it is in the CRM; "" where it is not
}
