package txn

import (
	"cmp"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailsyncd.example/crm"
)

// MS is a time as it is stored. Columns that may be empty hold NULL for the
// zero time; see MSOrNull.
func MS(t time.Time) int64 { return t.UnixMilli() }

// MSOrNull is a time as it is stored where it may be missing.
func MSOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// Instant reads a time, zero from NULL.
type Instant struct{ To *time.Time }

// Scan implements sql.Scanner.
func (i Instant) Scan(from any) error {
	var n sql.NullInt64
	if err := n.Scan(from); err != nil {
		return err
	}
	*i.To = time.Time{}
	if n.Valid {
		*i.To = time.UnixMilli(n.Int64).UTC()
	}
	return nil
}

// AsJSON is a value as it is stored in a TEXT column.
type AsJSON struct{ To any }

// Scan implements sql.Scanner.
func (j AsJSON) Scan(from any) error {
	var text sql.NullString
	if err := text.Scan(from); err != nil || !text.Valid {
		return err
	}
	return json.Unmarshal([]byte(text.String), j.To)
}

// ToJSON is a value as AsJSON reads it.
func ToJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// Cursor is the sort key of the last item of a page: a time or number and an
// id, of which lists that sort by id alone leave the former 0.
func Cursor(at int64, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(at, 10) + " " + id))
}

// ReadCursor is the reverse of Cursor, zero for the first page.
func ReadCursor(c string) (at int64, id string, err error) {
	if c == "" {
		return 0, "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err == nil {
		number, rest, _ := strings.Cut(string(b), " ")
		id = rest
		at, err = strconv.ParseInt(number, 10, 64)
	}
	if err != nil || id == "" {
		return 0, "", crm.E(crm.Invalid, "cursor_invalid", "The cursor was not made by this list; start again without one.")
	}
	return at, id, nil
}

// Part makes a page of what a query with LIMIT limit+1 returned.
func Part[T any](items []T, limit int, after func(T) string) crm.Part[T] {
	if len(items) <= limit {
		return crm.Part[T]{Items: items}
	}
	items = items[:limit]
	return crm.Part[T]{Items: items, Next: after(items[limit-1])}
}

// SortedKeys lists the keys of a map in the order in which rows and locks are
// taken, the same in every transaction.
func SortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
