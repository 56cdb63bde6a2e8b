package watch

import (
	"slices"

	"mailsyncd.example/crm"
)

// roster is a set of mailboxes. There may be a million, and each process keeps
// all of them: sorted lists take a third of what a map of places would.
type roster map[crm.AccountID][]crm.MailboxID

func (r roster) has(p place) bool {
	_, found := slices.BinarySearch(r[p.account], p.mailbox)
	return found
}

func (r roster) add(p place) {
	list := r[p.account]
	if i, found := slices.BinarySearch(list, p.mailbox); !found {
		r[p.account] = slices.Insert(list, i, p.mailbox)
	}
}

func (r roster) remove(p place) {
	list := r[p.account]
	i, found := slices.BinarySearch(list, p.mailbox)
	switch {
	case !found:
	case len(list) == 1:
		delete(r, p.account)
	default:
		r[p.account] = slices.Delete(list, i, i+1)
	}
}

func (r roster) len() int {
	n := 0
	for _, list := range r {
		n += len(list)
	}
	return n
}
