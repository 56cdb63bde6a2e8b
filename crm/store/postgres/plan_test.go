package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"mailsyncd.example/crm/store"
)

// Nothing reads a whole account to find some of its rows: not when it has
// grown since statistics were made, nor when it is one of many.
func TestPlans(t *testing.T) {
	t.Run("whole tables", func(t *testing.T) { checkPlans(t, server.Database(t)) })
	t.Run("tables in parts", func(t *testing.T) {
		url := server.Database(t)
		execute(t, url, partitions(t))
		checkPlans(t, url)
	})
}

func checkPlans(t *testing.T, url string) {
	open(t, url, store.Options{})
	execute(t, url, `
		INSERT INTO accounts SELECT 'acc_' || a, '', 'active', true, 'all', 0 FROM generate_series(1, 50) a;
		INSERT INTO contacts SELECT 'acc_1', 'c' || n, '', '', 0, 0 FROM generate_series(1, 20000) n;
		INSERT INTO contact_addresses SELECT 'acc_1', n || '@customer.example', 'c' || n, 0, 0 FROM generate_series(1, 20000) n;
		INSERT INTO enrollments SELECT 'acc_1', 'e' || n, 'c' || n, '', 'active', 0, '', NULL, 0, 0 FROM generate_series(1, 20000) n;
		INSERT INTO thread_ids SELECT 'acc_1', decode(md5(n::text), 'hex'), 'thr_' || n / 3, true FROM generate_series(1, 20000) n;
		INSERT INTO messages SELECT 'acc_1', 'msg_' || n, decode(md5(n::text), 'hex'), 'thr_' || n / 3, NULL, 'inbound', 'personal',
			NULL, n, n, '', 0, '', '', '', '{}', '' FROM generate_series(1, 20000) n`)
	var texts, keys []string
	for n := range 128 {
		texts = append(texts, fmt.Sprintf("'%d@customer.example'", n))
		keys = append(keys, fmt.Sprintf("'\\x%032x'", n))
	}
	list := func(items []string) string { return "IN (" + strings.Join(items, ", ") + ")" }
	check := func(when, account string) {
		for _, c := range []struct{ query, key string }{
			{`SELECT contact FROM contact_addresses WHERE account = $1 AND address ` + list(texts), "address"},
			{`SELECT id FROM enrollments WHERE account = $1 AND status = 'active' AND contact ` + list(texts), "contact"},
			{`SELECT thread FROM thread_ids WHERE account = $1 AND key ` + list(keys), "key"},
			{`SELECT id FROM messages WHERE account = $1 AND identity ` + list(keys), "identity"},
			{`SELECT id FROM messages WHERE account = $1 AND thread = 'thr_1' AND deleted_at IS NULL`, "thread"},
			{`SELECT id FROM messages WHERE account = $1 AND deleted_at IS NULL AND (received_at, id) < (500, 'x') ORDER BY received_at DESC, id DESC LIMIT 50`, "received_at"},
		} {
			plan := explain(t, url, strings.Replace(c.query, "$1", "'"+account+"'", 1))
			_, cond, _ := strings.Cut(plan, "Index Cond:")
			cond, _, _ = strings.Cut(cond, "\n")
			if !strings.Contains(cond, c.key) {
				t.Errorf("%s, %s: %s", when, c.query[:60], plan)
			}
		}
	}
	check("without statistics", "acc_1")
	execute(t, url, `ANALYZE`)
	check("with statistics", "acc_1")
	execute(t, url, `
		INSERT INTO thread_ids SELECT 'acc_' || a, key, thread, true FROM thread_ids, generate_series(2, 5) a;
		ANALYZE`)
	check("an account that is new", "acc_50")
	check("one of several", "acc_1")
}

// Of tens of thousands of webhooks the few that wait are found by their index.
func TestWaitingWebhooksAreFound(t *testing.T) {
	url := server.Database(t)
	s := open(t, url, store.Options{})
	execute(t, url, `
		INSERT INTO accounts SELECT 'acc_' || a, '', 'active', true, 'all', 0, 1 FROM generate_series(1, 1000) a;
		INSERT INTO webhooks SELECT 'acc_' || a, 'whk_' || n, '', '[]', '[]', 'active', '', '', NULL, NULL, 0, NULL,
			CASE WHEN a = 7 THEN 5 ELSE 0 END, 0, 0, 0 FROM generate_series(1, 1000) a, generate_series(1, 20) n;
		ANALYZE`)
	ripe, err := s.RipeWebhooks(t.Context(), now, 100)
	must(t, err)
	same(t, "ripe", len(ripe), 20)
	plan := explain(t, url, `
		SELECT w.account, w.id FROM webhooks w JOIN accounts a ON a.id = w.account
		WHERE w.status = 'active' AND w.position < a.event_seq AND w.next_at <= 9 AND w.lease <= 9
			AND (w.next_at > 0 OR w.lease > 0) ORDER BY w.next_at, w.account, w.id LIMIT 100`)
	if !strings.Contains(plan, "webhooks_waiting") {
		t.Errorf("plan: %s", plan)
	}
}

func explain(t *testing.T, url, statement string) string {
	t.Helper()
	ctx, conn := connect(t, url)
	defer conn.Close(ctx)
	_, err := conn.Exec(ctx, `SET random_page_cost = 1.1`) // as the store has it
	must(t, err)
	rows, err := conn.Query(ctx, `EXPLAIN `+statement)
	must(t, err)
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		must(t, rows.Scan(&line))
		plan.WriteString(line + "\n")
	}
	must(t, rows.Err())
	return plan.String()
}
