package relay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"mailsyncd.example/crm"
)

// Check refuses a URL that is none of a Redis. Its error is crm.Invalid.
func Check(url string) error {
	_, err := parse(url)
	return err
}

// parse reads a URL. The library's words about it are left out: they may repeat
// the password.
func parse(url string) (*redis.Options, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, crm.E(crm.Invalid, "redis_url_bad", "The URL of Redis can't be understood; write redis://user:password@host:6379/0, or rediss://… for TLS.")
	}
	o.ContextTimeoutEnabled = true
	o.ClientName = "mailsyncd"
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return o, nil
}

// openTime is how long Redis may take to answer when it is first asked.
const openTime = 5 * time.Second

// Open connects to the Redis of a URL, and makes sure that it lets us in. The
// client heeds the deadlines of contexts. Errors are crm.Invalid
// ("redis_url_bad"), or crm.Unavailable: "redis_refused" where it does not know
// us, else "redis_unreachable".
func Open(ctx context.Context, url string) (*redis.Client, error) {
	o, err := parse(url)
	if err != nil {
		return nil, err
	}
	logging.Disable() // it would write lines of its own to stderr, of errors that we get anyway
	client := redis.NewClient(o)
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(explain(o.Addr, err), client.Close())
	}
	return client, nil
}

// explain says what to do about an error of Redis.
func explain(address string, err error) error {
	for _, refusal := range []string{"NOAUTH", "WRONGPASS", "NOPERM", "ERR AUTH", "ERR invalid password"} {
		if strings.HasPrefix(err.Error(), refusal) {
			return crm.Wrap(crm.Unavailable, "redis_refused", "Redis does not let us in; give the right user name and password in MAILSYNC_REDIS_URL.", err)
		}
	}
	return crm.Wrap(crm.Unavailable, "redis_unreachable", fmt.Sprintf("Redis does not answer at %s; start it, or mend MAILSYNC_REDIS_URL.", address), err)
}

// oldest is the oldest version of Redis that has what we need.
const oldest = "6.2"

// Examine looks at the Redis of a URL and says what it has found. The error
// says why it can't be used, and otherwise is one of Open.
func Examine(ctx context.Context, url string) (string, error) {
	client, err := Open(ctx, url)
	if err != nil {
		return "", err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	info, err := client.Info(ctx, "server", "memory").Result()
	if err != nil {
		return "", explain(client.Options().Addr, err)
	}
	return judge(info)
}

// judge tells what Redis' own description of itself (INFO) means for us.
func judge(info string) (string, error) {
	of := map[string]string{}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		of[name] = value
	}
	version := of["redis_version"]
	if older(version, oldest) {
		return "", crm.E(crm.Unavailable, "redis_old", fmt.Sprintf("Redis is of version %s; take %s or newer.", version, oldest))
	}
	says := "Redis " + version + " answers"
	if policy := of["maxmemory_policy"]; of["maxmemory"] != "0" && policy != "noeviction" {
		says += "; but when its memory is full it drops what it was given (maxmemory-policy " + policy + "): set that to noeviction"
	}
	return says, nil
}

// older tells whether a version, such as 7.0.15, comes before another one.
func older(version, other string) bool {
	a, b := strings.Split(version, "."), strings.Split(other, ".")
	for i := range min(len(a), len(b)) {
		x, _ := strconv.Atoi(a[i]) // what is no number counts as 0
		y, _ := strconv.Atoi(b[i])
		if x != y {
			return x < y
		}
	}
	return false
}
