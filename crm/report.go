package crm

// Reported is what a delivery report says of a contact's address. The report
// itself is refused like any mail that is from nobody on record: this is all
// that is kept of it.
type Reported struct {
	Bounce
	Contacts []ContactID // whose address it is, by the time of the report
	// Digest is the SHA-256 of the delivery status, its transfer encoding
	// undone: two copies of one report have the same.
	Digest [32]byte
}
