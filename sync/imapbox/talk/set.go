package talk

import (
	"slices"
	"strconv"

	"mailsyncd.example/crm"
)

// Ascending is the same UIDs in order, each once.
func Ascending(uids []crm.UID) []crm.UID {
	return slices.Compact(slices.Sorted(slices.Values(uids)))
}

// SetOf writes UIDs as a set (RFC 3501 section 9, sequence-set). They are
// ascending.
func SetOf(uids []crm.UID) string {
	var set []byte
	for i := 0; i < len(uids); {
		j := i + 1
		for j < len(uids) && uids[j] == uids[j-1]+1 {
			j++
		}
		if i > 0 {
			set = append(set, ',')
		}
		set = strconv.AppendUint(set, uint64(uids[i]), 10)
		if j-i > 1 {
			set = strconv.AppendUint(append(set, ':'), uint64(uids[j-1]), 10)
		}
		i = j
	}
	return string(set)
}

// Without returns the UIDs of all that are not in got. Both are ascending.
func Without(all, got []crm.UID) []crm.UID {
	var left []crm.UID
	for _, uid := range all {
		if _, found := slices.BinarySearch(got, uid); !found {
			left = append(left, uid)
		}
	}
	return left
}
