package office

import "mailsyncd.example/crm"

// CredentialPlace is the associated data of a sealed credential: it opens in
// this column of this link alone.
func CredentialPlace(a crm.AccountID, l crm.LinkID) []byte {
	return []byte("mailsyncd links.credential\x00" + string(a) + "\x00" + string(l))
}

func (o *Office) seal(a crm.AccountID, l crm.LinkID, secret crm.Secret) ([]byte, error) {
	sealed, err := o.sealer.Seal([]byte(string(secret)), CredentialPlace(a, l))
	return sealed, SealFailed("A credential could not be encrypted", err)
}

func (o *Office) unseal(a crm.AccountID, l crm.LinkID, sealed []byte) (crm.Secret, error) {
	plain, err := o.sealer.Open(sealed, CredentialPlace(a, l))
	return crm.Secret(plain), SealFailed("The credential of link "+string(l)+" can't be decrypted", err)
}

// SealFailed makes an error of one of the Sealer's; nil of nil.
func SealFailed(what string, err error) error {
	if err == nil || crm.CodeOf(err) == errNoSealer.Code {
		return err
	}
	return crm.Wrap(crm.Internal, "credential_unreadable", what+"; the operator gives the daemon the keyset that it was encrypted with, or it is given anew.", err)
}
