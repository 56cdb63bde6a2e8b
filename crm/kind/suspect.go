package kind

import (
	"slices"
	"strings"
)

// Suspect returns why the sender of a message may not be who From says: the
// mailbox's own server found that the message fails DMARC (RFC 7489), and wrote
// it down (RFC 8601). It returns "" where the server did not.
//
// A server writes its results above what was there, and everything below may be
// the sender's own words. So only the fields count that bear the name of the
// topmost. A name may be missing (Exchange Online leaves it out).
func Suspect(header func(name string) []string) string {
	results := header("Authentication-Results")
	if len(results) == 0 {
		return ""
	}
	own, _ := authenticator(results[0])
	for _, result := range results {
		name, rest := authenticator(result)
		if name != own {
			break
		}
		if slices.ContainsFunc(strings.Split(rest, ";"), failsDMARC) {
			return reason("Authentication-Results", fold(result))
		}
	}
	return ""
}

// authenticator divides a field into the name of the server that wrote it, ""
// where it left it out, and the results.
func authenticator(result string) (name, rest string) {
	name, rest, found := strings.Cut(fold(withoutComments(result)), ";")
	if !found || strings.Contains(name, "=") {
		return "", fold(withoutComments(result))
	}
	name, _, _ = strings.Cut(strings.TrimSpace(name), " ") // a version may follow
	return name, rest
}

// failsDMARC reports whether a result says so: dmarc=fail, with spaces around
// the sign or not (RFC 8601 section 2.2).
func failsDMARC(result string) bool {
	method, value, _ := strings.Cut(result, "=")
	words := strings.Fields(value)
	// A method may be given with its version: dmarc/1.
	method, _, _ = strings.Cut(method, "/")
	return strings.TrimSpace(method) == "dmarc" && len(words) > 0 && words[0] == "fail"
}

// withoutComments leaves out what stands in brackets (RFC 5322 section 3.2.2),
// where a sender's own words may be quoted.
func withoutComments(s string) string {
	var b strings.Builder
	depth := 0
	for _, r := range s {
		switch {
		case r == '(':
			depth++
		case r == ')' && depth > 0:
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return b.String()
}
