package redistest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

var server Server

func TestMain(m *testing.M) {
	code := m.Run()
	server.Close()
	os.Exit(code)
}

func client(t *testing.T) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(server.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	options.MaxRetries, options.ContextTimeoutEnabled = -1, true // without it a client waits for seconds, whatever its context says
	c := redis.NewClient(options)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestDataGoesWithARestart(t *testing.T) {
	c := client(t)
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Fatal("a killed server answers")
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Exists(t.Context(), "k").Result(); err != nil || n != 0 {
		t.Errorf("after a restart: %d keys, %v", n, err)
	}
}

func TestPausedServerIsSilent(t *testing.T) {
	c := client(t)
	resume, err := server.Pause()
	if err != nil {
		t.Fatal(err)
	}
	defer resume()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Ping(ctx).Err(); err == nil {
		t.Error("a paused server answers")
	}
	resume()
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Errorf("after the pause: %v", err)
	}
}

func TestStartTwice(t *testing.T) {
	client(t)
	if err := server.Start(); err == nil {
		t.Error("started twice")
	}
	server.Stop()
	client(t) // starts it again
}
