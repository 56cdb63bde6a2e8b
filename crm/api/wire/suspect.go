package wire

import "mailsyncd.example/crm"

// Suspect is a contact that may be one of the company's own people.
type Suspect struct {
	Contact Contact           `json:"contact"`
	Address crm.Address       `json:"address,omitempty" doc:"The address that makes it suspect, where it is one."`
	Reason  crm.SuspectReason `json:"reason" enum:"internal_address,own_domain,only_inside"`
	Detail  string            `json:"detail" doc:"The reason for people, and what to do about it."`
}

// SuspectOf shows a suspect to who may read every profile.
func SuspectOf(s crm.Suspect) Suspect {
	return Suspect{Contact: ContactOf(s.Contact, true), Address: s.Address, Reason: s.Reason, Detail: suspicion(s.Reason)}
}

func suspicion(r crm.SuspectReason) string {
	switch r {
	case crm.SuspectInternal:
		return "The address is a user's or a linked mailbox's, and is never treated as a customer's; take it off the contact."
	case crm.SuspectOwnDomain:
		return "The address is at the company's own domain. If this is a colleague, take it off the contact, or mail among colleagues is imported."
	case crm.SuspectOnlyInside:
		return "All mail with this contact was with several colleagues at once and with nobody else. If this is a colleague's private address, delete the contact."
	}
	return string(r)
}
