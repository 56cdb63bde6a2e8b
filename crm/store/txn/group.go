package txn

import (
	"slices"
	"strconv"
	"strings"
)

// maxGroup is how many rows or list members one statement takes. Groups come
// in powers of two, so that few texts have to be prepared.
const maxGroup = 512

// Insert writes rows of the given number of columns. head is the statement up
// to VALUES, tail what follows the rows ("" or ON CONFLICT …).
func (t *Tx) Insert(head string, columns int, values []any, tail string) error {
	for len(values) > 0 {
		rows := 1
		for rows*2 <= len(values)/columns && rows < maxGroup/8 {
			rows *= 2
		}
		n := rows * columns
		if err := t.Write(head+rowsOf(columns, rows)+tail, values[:n]...); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// rowsOf writes ($1, $2), ($3, $4) …
func rowsOf(columns, rows int) string {
	var b strings.Builder
	for i := range columns * rows {
		switch {
		case i == 0:
			b.WriteString(" ($")
		case i%columns == 0:
			b.WriteString("), ($")
		default:
			b.WriteString(", $")
		}
		b.WriteString(strconv.Itoa(i + 1))
	}
	b.WriteString(") ")
	return b.String()
}

// InGroups calls run for groups of members with the text of an IN list whose
// first placeholder is $from, and its arguments. The last member is repeated
// up to the next power of two: a member more changes nothing in a list.
func InGroups[T any](members []T, from int, run func(list string, args []any) error) error {
	for group := range slices.Chunk(members, maxGroup) {
		size := 1
		for size < len(group) {
			size *= 2
		}
		args := make([]any, size)
		for i := range args {
			args[i] = group[min(i, len(group)-1)]
		}
		if err := run(listOf(from, size), args); err != nil {
			return err
		}
	}
	return nil
}

// listOf writes ($from, … ) with n members.
func listOf(from, n int) string {
	var b strings.Builder
	for i := range n {
		if i == 0 {
			b.WriteString("($")
		} else {
			b.WriteString(", $")
		}
		b.WriteString(strconv.Itoa(from + i))
	}
	b.WriteByte(')')
	return b.String()
}
