package relay

import (
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	for _, c := range []struct{ name, info, says, wrong string }{
		{"fine", "redis_version:7.0.15\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n", "Redis 7.0.15 answers", ""},
		{"has all the memory it wants", "redis_version:8.2.1\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n", "Redis 8.2.1 answers", ""},
		{"forgets", "redis_version:7.0.15\r\nmaxmemory:1000\r\nmaxmemory_policy:allkeys-lru\r\n", "Redis 7.0.15 answers; but when its memory is full it drops what it was given (maxmemory-policy allkeys-lru): set that to noeviction", ""},
		{"old", "redis_version:5.0.14\r\nmaxmemory:0\r\n", "", "5.0.14; take 6.2"},
		{"old by a little", "redis_version:6.0.20\r\nmaxmemory:0\r\n", "", "6.0.20; take 6.2"},
		{"two digits", "redis_version:10.0.1\r\nmaxmemory:0\r\n", "Redis 10.0.1 answers", ""},
	} {
		says, err := judge(c.info)
		if says != c.says || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %q, %v", c.name, says, err)
		}
	}
}
