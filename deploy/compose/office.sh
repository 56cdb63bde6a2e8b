#!/bin/sh
# Makes an account with a user and a customer, links the user's mailbox, puts
# one mail of the customer and a private one into it, and shows what the CRM
# has then. Needs URL, OPERATOR, IMAP_HOST and IMAP_PORT.
set -eu

field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
# api TOKEN METHOD PATH [JSON]
api() {
  curl -sS --fail-with-body -X "$2" "$URL/v1$3" -H "Authorization: Bearer $1" ${4:+--json "$4"}
}
# mail FROM MESSAGE-ID SUBJECT puts a mail into the mailbox.
mail() {
  printf 'From: %s\r\nTo: dan@acme.example\r\nMessage-ID: <%s>\r\nSubject: %s\r\nDate: %s\r\n\r\nHello Dan\r\n' \
    "$1" "$2" "$3" "$(date -u '+%a, %d %b %Y %H:%M:%S +0000')" >/tmp/mail.eml
  curl -sS --user "dan@acme.example:demo" --upload-file /tmp/mail.eml "imap://$IMAP_HOST:$IMAP_PORT/INBOX"
}

account=$(api "$OPERATOR" POST /accounts '{"name":"Acme"}' | field id)
key=$(api "$OPERATOR" POST "/accounts/$account/keys" '{"name":"office"}' | field key)
api "$key" PUT /users/dan '{"email":"dan@acme.example","role":"user"}' >/dev/null
api "$key" PUT /contacts/1 '{"name":"Elena","addresses":["elena@rossi.example"]}' >/dev/null
token=$(api "$key" POST /users/dan/tokens '{"ttl_seconds":28800}' | field token)
link=$(api "$token" POST /links '{"address":"dan@acme.example","username":"dan@acme.example","password":"demo",
  "imap":{"host":"'"$IMAP_HOST"'","port":'"$IMAP_PORT"',"security":"none"}}' | field id)

mail elena@rossi.example "offer-$account@rossi.example" 'An offer, please'
mail reminder@dentist.example "tooth-$account@dentist.example" 'Your appointment'
api "$token" POST "/links/$link/look" >/dev/null

echo "Of the two mails in Dan's mailbox the CRM has one:"
api "$token" GET /threads
echo
echo "To look: curl -H 'Authorization: Bearer $token' http://127.0.0.1:8480/v1/threads"
