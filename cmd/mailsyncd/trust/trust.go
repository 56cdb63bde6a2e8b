// Package trust reads the certificates that the operator trusts besides the
// system's.
package trust

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

// Read reads the certificates of a PEM file; there is at least one.
func Read(path string) ([]*x509.Certificate, error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []*x509.Certificate
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, cert)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s holds no certificate; it must be a PEM file", path)
	}
	return all, nil
}

// Roots are the system's certificates and those of the file; nil, which stands
// for the system's, where path is "".
func Roots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	certificates, err := Read(path)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	for _, certificate := range certificates {
		roots.AddCert(certificate)
	}
	return roots, nil
}
