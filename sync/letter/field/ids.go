package field

import (
	"strings"

	"mailsyncd.example/crm"
)

const (
	// MaxID is the longest id in bytes: RFC 5322 allows no longer line.
	MaxID = 998
	// MaxIDs is how many ids of a field count: the last ones, which are the
	// nearest ancestors.
	MaxIDs = 500
)

// IDs finds the message ids in a Message-ID, In-Reply-To or References
// field: what stands in angle brackets, whatever it looks like. Where there
// are no brackets, words count, if they are all that there is.
func IDs(raw string) []crm.HeaderID {
	if !strings.Contains(raw, "<") {
		raw, _ = Words(raw) // some programs encode long ids
	}
	var ids []crm.HeaderID
	for rest := raw; ; {
		begin := strings.IndexByte(rest, '<')
		if begin < 0 {
			break
		}
		rest = rest[begin+1:]
		end := strings.IndexAny(rest, "<>")
		id := rest
		if end >= 0 {
			id, rest = rest[:end], rest[end:]
		} else if rest = ""; !strings.Contains(id, "@") {
			break
		}
		ids = appendID(ids, strings.Join(strings.Fields(id), ""))
	}
	if ids == nil && !strings.Contains(raw, "<") {
		bare := strings.Fields(raw)
		for _, w := range bare {
			if len(bare) > 1 && !strings.Contains(w, "@") {
				return nil // a sentence
			}
		}
		for _, w := range bare {
			ids = appendID(ids, strings.Trim(w, `>,;"`))
		}
	}
	return ids[max(0, len(ids)-MaxIDs):]
}

// appendID adds an id without the control characters that a database would refuse.
func appendID(ids []crm.HeaderID, s string) []crm.HeaderID {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return -1
		}
		return r
	}, s)
	if s == "" || len(s) > MaxID {
		return ids
	}
	return append(ids, crm.HeaderID(s))
}
