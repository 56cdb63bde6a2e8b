package talk

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// maxFound bounds how many messages a search may find: twice as many as are
// ever asked about at once.
const maxFound = 1 << 19

// Found gathers what the SEARCH responses to one command list (RFC 3501
// section 7.2.5). Servers may list in any order and on any number of lines;
// who reads them sorts each number in by itself, which takes minutes where
// half a million come the wrong way round.
type Found struct {
	numbers []uint32
	came    bool // a response came, if only an empty one
}

// Add takes the numbers of one response. ErrSyntax where something else is
// among them, ErrTooLong where there are more than anybody asked about.
func (f *Found) Add(list []byte) error {
	f.came = true
	for word := range bytes.FieldsSeq(list) {
		n, err := strconv.ParseUint(string(word), 10, 32)
		if err != nil {
			return ErrSyntax
		}
		if len(f.numbers) == maxFound {
			return fmt.Errorf("%w: a search that found over %d messages", ErrTooLong, maxFound)
		}
		f.numbers = append(f.numbers, uint32(n))
	}
	return nil
}

// Append appends all of them to out as one response, ascending; nothing where
// none came.
func (f *Found) Append(out []byte) []byte {
	if !f.came {
		return out
	}
	slices.Sort(f.numbers)
	out = append(out, "* SEARCH"...)
	for _, n := range f.numbers {
		out = strconv.AppendUint(append(out, ' '), uint64(n), 10)
	}
	return append(out, "\r\n"...)
}

// InOrder puts the sets of numbers in what an ESEARCH returns (RFC 4731
// section 3.1) in ascending order, for the same reason. ErrSyntax where there
// is anything but names and numbers in it: a quote that is never closed, say.
func InOrder(returned []byte) ([]byte, error) {
	words := bytes.Fields(bytes.ToUpper(returned))
	for i, word := range words {
		isName := len(bytes.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) == 0
		if isName {
			continue
		}
		if len(bytes.Trim(word, "0123456789:,")) > 0 {
			return nil, ErrSyntax
		}
		set := bytes.Split(word, []byte(","))
		if !slices.IsSortedFunc(set, byNumber) {
			slices.SortFunc(set, byNumber)
			words[i] = bytes.Join(set, []byte(","))
		}
	}
	return bytes.Join(words, []byte(" ")), nil
}

// byNumber compares runs like 7 and 9:12 by where they begin: without leading
// zeros, which none has, the longer number is the greater.
func byNumber(a, b []byte) int {
	a, _, _ = bytes.Cut(a, []byte(":"))
	b, _, _ = bytes.Cut(b, []byte(":"))
	return cmp.Or(cmp.Compare(len(a), len(b)), bytes.Compare(a, b))
}
