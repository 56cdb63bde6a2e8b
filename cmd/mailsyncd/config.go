package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"mailsyncd.example/sync/guard"
)

// Config is the configuration of the daemon. A setting has one name
// everywhere: the flag's, which is the environment's in other letters, and the
// environment's, which the optional file uses too.
type Config struct {
	File          string         `name:"config" type:"existingfile" placeholder:"FILE" help:"Read settings from FILE, one NAME=value a line with the names of the environment. The environment wins over it, flags win over both."`
	DatabaseURL   string         `placeholder:"URL" setting:"MAILSYNC_DATABASE_URL" help:"Database: sqlite:///path/to/file or postgres://user:password@host/database. A SQLite file in the data folder unless given."`
	BlobURL       string         `placeholder:"URL" setting:"MAILSYNC_BLOB_URL" help:"Raw mail: file:///path/to/folder or s3://bucket/prefix?endpoint=https://host&region=name, with credentials where AWS tools look for them. In the data folder unless given."`
	RedisURL      string         `placeholder:"URL" setting:"MAILSYNC_REDIS_URL" help:"Redis through which several processes on one PostgreSQL share the work, and which carries the stream of events: redis://user:password@host:6379/0. Without it, or on SQLite, there is one process."`
	Listen        string         `default:"127.0.0.1:8480" placeholder:"ADDR" setting:"MAILSYNC_LISTEN" help:"Address of the HTTP API (${default})."`
	DataDir       string         `default:"./mailsync-data" placeholder:"DIR" setting:"MAILSYNC_DATA_DIR" help:"Folder for the database, keys and mail (${default})."`
	Keyset        string         `placeholder:"JSON" setting:"MAILSYNC_KEYSET" help:"Keys that encrypt credentials. Made in the data folder on first start unless given."`
	OperatorToken string         `placeholder:"TOKEN" setting:"MAILSYNC_OPERATOR_TOKEN" help:"Token that manages accounts. Made on first start, in a file in the data folder, unless given."`
	PollInterval  time.Duration  `default:"3m" placeholder:"TIME" setting:"MAILSYNC_POLL_INTERVAL" help:"Look at every folder at least this often (${default})."`
	AllowNetworks guard.Networks `placeholder:"CIDR" setting:"MAILSYNC_ALLOW_NETWORKS" help:"Private networks, separated by commas, in which mail hosts and webhook endpoints may stand. Without it only public addresses are dialled."`
	HostConns     int            `name:"host-connections" default:"20000" placeholder:"N" setting:"MAILSYNC_HOST_CONNECTIONS" help:"Have at most so many connections to one mail host, all processes together (${default})."`
	HostLogins    float64        `default:"50" placeholder:"N" setting:"MAILSYNC_HOST_LOGINS" help:"Log in at one mail host at most so often in a second, all processes together (${default})."`
	CAFile        string         `type:"existingfile" placeholder:"FILE" setting:"MAILSYNC_CA_FILE" help:"Trust the CA certificates in FILE too, for mail hosts, webhook endpoints and the bucket."`
	PublicURL     string         `placeholder:"URL" setting:"MAILSYNC_PUBLIC_URL" help:"URL under which browsers reach the API; needed to sign in at mail providers."`
	OAuthFile     string         `name:"oauth-file" type:"existingfile" placeholder:"FILE" setting:"MAILSYNC_OAUTH_FILE" help:"Mail providers at which this daemon is registered as an OAuth 2 client, in JSON; see docs/operating.md."`
}

// settings finds the values of flags that the command line leaves out: first
// in the environment, then in the file that --config names.
type settings struct {
	env  []string
	file map[string]string // nil before readFile
}

// Validate is part of kong.Resolver.
func (*settings) Validate(*kong.Application) error { return nil }

// Resolve is part of kong.Resolver.
func (s *settings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	name := flag.Tag.Get("setting")
	if name == "" {
		return nil, nil
	}
	for _, entry := range s.env {
		if value, ok := strings.CutPrefix(entry, name+"="); ok && value != "" {
			return value, nil
		}
	}
	if value, ok := s.file[name]; ok {
		return value, nil
	}
	return nil, nil
}

// readFile reads the file that --config names, before values are resolved. A
// name in it that is no setting of the command is an error: a typing mistake
// must not go unnoticed.
func (s *settings) readFile(parsed *kong.Context) error {
	if s.file != nil {
		return nil // kong calls this for each part of the command line
	}
	s.file = map[string]string{}
	known := map[string]bool{}
	path := ""
	for _, flag := range parsed.Flags() {
		known[flag.Tag.Get("setting")] = true
		if flag.Name == "config" {
			path, _ = parsed.FlagValue(flag).(string)
		}
	}
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || !known[name] {
			return fmt.Errorf("%s line %d: %q is no setting; write NAME=value with a name that --help shows", path, n, name)
		}
		s.file[name] = value
	}
	return lines.Err()
}

// unknownSettings lists the names in the environment that look like settings
// and are none: misspelt, or of another version.
func unknownSettings(env []string) []string {
	known := map[string]bool{}
	for _, command := range []reflect.Type{reflect.TypeFor[Config](), reflect.TypeFor[explainCommand]()} {
		for _, field := range reflect.VisibleFields(command) {
			known[field.Tag.Get("setting")] = true
		}
	}
	var unknown []string
	for _, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "MAILSYNC_") && !known[name] {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// helpWithSetting adds the environment's name to the help of a flag.
func helpWithSetting(value *kong.Value) string {
	if name := value.Tag.Get("setting"); name != "" {
		return value.Help + " [" + name + "]"
	}
	return value.Help
}
