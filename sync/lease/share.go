package lease

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"

	"mailsyncd.example/crm"
)

// Shards is into how many parts the mailboxes are divided. A lease is held for
// a shard, so that renewing costs a round trip however many mailboxes there
// are. All versions of the program that ever run side by side must agree on
// the number.
const Shards = 1024

// shard is one part of the mailboxes.
type shard int

// shardOf tells to which shard a mailbox belongs.
func shardOf(a crm.AccountID, m crm.MailboxID) shard {
	return shard(hash(string(a), string(m)) % Shards)
}

// share returns the shards that one of the members ought to have: those for
// which it hashes highest among them (rendezvous hashing: Thaler, Ravishankar,
// "Using name-based mappings to increase hit rates", 1998). Who joins takes its
// share from all the others alike, who leaves gives its share to them, and no
// other shard moves.
func share(member string, members []string) []shard {
	var ours []shard
	for s := range shard(Shards) {
		name := strconv.Itoa(int(s))
		height := hash(member, name)
		higher := func(other string) bool { return hash(other, name) > height }
		if !slices.ContainsFunc(members, higher) {
			ours = append(ours, s)
		}
	}
	return ours
}

func hash(a, b string) uint64 {
	sum := sha256.Sum256([]byte(a + "\x00" + b))
	return binary.BigEndian.Uint64(sum[:8])
}
