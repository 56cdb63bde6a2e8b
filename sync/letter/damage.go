package letter

// damage is a set of things that could not be read.
type damage uint16

const (
	badHeader damage = 1 << iota
	badDate
	badCharset
	badEncoding
	badBoundary
	truncated
	tooDeep
	tooManyParts
	tooLong
)

// reasons names what is in the set, for crm.Letter. The names are stable.
func (d damage) reasons() (names []string) {
	for i, name := range []string{"header", "date", "charset", "encoding", "boundary", "truncated", "too_deep", "too_many_parts", "too_long"} {
		if d&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}
