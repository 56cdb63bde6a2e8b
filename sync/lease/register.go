package lease

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"mailsyncd.example/crm"
)

var (
	//go:embed common.lua
	common string
	//go:embed seed.lua
	seedText string
	//go:embed beat.lua
	beatText string
	//go:embed take.lua
	takeText string
)

// key is the hash in which everything stands.
const key = "mailsync:lease"

var (
	errUnseeded = errors.New("the data are gone, or may be incomplete")
	errAbsent   = errors.New("redis does not know of this member any more")
	errLate     = errors.New("a later request of this member came first")
)

// What a member says of itself with a beat.
const (
	willing = "willing" // to take shards
	leaving = "leaving" // giving back those that it has
	gone    = "gone"
)

// register is what the members have in common, in Redis. One goroutine at a
// time may use it.
type register struct {
	redis  *redis.Client
	id     string
	ttl    time.Duration
	number int64 // of the last request

	seedScript, beatScript, takeScript *redis.Script
}

func newRegister(id string, o Options) *register {
	script := func(text string) *redis.Script { return redis.NewScript(common + text) }
	return &register{
		redis: o.Redis, id: id, ttl: o.TTL,
		seedScript: script(seedText), beatScript: script(beatText), takeScript: script(takeText),
	}
}

// channel is where members tell each other that it is worth looking. Channels
// are common to all databases of a server, so the number is part of the name.
func (r *register) channel() string {
	return "mailsync:" + strconv.Itoa(r.redis.Options().DB) + ":lease"
}

func (r *register) run(ctx context.Context, s *redis.Script, args ...any) ([]string, error) {
	r.number++
	args = append([]any{r.id, r.ttl.Milliseconds(), r.channel(), r.number}, args...)
	answer, err := s.Run(ctx, r.redis, []string{key}, args...).StringSlice()
	switch {
	case err != nil:
		return nil, unreachable(err)
	case answer[0] == "unseeded":
		return nil, errUnseeded
	case answer[0] == "absent":
		return nil, errAbsent
	case answer[0] == "late":
		return nil, errLate
	}
	return answer[1:], nil
}

func unreachable(err error) error {
	return crm.Wrap(crm.Unavailable, "redis_unreachable",
		"Redis can't be worked with, so it can't be told which process works which mailbox; see that it runs and that MAILSYNC_REDIS_URL is right.", err)
}

// sign is what a member tells with a beat.
type sign struct {
	does  string
	until int64    // when the leases are over by Redis' clock, in ms; 0 where it believes in none
	epoch string   // that it last heard of
	known []string // the members that it knew then
	held  map[shard]crm.Fence
}

// view is what it hears.
type view struct {
	now     int64 // by Redis' clock, in ms
	epoch   string
	whole   bool          // all that may hold something are among members and others
	oldest  time.Duration // since the sign of life of the member that was silent for longest
	members []string      // that are willing to take shards
	others  []string      // that may hold some and take none: they are leaving, or nobody knows whether they live
	lost    []shard       // leases that were named and are another's, or nobody's
	free    map[shard]bool
}

// beat renews the leases that are named, and gives back all others.
func (r *register) beat(ctx context.Context, s sign) (view, error) {
	held := make([]string, 0, len(s.held))
	for shard, fence := range s.held {
		held = append(held, fmt.Sprintf("%d:%d", shard, fence))
	}
	a, err := r.run(ctx, r.beatScript, Shards, s.does, s.until, s.epoch, strings.Join(s.known, " "), strings.Join(held, " "))
	if err != nil {
		return view{}, err
	}
	v := view{epoch: a[1], whole: a[2] == "1", members: strings.Fields(a[4]), others: strings.Fields(a[5])}
	if v.now, err = strconv.ParseInt(a[0], 10, 64); err != nil {
		return view{}, err
	}
	silent, err := strconv.ParseInt(a[3], 10, 64)
	if err != nil {
		return view{}, err
	}
	v.oldest = time.Duration(silent) * time.Millisecond
	if v.lost, err = parse(a[6]); err != nil {
		return view{}, err
	}
	free, err := parse(a[7])
	v.free = make(map[shard]bool, len(free))
	for _, s := range free {
		v.free[s] = true
	}
	return v, err
}

func parse(list string) ([]shard, error) {
	var shards []shard
	for _, name := range strings.Fields(list) {
		n, err := strconv.Atoi(name)
		if err != nil {
			return nil, err
		}
		shards = append(shards, shard(n))
	}
	return shards, nil
}

// seed begins an epoch. highest is the highest token that is known of.
func (r *register) seed(ctx context.Context, highest crm.Fence) error {
	_, err := r.run(ctx, r.seedScript, int64(highest))
	return err
}

// take takes those of the shards that are still free.
func (r *register) take(ctx context.Context, shards []shard) (map[shard]crm.Fence, error) {
	names := make([]string, len(shards))
	for i, s := range shards {
		names[i] = strconv.Itoa(int(s))
	}
	a, err := r.run(ctx, r.takeScript, strings.Join(names, " "))
	if err != nil {
		return nil, err
	}
	taken := map[shard]crm.Fence{}
	for _, pair := range strings.Fields(a[0]) {
		var s shard
		var f crm.Fence
		if _, err := fmt.Sscanf(pair, "%d:%d", &s, &f); err != nil {
			return nil, err
		}
		taken[s] = f
	}
	return taken, nil
}
