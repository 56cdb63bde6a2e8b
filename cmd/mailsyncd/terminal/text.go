// Package terminal is how the commands speak with a person at a terminal: text
// in columns, questions, and how far something has come.
package terminal

import (
	"os"
	"strings"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// Is tells whether what is read or written is a terminal.
func Is(what any) bool {
	f, ok := what.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Cells is how many columns of a terminal a text takes: East Asian wide
// characters take two (Unicode Standard Annex 11).
func Cells(s string) int {
	n := 0
	for _, r := range s {
		n += cellsOf(r)
	}
	return n
}

func cellsOf(r rune) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// Pad fills a text with spaces up to so many columns, and one at least.
func Pad(s string, to int) string {
	return s + strings.Repeat(" ", max(1, to-Cells(s)))
}

// Fit cuts a text so that it takes so many columns at most.
func Fit(s string, most int) string {
	if Cells(s) <= most {
		return s
	}
	taken := 1 // for the ellipsis
	for i, r := range s {
		if taken += cellsOf(r); taken > most {
			return s[:i] + "…"
		}
	}
	return s
}
