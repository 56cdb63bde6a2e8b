package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/redistest"
	"mailsyncd.example/crm/seal"
	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/postgres"
	"mailsyncd.example/crm/store/postgrestest"
	"mailsyncd.example/crm/store/sqlite"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/lease"
)

// scale measures the daemon as it is run: real processes, on PostgreSQL and
// Redis, at many mail hosts.
type scale struct {
	*bench
	sizes    scaleSizes
	program  string
	postgres postgrestest.Server
	redis    redistest.Server
	offices  int // on them so far
	results  []result
}

// scaleSizes are how much is measured.
type scaleSizes struct {
	idle      []int         // mailboxes, one process each time
	watch     time.Duration // how long they are watched: an interval of looks
	followed  int           // mailboxes of two processes, one of which is killed
	boxes     int           // mailboxes from which mail is imported
	each      int           // messages in each of them
	idleLimit int           // the number of mailboxes for which there are targets
}

var (
	fullScale  = scaleSizes{idle: []int{100, 1000, 5000}, watch: usualInterval, followed: 1000, boxes: 20, each: 250, idleLimit: 5000}
	quickScale = scaleSizes{idle: []int{10}, watch: 2 * time.Second, followed: 20, boxes: 2, each: 20}
)

// mailHosts is how many mail hosts there are, each an address of the one
// Dovecot: the daemon spares each of them with limits that are not measured.
const mailHosts = 50

func mailHost(n int) string { return fmt.Sprintf("127.0.0.%d", 2+n%mailHosts) }

// result is a line of the table.
type result struct {
	row   int
	work  string
	what  string
	unit  unit
	value float64
	reach float64
}

func (s *scale) add(row int, work, what string, u unit, value, reach float64) {
	s.results = append(s.results, result{row, work, what, u, value, reach})
}

func (s *scale) run(ctx context.Context, only int, out io.Writer) error {
	most := max(s.sizes.followed, s.sizes.idle[len(s.sizes.idle)-1])
	if err := raiseLimits(most); err != nil {
		fmt.Fprintln(s.progress, "bench:", err)
	}
	clean, err := workFolder()
	if err != nil {
		return err
	}
	defer clean()
	s.postgres.Durable = true
	defer func() { _ = errors.Join(s.postgres.Close(), s.redis.Close()) }() // all of it goes with the folder
	if s.program, err = buildDaemon(ctx, os.Getenv("TMPDIR")); err != nil {
		return err
	}
	for n, measure := range []func(context.Context) error{s.idling, s.following, s.importing} {
		if only == 0 || only == n+1 {
			if err := s.one(ctx, n+1, measure); err != nil {
				return fmt.Errorf("row %d: %w", n+1, err)
			}
		}
	}
	fmt.Fprintf(out, "%d cores, all servers on the same machine, %s\n\n", runtime.NumCPU(), runtime.Version())
	return s.print(out)
}

// one measures a row against a Dovecot of its own.
func (s *scale) one(ctx context.Context, n int, measure func(context.Context) error) error {
	fmt.Fprintln(s.progress, "row", n)
	listen := []string{dovecottest.Host}
	var ips []net.IP
	for i := range mailHosts {
		listen, ips = append(listen, mailHost(i)), append(ips, net.ParseIP(mailHost(i)))
	}
	options := append(dovecot(fewFolders),
		dovecottest.Setting("listen = "+strings.Join(listen, ", ")),
		dovecottest.Certificate(func(leaf *x509.Certificate) { leaf.IPAddresses = append(leaf.IPAddresses, ips...) }))
	var err error
	if s.server, err = dovecottest.Open(options...); err != nil {
		return err
	}
	defer s.server.Kill()
	return measure(ctx)
}

// shared are a database and the settings with which processes share it.
type shared struct {
	url  string
	args []string
}

// share makes an empty office for processes with Redis.
func (s *scale) share(ctx context.Context) (shared, error) {
	url, err := s.postgres.Open(ctx)
	if err != nil {
		return shared{}, err
	}
	redis, err := s.redis.Open()
	if err != nil {
		return shared{}, err
	}
	s.offices++ // each has a database of Redis', in which nobody's leases are left
	redis = strings.TrimSuffix(redis, "0") + strconv.Itoa(s.offices)
	dir, err := os.MkdirTemp("", "data")
	return shared{url, []string{"--data-dir", dir, "--ca-file", s.server.CAFile, "--database-url", url, "--redis-url", redis}}, err
}

// settle links the users' mailboxes in a database that no daemon uses yet, some
// to an account.
func (s *scale) settle(ctx context.Context, dataDir, url string, users []string, some int) ([]crm.AccountID, error) {
	keys, err := seal.Open(filepath.Join(dataDir, "keyset.json"))
	if err != nil {
		return nil, err
	}
	var st *store.Store
	if path, ok := strings.CutPrefix(url, "sqlite://"); ok {
		st, err = sqlite.Open(ctx, path, store.Options{Sealer: keys})
	} else {
		st, err = postgres.Open(ctx, url, store.Options{Sealer: keys})
	}
	if err != nil {
		return nil, err
	}
	r := &rig{store: st, server: crm.Server{Port: s.server.IMAPSPort, Security: crm.SecurityTLS}}
	accounts, err := r.settle(ctx, users, some)
	return accounts, errors.Join(err, st.Close())
}

func (r *rig) settle(ctx context.Context, users []string, some int) ([]crm.AccountID, error) {
	var accounts []crm.AccountID
	for i, user := range users {
		if i%some == 0 {
			a, err := r.account(ctx, i/some)
			if err != nil {
				return nil, err
			}
			accounts = append(accounts, a)
		}
		r.server.Host = mailHost(i)
		if _, err := r.link(ctx, accounts[i/some], user); err != nil {
			return nil, err
		}
	}
	return accounts, nil
}

// until waits until something is so. Thousands of logins take Dovecot minutes.
func until(ctx context.Context, what string, is func() (bool, error)) error {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	limit := time.After(20 * patience)
	for {
		ok, err := is()
		if ok || err != nil {
			return err
		}
		select {
		case <-again.C:
		case <-limit:
			return fmt.Errorf("it never came to this: %s", what)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stands waits until the processes have so many connections between them.
func stands(ctx context.Context, connections int, all ...*process) error {
	return until(ctx, fmt.Sprint(connections, " connections"), func() (bool, error) {
		sum := 0.0
		for _, p := range all {
			n, err := p.gauge(ctx, "mailsync_imap_connections")
			if err != nil {
				return false, err
			}
			if n == 0 {
				return false, nil
			}
			sum += n
		}
		return int(sum) == connections, nil
	})
}

// idling is what mailboxes cost at which nothing happens but looks.
func (s *scale) idling(ctx context.Context) error {
	users, err := s.addUsers("idle", s.sizes.idle[len(s.sizes.idle)-1])
	if err != nil {
		return err
	}
	for _, n := range s.sizes.idle {
		if err := s.idle(ctx, users[:n]); err != nil {
			return err
		}
		// Dovecot is slow to notice that thousands of clients have gone.
		if err := s.server.Restart(); err != nil {
			return err
		}
	}
	return nil
}

func (s *scale) idle(ctx context.Context, users []string) error {
	office, err := s.share(ctx)
	if err != nil {
		return err
	}
	if _, err := s.settle(ctx, office.args[1], office.url, users, perAccount); err != nil {
		return err
	}
	p, err := startDaemon(s.program, office.args...)
	if err != nil {
		return err
	}
	defer p.stop()
	if err := stands(ctx, len(users), p); err != nil {
		return err
	}
	err = until(ctx, "everything was looked at", func() (bool, error) {
		looks, err := p.gauge(ctx, `mailsync_looks_total{result="ok"}`)
		return int(looks) >= len(users), err
	})
	if err != nil {
		return err
	}
	before, err := p.cost()
	if err != nil {
		return err
	}
	began := time.Now()
	select {
	case <-time.After(s.sizes.watch):
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := p.cost()
	if err != nil {
		return err
	}
	memory, busy := none, none
	if len(users) == s.sizes.idleLimit {
		memory, busy = 400e6, 0.05
	}
	work, n := fmt.Sprintf("%d idle mailboxes, TLS", len(users)), float64(len(users))
	share := (after.cpu - before.cpu).Seconds() / time.Since(began).Seconds()
	s.add(1, work, "resident memory", megabytes, float64(after.rss), memory)
	s.add(1, work, "of that not the program's file", megabytes, float64(after.anon), none)
	s.add(1, work, "each", kilobytes, float64(after.rss)/n, none)
	s.add(1, work, "of one core, a look each 3 min", percent, share, busy)
	fmt.Fprintf(s.progress, "%d mailboxes: PSS %.1f MB, %v of CPU in %v\n", len(users), float64(after.us)/1e6, after.cpu-before.cpu, s.sizes.watch)
	return nil
}

// following is how long it takes until a process that was killed is followed.
func (s *scale) following(ctx context.Context) error {
	users, err := s.addUsers("box", s.sizes.followed)
	if err != nil {
		return err
	}
	office, err := s.share(ctx)
	if err != nil {
		return err
	}
	if _, err := s.settle(ctx, office.args[1], office.url, users, perAccount); err != nil {
		return err
	}
	var both [2]*process
	for i := range both {
		if both[i], err = startDaemon(s.program, office.args...); err != nil {
			return err
		}
		defer both[i].kill()
	}
	if err := stands(ctx, len(users), both[:]...); err != nil {
		return err
	}
	both[0].kill()
	killed := time.Now()
	err = until(ctx, "all shards are owned", func() (bool, error) {
		n, err := both[1].gauge(ctx, "mailsync_lease_shards")
		return n == lease.Shards, err
	})
	if err != nil {
		return err
	}
	owned := time.Since(killed)
	if err := stands(ctx, len(users), both[1]); err != nil {
		return err
	}
	work := fmt.Sprintf("%d mailboxes, one of two processes is killed", len(users))
	s.add(2, work, "until all are owned", seconds, owned.Seconds(), 30)
	s.add(2, work, "until all have a session", seconds, time.Since(killed).Seconds(), 30)
	return nil
}

// importing is how fast customers' mail comes into either database.
func (s *scale) importing(ctx context.Context) error {
	users, err := s.addUsers("full", s.sizes.boxes)
	if err != nil {
		return err
	}
	for i, user := range users {
		bag := mailbag{seed: uint64(900 + i), owner: user, share: 1, start: beginning}
		total := int64(s.sizes.each) * matchedBytes
		if err := bag.fill(s.server, "INBOX", s.sizes.each, bag.longTail(s.sizes.each, total, total)); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "data")
	if err != nil {
		return err
	}
	lite := "sqlite://" + filepath.Join(dir, "mailsync.db")
	inLite, err := s.imports(ctx, lite, []string{"--data-dir", dir, "--ca-file", s.server.CAFile, "--database-url", lite}, users)
	if err != nil {
		return err
	}
	office, err := s.share(ctx)
	if err != nil {
		return err
	}
	inPostgres, err := s.imports(ctx, office.url, office.args, users)
	if err != nil {
		return err
	}
	work := fmt.Sprintf("import %d messages of %d KB from %d mailboxes", len(users)*s.sizes.each, matchedBytes/1000, len(users))
	s.add(3, work, "into SQLite", perSecond, inLite, none)
	s.add(3, work, "into PostgreSQL, with Redis", perSecond, inPostgres, inLite/2)
	return nil
}

// imports has a process import all mail, and tells how much in a second.
func (s *scale) imports(ctx context.Context, url string, args, users []string) (rate float64, err error) {
	accounts, err := s.settle(ctx, args[1], url, users, 5)
	if err != nil {
		return 0, err
	}
	p, err := startDaemon(s.program, args...)
	if err != nil {
		return 0, err
	}
	defer p.stop()
	began := time.Now()
	keys := make([]string, len(accounts))
	for i, a := range accounts {
		var made struct{ Key string }
		if err := p.call(ctx, operatorToken, http.MethodPost, "/v1/accounts/"+string(a)+"/keys", map[string]string{"name": "bench"}, &made); err != nil {
			return 0, err
		}
		keys[i] = made.Key
	}
	err = until(ctx, "all mail is imported", func() (bool, error) {
		imported := 0
		for _, key := range keys {
			var all struct{ Items []struct{ Imported int } }
			if err := p.call(ctx, key, http.MethodGet, "/v1/mailboxes?limit=200", nil, &all); err != nil {
				return false, err
			}
			for _, m := range all.Items {
				imported += m.Imported
			}
		}
		return imported >= len(users)*s.sizes.each, nil
	})
	return float64(len(users)*s.sizes.each) / time.Since(began).Seconds(), err
}

// print writes the results as a table in Markdown.
func (s *scale) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| #\t| work\t| figure\t| measured\t| to reach\t|\t|")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|---\t|---\t|")
	for _, r := range s.results {
		if s.quick {
			r.reach = math.NaN()
		}
		f := figure{unit: r.unit, ours: r.value, reach: r.reach}
		fmt.Fprintf(w, "| %d\t| %s\t| %s\t| %s\t| %s\t| %s\t|\n", r.row, r.work, r.what, r.unit.format(r.value), f.target(), f.verdict())
	}
	return w.Flush()
}
