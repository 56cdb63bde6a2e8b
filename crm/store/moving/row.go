package moving

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mailsyncd.example/crm"
)

// names lists the columns of a table.
func (t table) names() []string {
	out := make([]string, len(t.columns))
	for i, c := range t.columns {
		out[i] = c.name
	}
	return out
}

// keyNames lists those of its primary key.
func (t table) keyNames() []string {
	out := make([]string, len(t.key))
	for i, at := range t.key {
		out[i] = t.columns[at].name
	}
	return out
}

// selectRows reads rows in the order of the primary key, which is the same on
// both sides: that of bytes and numbers. Where tells which ones.
func (t table) selectRows(where string) string {
	return "SELECT " + quoted(t.names()) + ` FROM "` + t.name + `" ` + where + " ORDER BY " + quoted(t.keyNames())
}

// after is the condition for the rows that come after a key, whose values are
// the statement's first arguments; none where there is no key.
func (t table) after(key []any) string {
	if key == nil {
		return ""
	}
	marks := make([]string, len(key))
	for i := range key {
		marks[i] = "$" + strconv.Itoa(i+1)
	}
	return "WHERE (" + quoted(t.keyNames()) + ") > (" + strings.Join(marks, ", ") + ")"
}

func quoted(names []string) string { return `"` + strings.Join(names, `", "`) + `"` }

// scan reads a row as the driver has it.
func (t table) scan(rows cursor) ([]any, error) {
	row := make([]any, len(t.columns))
	to := make([]any, len(row))
	for i := range row {
		to[i] = &row[i]
	}
	return row, rows.Scan(to...)
}

// keyOf is the primary key of a row.
func (t table) keyOf(row []any) []any {
	key := make([]any, len(t.key))
	for i, at := range t.key {
		key[i] = row[at]
	}
	return key
}

// named is a row for people: its table and its primary key.
func (t table) named(row []any) string {
	parts := make([]string, len(t.key))
	for i, at := range t.key {
		parts[i] = t.columns[at].name + " " + show(row[at])
		if len(parts[i]) > longest {
			parts[i] = strings.ToValidUTF8(parts[i][:longest], "") + "…"
		}
	}
	return t.name + " (" + strings.Join(parts, ", ") + ")"
}

// longest is how much of a key's value people are shown: more than any has.
const longest = 200

// show is a value of a key for people.
func show(v any) string {
	if b, ok := v.([]byte); ok {
		return fmt.Sprintf("x'%x'", b)
	}
	return fmt.Sprint(v)
}

// carry makes a row of SQLite's one of PostgreSQL's, in place, and returns how
// many texts it had to change: PostgreSQL takes no NUL and nothing that is not
// UTF-8, and its store writes U+FFFD instead. Only the words of foreign servers
// can hold such bytes (the daemon takes NUL out of mail, and the API refuses
// it). A key can't: rows would change places, or become one. SQLite keeps any
// value in any column; one that does not belong there is an error.
func (t table) carry(row []any) (changed int, err error) {
	for i, c := range t.columns {
		switch v := row[i].(type) {
		case nil:
			continue
		case []byte:
			if c.kind == kindBytes {
				row[i] = append([]byte{}, v...) // not nil where it is empty: that is NULL to pgx
				continue
			}
			row[i] = string(v)
		case int64:
			if c.kind == kindInteger {
				continue
			}
			if c.kind == kindBoolean { // which SQLite keeps as a number
				row[i] = v != 0
				continue
			}
		case bool:
			if c.kind == kindBoolean {
				continue
			}
		}
		said, ok := row[i].(string)
		if !ok || c.kind != kindText {
			return changed, crm.E(crm.Conflict, "move_value", fmt.Sprintf("The source is damaged: %s holds a %T in its column %s, which is %s.", t.named(row), row[i], c.name, c.kind))
		}
		clean := strings.ReplaceAll(strings.ToValidUTF8(said, "\uFFFD"), "\x00", "\uFFFD")
		if clean == said {
			continue
		}
		if slices.Contains(t.key, i) {
			return changed, crm.E(crm.Conflict, "move_value", fmt.Sprintf("PostgreSQL can't hold the key of a row of %s: %q is no text in UTF-8 without NUL.", t.name, said))
		}
		row[i] = clean
		changed++
	}
	return changed, nil
}

// size is about how many bytes a row takes.
func size(row []any) int {
	n := 0
	for _, v := range row {
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
		n += 8
	}
	return n
}

// appendRow writes a row so that different rows are never written the same:
// each value has its type and its length in front.
func appendRow(to []byte, row []any) []byte {
	for _, v := range row {
		switch v := v.(type) {
		case nil:
			to = append(to, 'n')
		case bool:
			to = strconv.AppendBool(append(to, 'b'), v)
		case int64:
			to = strconv.AppendInt(append(to, 'i'), v, 10)
		case string:
			to = append(appendLength(append(to, 't'), len(v)), v...)
		case []byte:
			to = append(appendLength(append(to, 'x'), len(v)), v...)
		default:
			to = fmt.Appendf(append(to, '?'), "%T %v", v, v)
		}
		to = append(to, ';')
	}
	return to
}

func appendLength(to []byte, n int) []byte {
	return append(strconv.AppendInt(to, int64(n), 10), ':')
}

// selectLast reads the greatest primary key.
func (t table) selectLast() string {
	names := t.keyNames()
	for i, name := range names {
		names[i] = `"` + name + `"`
	}
	keys := strings.Join(names, ", ")
	return "SELECT " + keys + ` FROM "` + t.name + `" ORDER BY ` + strings.Join(names, " DESC, ") + " DESC LIMIT 1"
}
