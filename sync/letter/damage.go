package letter

// damage is a set of things that could not be read.
type damage uint16

// What is damaged. An ordinary sound message has none of it, nor has one that only
// breaks rules that nobody keeps.
const (
	badHeader    damage = 1 << iota // lines that are no fields, no end, or more than is kept
	badDate                         // there is one, and it makes no sense
	badCharset                      // characters were lost, or guessed
	badEncoding                     // a transfer encoding that is not what it says
	badBoundary                     // the declared one is missing or another
	truncated                       // the message ends inside of a multipart
	tooDeep                         // multiparts inside of the innermost that is looked into
	tooManyParts                    // more than are listed
	tooLong                         // text over what is kept
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
