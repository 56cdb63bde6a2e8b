// Package folder decides which folders of a mailbox are watched: all that can
// be opened but those for junk, trash and drafts and what lies inside them.
//
// What a folder is for the server says (SPECIAL-USE, RFC 6154) or else its
// name, which has to be one of the names that mail programs give, and nothing
// more: a folder "Drafts of contracts" is a customer's. A folder called "Trash"
// is one even where the server flags another: two mail programs that could not
// agree on a name leave two of them behind.
package folder

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"mailsyncd.example/crm"
)

// Sort divides the folders that can be opened into those to watch and those
// that are left out. INBOX comes first, then what was sent, then the others by
// name, so that what somebody waits for is read first.
//
// With gmail set, a folder flagged \All is the only one to watch: every message
// in the other folders is in it too, under a label. Elsewhere such a folder is
// one among others.
//
// Anchor and Position are the highest UID that each folder has had so far.
// Where the server did not say they are 0, and the folder is not Anchored.
func Sort(listings []crm.Listing, gmail bool) (watched, left []crm.Folder) {
	roles := rolesOf(listings)
	seen := make(map[string]bool, len(listings))
	for i, l := range listings {
		if !selectable(l) || seen[key(l.Name)] {
			continue
		}
		seen[key(l.Name)] = true
		f := crm.Folder{Name: l.Name, Role: roles[i], UIDValidity: l.UIDValidity}
		if l.UIDNext > 0 {
			f.Anchored = true
			f.Anchor = l.UIDNext - 1
			f.Position = f.Anchor
		}
		if unwanted(f.Role) {
			left = append(left, f)
		} else {
			watched = append(watched, f)
		}
	}
	if gmail && slices.ContainsFunc(watched, isAll) {
		for _, f := range watched {
			if !isAll(f) {
				left = append(left, f)
			}
		}
		watched = slices.DeleteFunc(watched, func(f crm.Folder) bool { return !isAll(f) })
	}
	slices.SortStableFunc(watched, inOrder)
	slices.SortStableFunc(left, inOrder)
	return watched, left
}

func isAll(f crm.Folder) bool { return f.Role == crm.RoleAll }

func unwanted(r crm.FolderRole) bool {
	return r == crm.RoleJunk || r == crm.RoleTrash || r == crm.RoleDrafts
}

func inOrder(a, b crm.Folder) int {
	return cmp.Or(cmp.Compare(rank(a.Role), rank(b.Role)), cmp.Compare(a.Name, b.Name))
}

func rank(r crm.FolderRole) int {
	switch r {
	case crm.RoleInbox:
		return 0
	case crm.RoleSent:
		return 1
	}
	return 2
}

// key is the name under which a folder is known once: some servers list INBOX
// twice, and its case never matters (RFC 3501 section 5.1).
func key(name string) string {
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	return name
}

func selectable(l crm.Listing) bool {
	return !has(l, `\Noselect`) && !has(l, `\NonExistent`)
}

func has(l crm.Listing, attr string) bool {
	return slices.ContainsFunc(l.Attrs, func(a string) bool { return strings.EqualFold(a, attr) })
}

// rolesOf returns the role of each listing. What lies inside junk, trash or
// drafts has the role of the folder that holds it, even if that one can't be
// opened itself.
func rolesOf(listings []crm.Listing) []crm.FolderRole {
	roles := make([]crm.FolderRole, len(listings))
	holders := make(map[string]crm.FolderRole) // by name, the delimiter at its end
	for i, l := range listings {
		roles[i] = roleOf(l)
		if unwanted(roles[i]) && l.Delimiter != "" {
			holders[l.Name+l.Delimiter] = roles[i]
		}
	}
	for i, l := range listings {
		for at := range l.Name {
			if role, inside := holders[l.Name[:at]]; inside {
				roles[i] = role
				break
			}
		}
	}
	return roles
}

// flags are the attributes of RFC 6154 and 8457.
var flags = [...]struct {
	attr string
	role crm.FolderRole
}{
	{`\Junk`, crm.RoleJunk},
	{`\Trash`, crm.RoleTrash},
	{`\Drafts`, crm.RoleDrafts},
	{`\Sent`, crm.RoleSent},
	{`\All`, crm.RoleAll},
	{`\Archive`, crm.RoleOther},
	{`\Flagged`, crm.RoleOther},
	{`\Important`, crm.RoleOther},
}

func roleOf(l crm.Listing) crm.FolderRole {
	if key(l.Name) == "INBOX" {
		return crm.RoleInbox
	}
	for _, f := range flags {
		if has(l, f.attr) {
			return f.role
		}
	}
	name := l.Name
	if l.Delimiter != "" {
		name = name[strings.LastIndex(name, l.Delimiter)+1:]
	}
	if role, known := names[squeeze(name)]; known {
		return role
	}
	return crm.RoleOther
}

// squeeze makes one name of the ways to write it: Junk E-mail, junk_email;
// kana of half width, or with their marks apart as macOS has them.
func squeeze(name string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '_' {
			return -1
		}
		return r
	}, strings.ToLower(norm.NFKC.String(name)))
}
