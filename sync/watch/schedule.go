package watch

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// nextAt is the next time after now at which something is due that recurs at
// an interval. The name decides where in the interval, so that many mailboxes
// spread over it, and a restart changes nothing.
func nextAt(name string, interval time.Duration, now time.Time) time.Time {
	h := fnv.New64a()
	h.Write([]byte(name))
	phase := time.Duration(h.Sum64() % uint64(interval))
	since := time.Duration(now.UnixNano()) - phase
	return now.Add(interval - since%interval)
}

// backoff is how long to wait after so many failures in a row: from a second,
// doubling, to the interval of the looks, which is as long as nobody may be
// without news of a server that is back. A third is left to chance, so that
// those who were cut off together don't come back together.
func backoff(failures int, most time.Duration) time.Duration {
	d := most
	if failures < 20 {
		d = min(most, time.Second<<max(0, failures-1))
	}
	return d*2/3 + rand.N(d/3+1)
}
