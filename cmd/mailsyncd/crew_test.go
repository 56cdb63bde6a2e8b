package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/redistest"
	"mailsyncd.example/sync/dovecottest"
	"mailsyncd.example/sync/lease"
)

// team is a firm for which several processes work, on one PostgreSQL, one Redis
// and one folder for keys and raw mail.
type team struct {
	*firm
	dir   string
	args  []string
	staff []client // with a mailbox each
	links []link
}

// teamMailboxes is how many mailboxes a team has: so many that one of two
// processes is left without one only once in two thousand times.
const teamMailboxes = 12

// newTeam makes a team of whom nobody works yet.
func newTeam(t *testing.T) (*team, *redistest.Server) {
	t.Helper()
	server := &redistest.Server{}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	args := []string{"--database-url", postgresql.Database(t), "--redis-url", server.URL(t)}
	return &team{dir: t.TempDir(), args: args}, server
}

// open opens the firm by way of one of its processes, and links everybody's
// mailbox there.
func (m *team) open(t *testing.T, d *running) {
	t.Helper()
	m.firm = openFirm(t, d, dovecottest.Start(t), "elena@rossi.example")
	for i := range teamMailboxes {
		m.mailbox(m.address(i))
		m.staff = append(m.staff, m.user(fmt.Sprint("user", i), crm.RoleUser))
		m.links = append(m.links, m.link(m.staff[i], m.address(i)))
	}
}

func (m *team) address(i int) string { return fmt.Sprint("user", i, "@acme.example") }

// deliver delivers a customer's mail to every mailbox.
func (m *team) deliver(round string) {
	for i := range teamMailboxes {
		id := fmt.Sprintf("%s-%d@rossi.example", round, i)
		m.dovecot.Deliver(m.t, m.address(i), mailOf(id, elena, m.address(i), round, "for "+m.address(i)))
	}
}

// expectRounds waits until the CRM has the mail of so many rounds, and makes
// sure that it has each once.
func (m *team) expectRounds(rounds int) {
	m.t.Helper()
	eventually(m.t, "the mail of all mailboxes", func() bool { return len(m.messages()) >= rounds*teamMailboxes })
	want := map[string]int{}
	for _, message := range m.messages() {
		want[message.HeaderID] = 1
	}
	if len(want) != rounds*teamMailboxes {
		m.t.Errorf("there are %d messages", len(want))
	}
	m.expectExactly(want)
}

// eventually returns once something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	limit := time.After(5 * time.Minute)
	for !is() {
		select {
		case <-again.C:
		case <-limit:
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// ready tells whether the daemon calls itself ready.
func (r *running) ready() bool {
	response, err := http.Get(r.url + "/readyz")
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// metric is a number that the daemon tells of itself, false where it can't.
func (r *running) metric(name string) (int, bool) {
	request, err := http.NewRequest(http.MethodGet, r.url+"/metrics", nil)
	if err != nil {
		return 0, false
	}
	request.Header.Set("Authorization", "Bearer "+string(r.token))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, false
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			n, err := strconv.ParseFloat(value, 64)
			return int(n), err == nil
		}
	}
	return 0, false
}

// connections is how many connections to mail servers the daemon has.
func (r *running) connections(t *testing.T) int {
	t.Helper()
	n, ok := r.metric("mailsync_imap_connections")
	if !ok {
		t.Fatal("the metrics do not tell the connections")
	}
	return n
}

// settled waits until the processes have divided all mailboxes that there could
// be, and work those that there are.
func (m *team) settled(all ...*running) {
	m.t.Helper()
	eventually(m.t, "each mailbox is worked, and every process has a share", func() bool {
		shards, connections := 0, 0
		for _, d := range all {
			n, ok := d.metric("mailsync_lease_shards")
			if !ok || n == 0 {
				return false
			}
			shards += n
			connections += d.connections(m.t)
		}
		return shards == lease.Shards && connections == teamMailboxes
	})
}

// sessions are the users for whom the mail server has a session.
func sessions(t *testing.T, dovecot *dovecottest.Server) map[string]bool {
	t.Helper()
	out, err := dovecot.Doveadm("who", "-1")
	if err != nil {
		t.Fatal(err)
	}
	users := map[string]bool{}
	for line := range strings.Lines(out) {
		if name, _, _ := strings.Cut(line, " "); strings.Contains(name, "@") {
			users[name] = true
		}
	}
	return users
}

// Two processes are one daemon: whatever is said to one counts for the other.
func TestTwoProcesses(t *testing.T) {
	m, server := newTeam(t)
	a := serve(t, m.dir, m.args...)
	b := serve(t, m.dir, m.args...)
	eventually(t, "both are ready", func() bool { return a.ready() && b.ready() })
	m.open(t, a)
	m.settled(a, b)

	// Mail comes in through both, and who listens at one hears of all of it.
	listener := m.follow()
	m.deliver("first")
	for range teamMailboxes {
		listener.wait(crm.MessageImported)
	}
	m.expectRounds(1)

	// A look at any mailbox can be asked of any process.
	m.deliver("second")
	for i, d := range []*running{a, b} {
		for n := i; n < teamMailboxes; n += 2 {
			m.look(d.as(string(m.staff[n].token)), m.links[n])
		}
	}
	m.expectRounds(2)
	for _, d := range []*running{a, b} {
		if h := m.again(d).balance(m.links[0].MailboxID); h.Balance.Unexplained != 0 {
			t.Errorf("%d unexplained", h.Balance.Unexplained)
		}
	}

	// Whichever process hears of the end of a link, the one that works the
	// mailbox leaves it.
	began := time.Now()
	for n, user := range m.staff {
		d := []*running{a, b}[n/2%2]
		do(t, d.as(string(user.token)), http.MethodDelete, "/v1/links/"+m.links[n].ID, nil)
	}
	eventually(t, "all mailboxes are left", func() bool { return len(sessions(t, m.dovecot)) == 0 })
	t.Logf("%d mailboxes were left after %v", teamMailboxes, time.Since(began))
	m.expectRounds(2)
	m.expectStream(server)
}

// expectStream waits until the account's stream in Redis has all its events, and
// makes sure that they are there in order.
func (f *firm) expectStream(server *redistest.Server) {
	f.t.Helper()
	client := redis.NewClient(&redis.Options{Addr: server.Address()})
	defer client.Close()
	want := f.events()
	var got []redis.XMessage
	eventually(f.t, "the stream has all events", func() bool {
		var err error
		if got, err = client.XRange(f.t.Context(), "mailsync:"+f.account+":events", "-", "+").Result(); err != nil {
			f.t.Fatal(err)
		}
		return len(got) >= len(want)
	})
	for i, e := range want {
		if seq := fmt.Sprint(got[i].Values["seq"]); seq != fmt.Sprint(e.Seq) {
			f.t.Fatalf("entry %d of the stream has the number %s, want %d", i, seq, e.Seq)
		}
	}
}

// What a caller may do is settled by the database at each request, so that no
// process has another opinion of it.
func TestRightsCountEverywhereAtOnce(t *testing.T) {
	m, _ := newTeam(t)
	a := serve(t, m.dir, m.args...)
	b := serve(t, m.dir, m.args...)
	f := openFirm(t, a, nil)
	dan := f.user("dan", crm.RoleUser)
	preset := map[string]any{"name": "Office", "imap": map[string]any{"host": "mail.acme.example"}}
	try := func(d *running) string {
		err := d.as(string(dan.token)).call(t.Context(), http.MethodPost, "/v1/presets", preset, nil)
		return crm.CodeOf(err)
	}
	put := func(d *running, fields map[string]any) {
		fields["email"] = "dan@acme.example"
		do(t, d.as(string(f.key.token)), http.MethodPut, "/v1/users/dan", fields)
	}
	for range 20 { // a process that remembered anything would be caught soon
		put(a, map[string]any{"role": crm.RoleUser})
		if got := try(b); got != "role_forbidden" {
			t.Fatalf("a user adds a preset: %q", got)
		}
		put(b, map[string]any{"role": crm.RoleManager})
		if got := try(a); got != "" {
			t.Fatalf("a manager adds a preset: %q", got)
		}
	}
	put(a, map[string]any{"role": crm.RoleManager, "active": false})
	if got := try(b); got != "token_invalid" {
		t.Errorf("somebody who was disabled adds a preset: %q", got)
	}
	keys := call[struct{ Items []struct{ ID string } }](t, a.client, http.MethodGet, "/v1/accounts/"+f.account+"/keys", nil)
	do(t, a.client, http.MethodDelete, "/v1/accounts/"+f.account+"/keys/"+keys.Items[0].ID, nil)
	err := b.as(string(f.key.token)).call(t.Context(), http.MethodGet, "/v1/users", nil, nil)
	if crm.CodeOf(err) != "token_invalid" {
		t.Errorf("a key that was deleted lists the users: %v", err)
	}
}

// A process that is killed is followed by the others soon, and one that is
// stopped at once.
func TestProcessesComeAndGo(t *testing.T) {
	m, _ := newTeam(t)
	a, _ := spawn(t, m.dir, m.args...)
	b, process := spawn(t, m.dir, m.args...)
	m.open(t, a)
	m.settled(a, b)
	m.deliver("first")
	m.expectRounds(1)

	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	b.log.waitEnd()
	killed := time.Now()
	m.deliver("while one is dead")
	m.settled(a)
	t.Logf("after a kill all mailboxes were worked again within %v", time.Since(killed))
	m.expectRounds(2)

	b, process = spawn(t, m.dir, m.args...)
	m.settled(a, b)
	m.deliver("with another one")
	m.expectRounds(3)

	stopped := time.Now()
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	m.deliver("while one stops")
	m.settled(a)
	t.Logf("after a stop all mailboxes were worked again within %v", time.Since(stopped))
	b.log.waitEnd()
	t.Logf("the process had ended after %v", time.Since(stopped))
	m.expectRounds(4)
	a.stop()
}

// Without Redis nothing is lost, and the load balancer knows; with Redis back
// everything goes on.
func TestRedisIsAwayForAWhile(t *testing.T) {
	m, server := newTeam(t)
	a := serve(t, m.dir, m.args...)
	b := serve(t, m.dir, m.args...)
	m.open(t, a)
	m.settled(a, b)
	server.Kill()
	eventually(t, "both say that they can't work", func() bool { return !a.ready() && !b.ready() })
	m.deliver("without Redis")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both are ready again", func() bool { return a.ready() && b.ready() })
	m.settled(a, b)
	m.deliver("with Redis")
	m.expectRounds(2)
	m.expectStream(server)
}

// On SQLite there is one process with Redis as without, and events come on the
// account's stream too.
func TestRedisBesideSQLite(t *testing.T) {
	server := &redistest.Server{}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	m := &team{dir: t.TempDir(), args: []string{"--redis-url", server.URL(t)}}
	alone := serve(t, m.dir, m.args...)
	m.open(t, alone)
	m.deliver("one")
	m.expectRounds(1)
	m.expectStream(server)
	code, _, stderr := run(t, nil, serveArgs(m.dir, m.args...)...)
	if code != exitProblem || !strings.Contains(stderr, "use PostgreSQL for several processes") {
		t.Errorf("a second process: code %d, %s", code, stderr)
	}
}

func TestServeSaysWhatIsWrongWithRedis(t *testing.T) {
	m, server := newTeam(t)
	redisURL := server.URL(t)
	locked := strings.Replace(redisURL, "redis://", "redis://stranger:opensesame@", 1)
	nobody := "redis://:opensesame@127.0.0.1:1/0"
	database := m.args[:2]
	running := serve(t, m.dir, m.args...)
	eventually(t, "it is ready", running.ready)
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"without Redis beside one with it", database, exitProblem, "set MAILSYNC_REDIS_URL for all of them"},
		{"nobody answers", append(database[:2:2], "--redis-url", nobody), exitProblem, "Redis does not answer at 127.0.0.1:1"},
		{"somebody whom Redis does not know", append(database[:2:2], "--redis-url", locked), exitProblem, "does not let us in"},
		{"no URL", append(database[:2:2], "--redis-url", "opensesame@redis"), exitUsage, "write redis://"},
		{"no database number", append(database[:2:2], "--redis-url", "redis://:opensesame@redis/x"), exitUsage, "write redis://"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := run(t, nil, serveArgs(t.TempDir(), c.args...)...)
			if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) {
				t.Errorf("code %d, stdout %q, stderr %q, want %q", code, stdout, stderr, c.want)
			}
			if strings.Contains(stderr, "opensesame") {
				t.Errorf("the password is told: %s", stderr)
			}
		})
	}
	openFirm(t, running, nil)
	dir := t.TempDir()
	code, _, stderr := run(t, nil, serveArgs(dir, m.args...)...)
	if _, err := os.Stat(Config{DataDir: dir}.keysetFile()); code != exitProblem || !strings.Contains(stderr, "has no keyset") || err == nil {
		t.Errorf("with keys of its own: code %d, %s, keyset file: %v", code, stderr, err)
	}
	running.stop()
	alone := serve(t, m.dir, database...)
	code, _, stderr = run(t, nil, serveArgs(m.dir, m.args...)...)
	if code != exitProblem || !strings.Contains(stderr, "set MAILSYNC_REDIS_URL for it too") {
		t.Errorf("beside one that is alone: code %d, %s", code, stderr)
	}
	alone.stop()
}

func TestDoctorLooksAtRedis(t *testing.T) {
	var server redistest.Server
	t.Cleanup(func() { _ = server.Close() })
	args := []string{"doctor", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0", "--database-url", postgresql.Database(t)}
	_, stdout, _ := run(t, nil, args...)
	if !strings.Contains(stdout, "shares its work with no other") {
		t.Errorf("without Redis: %s", stdout)
	}
	_, stdout, _ = run(t, nil, append(args, "--redis-url", server.URL(t))...)
	if !strings.Contains(stdout, "ok       redis") || !strings.Contains(stdout, "answers") {
		t.Errorf("with Redis: %s", stdout)
	}
	code, stdout, stderr := run(t, []string{"MAILSYNC_REDIS_URL=redis://:opensesame@127.0.0.1:1/0"}, args...)
	if code != exitProblem || !strings.Contains(stdout, "problem  redis") || strings.Contains(stdout+stderr, "opensesame") {
		t.Errorf("without an answer: %d %s", code, stdout)
	}
}

// A secret that a person gives with the URL is in nothing that is written.
func TestRedisPasswordStaysSecret(t *testing.T) {
	m, server := newTeam(t)
	url := server.URL(t)
	admin := redis.NewClient(&redis.Options{Addr: server.Address()})
	defer admin.Close()
	if err := admin.ConfigSet(t.Context(), "requirepass", "opensesame").Err(); err != nil {
		t.Fatal(err)
	}
	m.args[3] = strings.Replace(url, "redis://", "redis://:opensesame@", 1)
	d := serve(t, m.dir, m.args...)
	eventually(t, "it is ready", d.ready)
	server.Kill()
	eventually(t, "it is not ready", func() bool { return !d.ready() })
	d.stop()
	if log := d.log.String(); strings.Contains(log, "opensesame") {
		t.Errorf("the password is in the log:\n%s", log)
	}
	files, err := os.ReadDir(m.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if content, err := os.ReadFile(m.dir + "/" + f.Name()); err == nil && strings.Contains(string(content), "opensesame") {
			t.Errorf("the password is in %s", f.Name())
		}
	}
}
