// Package imapbox is one mailbox on one IMAP server (RFC 3501): dial, log in,
// list the folders, open one, read envelopes, heads and bodies, wait for news.
// It changes nothing there: folders are opened by EXAMINE, content is read by
// BODY.PEEK, and no other command that touches mail is known here.
//
// It stands on go-imap's imapclient, which is used for what it does well:
// SEARCH, IDLE, LOGOUT. It can't be used bare. It has no deadlines,
// and anything that it can't parse ends the connection; so it reads through a
// loan, a net.Conn of ours that passes on only what it is known to understand.
// Where servers must be believed least, or speed counts most, the answers are
// read here without it: greeting and login, folder names, and every FETCH.
// docs/decisions tells why, point by point.
//
// The layers, from below:
//
//	wire      lines and literals, with limits and deadlines
//	exchange  commands of our own, each line of the answers handed over
//	loan      the wire while imapclient has it
//	fetch     what FETCH answers, however odd
//	Box       what the rest of the program sees
package imapbox
