// Package stream keeps an account's events in a Redis stream,
// mailsync:ACCOUNT:events, for consumers that read it with XREAD or XREADGROUP.
//
// An entry's id is SEQ-0, the event's number in its account. So Redis itself
// refuses what is there already or would come out of order, and the id of the
// stream's last entry, which outlives the entry, is the position up to which
// events were added: nothing of it stands in the database.
package stream

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"mailsyncd.example/crm"
)

// Streams are the streams of all accounts in one Redis. They are safe for use
// by many goroutines.
type Streams struct {
	redis redis.UniversalClient
	me    string
}

// New returns the streams in a Redis. me names this process among those that
// share the Redis; no other may have the name. The client must heed the
// deadlines of its contexts (ContextTimeoutEnabled).
func New(client redis.UniversalClient, me string) *Streams {
	return &Streams{redis: client, me: me}
}

const (
	keyBefore = "mailsync:"
	keyAfter  = ":events"
)

// Key is the name of an account's stream.
func Key(a crm.AccountID) string { return keyBefore + string(a) + keyAfter }

// lastID is a function in Lua that tells the number of the last entry that was
// ever added to a stream, as text.
const lastID = `
local function last(key)
	if redis.call('EXISTS', key) == 0 then return '0' end
	local info = redis.call('XINFO', 'STREAM', key)
	for i = 1, #info, 2 do
		if info[i] == 'last-generated-id' then return string.match(info[i + 1], '%d+') end
	end
end
`

// The scripts, with their hashes; they never change.
var (
	positions = redis.NewScript(lastID + `
local all = {}
for i, key in ipairs(KEYS) do
	local known, at = pcall(last, key)
	all[i] = known and at or '-1'
end
return all`)

	// One step, so that of two processes that add the same events at the same
	// time the second finds them there, and nobody leaves a gap.
	appending = redis.NewScript(lastID + `
local at = last(KEYS[1])
if at ~= ARGV[1] then return at end
for i = 3, #ARGV, 5 do
	redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], ARGV[i] .. '-0',
		'id', ARGV[i + 1], 'seq', ARGV[i], 'type', ARGV[i + 2], 'at', ARGV[i + 3], 'data', ARGV[i + 4])
	at = ARGV[i]
end
return at`)

	holding = redis.NewScript(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return holder and 2 or 1`)
)

// keysAtOnce is how many streams one script looks at: everybody else waits for
// it, some 10 µs for each.
const keysAtOnce = 100

// Positions returns for each account the number of the last event that was
// added to its stream: 0 where there is no stream, -1 where something else has
// its key.
func (s *Streams) Positions(ctx context.Context, accounts []crm.AccountID) ([]int64, error) {
	all := make([]int64, 0, len(accounts))
	for some := range slices.Chunk(accounts, keysAtOnce) {
		keys := make([]string, len(some))
		for i, a := range some {
			keys[i] = Key(a)
		}
		said, err := positions.Run(ctx, s.redis, keys).StringSlice()
		if err != nil {
			return nil, fail(err)
		}
		for _, text := range said {
			position, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, fail(err)
			}
			all = append(all, position)
		}
	}
	return all, nil
}

// Append adds events to an account's stream, provided that it stands at the
// position after, and returns where it stands then. Where it stood elsewhere
// nothing is added: somebody else was faster, or the stream is gone. The stream
// is trimmed to its last keep entries or a few more.
func (s *Streams) Append(ctx context.Context, a crm.AccountID, after int64, events []crm.Event, keep int) (int64, error) {
	args := make([]any, 0, 2+5*len(events))
	args = append(args, after, keep)
	for _, e := range events {
		// As the API writes them: EventOf in crm/api/wire.
		at := e.At.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)
		args = append(args, e.Seq, string(e.ID), string(e.Type), at, string(e.Data))
	}
	position, err := appending.Run(ctx, s.redis, []string{Key(a)}, args...).Int64()
	return position, fail(err)
}

// Delete takes an account's stream away, and its consumer groups with it.
func (s *Streams) Delete(ctx context.Context, a crm.AccountID) error {
	return fail(s.redis.Del(ctx, Key(a)).Err())
}

// List returns some of the accounts that have a stream, and the cursor with
// which the next ones are asked for; both begin and end with 0. An account may
// be listed twice.
func (s *Streams) List(ctx context.Context, cursor uint64) ([]crm.AccountID, uint64, error) {
	const some = 1000 // keys to look at, of any kind
	keys, next, err := s.redis.ScanType(ctx, cursor, keyBefore+"*"+keyAfter, some, "stream").Result()
	if err != nil {
		return nil, 0, fail(err)
	}
	accounts := make([]crm.AccountID, len(keys))
	for i, key := range keys {
		accounts[i] = crm.AccountID(strings.TrimSuffix(strings.TrimPrefix(key, keyBefore), keyAfter))
	}
	return accounts, next, nil
}

// Hold takes a duty, or keeps it, that one process at a time need do; held is
// false while another process has it. kept tells that this process had it until
// now: where it should have and had not, Redis has lost its data, or the time
// is over. The duty is free again when so much time has passed, so Hold is
// called more often than that. Nothing may depend on that nobody else has it: a
// Redis that lost its data gives it away twice.
func (s *Streams) Hold(ctx context.Context, duty string, lease time.Duration) (held, kept bool, err error) {
	said, err := holding.Run(ctx, s.redis, []string{keyBefore + "duty:" + duty}, s.me, lease.Milliseconds()).Int()
	return said > 0, said > 1, fail(err)
}

// How long a process keeps a duty that it tends, and how long it waits for
// Redis to tell whose it is.
const (
	dutyLease = 5 * time.Second
	dutyWait  = time.Second
)

// Tends takes a duty for the next five seconds and tells whether it has it. All
// have it while Redis is away: what is done twice does no harm, and what nobody
// does might.
func (s *Streams) Tends(ctx context.Context, duty string) bool {
	ctx, cancel := context.WithTimeout(ctx, dutyWait)
	defer cancel()
	held, _, err := s.Hold(ctx, duty, dutyLease)
	return held || err != nil
}

// fail makes an error of this package: crm.Unavailable ("redis_unavailable")
// where Redis can't be worked with at the moment, and otherwise crm.Internal
// ("redis_refused"), which concerns one key.
func fail(err error) error {
	if err == nil {
		return nil
	}
	if refused(err) {
		return crm.Wrap(crm.Internal, "redis_refused", "Redis refuses to work on the stream; delete what has its key.", err)
	}
	return crm.Wrap(crm.Unavailable, "redis_unavailable", "Redis can't be worked with now; events are added to its streams as soon as it can.", err)
}

// refused tells whether Redis did not like the request. Its other answers are
// about its own state: LOADING, OOM, READONLY, BUSY, NOAUTH …
func refused(err error) bool {
	return redis.HasErrorPrefix(err, "WRONGTYPE") || redis.HasErrorPrefix(err, "ERR") && !redis.IsMaxClientsError(err)
}
