package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"mailsyncd.example/crm"
)

// secretPrefix is how the specification writes a symmetric secret down.
const secretPrefix = "whsec_"

// sign makes the value of the header webhook-signature: one signature by each
// secret, so that a receiver that knows any of them is content (Standard
// Webhooks, "Signature scheme" and "Secret rotation").
func sign(secrets []crm.Secret, id string, at time.Time, body []byte) (string, error) {
	signatures := make([]string, 0, len(secrets))
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(secret), secretPrefix))
		if err != nil {
			return "", crm.E(crm.Internal, "webhook_secret_damaged", "The webhook's secret can't be read; rotate it.")
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(signatures, " "), nil
}
