package wire

import (
	"time"

	"mailsyncd.example/crm"
)

// Account is one company that uses the CRM.
type Account struct {
	ID                crm.AccountID     `json:"id"`
	Name              string            `json:"name"`
	Status            crm.AccountStatus `json:"status" enum:"active,disabled"`
	MailEnabled       bool              `json:"mail_enabled" doc:"false: the mail feature is switched off, and every link has ended."`
	ContactVisibility crm.Visibility    `json:"contact_visibility" enum:"all,owner_only"`
	DeliveryReports   bool              `json:"delivery_reports" doc:"true: the delivery status (message/delivery-status) of delivery reports is read, and nothing else of them, to tell of mail to contacts that did not arrive (message.bounced)."`
	CreatedAt         time.Time         `json:"created_at"`
}

// AccountSettings are what may be left out: then it stays, or is the default in
// a new account: active, with mail, profiles visible to all, delivery reports
// unread.
type AccountSettings struct {
	Status            *crm.AccountStatus `json:"status,omitempty" enum:"active,disabled"`
	MailEnabled       *bool              `json:"mail_enabled,omitempty"`
	ContactVisibility *crm.Visibility    `json:"contact_visibility,omitempty" enum:"all,owner_only"`
	DeliveryReports   *bool              `json:"delivery_reports,omitempty" doc:"Counts for reports that are received from now on; those from before stay unread."`
}

// AccountInput describes an account to be made.
type AccountInput struct {
	Name Name `json:"name" minLength:"1"`
	AccountSettings
}

// AccountPatch is what is to change in an account.
type AccountPatch struct {
	Name *Name `json:"name,omitempty" minLength:"1"`
	AccountSettings
}

// Apply writes into a what is not left out.
func (in AccountSettings) Apply(a *crm.Account) {
	if in.Status != nil {
		a.Status = *in.Status
	}
	if in.MailEnabled != nil {
		a.MailEnabled = *in.MailEnabled
	}
	if in.ContactVisibility != nil {
		a.ContactVisibility = *in.ContactVisibility
	}
	if in.DeliveryReports != nil {
		a.DeliveryReports = *in.DeliveryReports
	}
}

// AccountOf shows an account.
func AccountOf(a crm.Account) Account {
	return Account{
		ID: a.ID, Name: a.Name, Status: a.Status, MailEnabled: a.MailEnabled,
		ContactVisibility: a.ContactVisibility, DeliveryReports: a.DeliveryReports, CreatedAt: UTC(a.CreatedAt),
	}
}
