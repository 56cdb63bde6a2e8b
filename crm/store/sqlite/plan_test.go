package sqlite_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mailsyncd.example/crm/store"
	"mailsyncd.example/crm/store/sqlite"
	"mailsyncd.example/crm/store/storetest"
)

// TestStore runs the suite, and then asks SQLite how it goes about every
// statement that ran: none may read all that an account has grown to.
func TestStore(t *testing.T) {
	statements := map[string]bool{}
	empty := migrated(t)
	storetest.Run(t, func(t *testing.T, o store.Options) *store.Store {
		path := filepath.Join(t.TempDir(), "mailsync.db")
		must(t, os.WriteFile(path, empty, 0o600))
		s, write, read, err := sqlite.OpenWithPools(t.Context(), path, o)
		must(t, err)
		t.Cleanup(func() {
			for _, db := range []*sql.DB{write, read} {
				for _, text := range sqlite.Prepared(db) {
					statements[text] = true
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	})
	t.Run("Plans", func(t *testing.T) { checkPlans(t, statements) })
}

// migrated is an empty database; copying it is faster than making each anew.
func migrated(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "empty.db")
	must(t, sqlite.Migrate(t.Context(), path))
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

// wide is a step of a plan that reads a table, or an account's share of it,
// from one end to the other.
var wide = regexp.MustCompile(`^(SCAN (\w+)|SEARCH (\w+) .*\(account=\?\)( LEFT-JOIN)?)$`)

// grown are the tables that grow with the mail and the customers, also by the
// names that statements give them.
var grown = strings.Fields(`contacts contact_addresses c enrollments e ledger messages m message_contacts sightings s
	threads t thread_ids thread_correspondents thread_contacts i thread_mailboxes b events deliveries`)

// small are tables that statements call by names which grown ones have too.
var small = strings.Fields(`FROM links l|FROM mailboxes m|JOIN mailboxes m|FROM user_tokens t`)

// eraseAccount are the statements that read all there is, to delete it.
var eraseAccount = regexp.MustCompile(`^DELETE FROM (accounts WHERE id|\w+ WHERE account) = \$1$`)

func checkPlans(t *testing.T, statements map[string]bool) {
	if len(statements) < 100 {
		t.Fatalf("only %d statements ran", len(statements))
	}
	s, write, _, err := sqlite.OpenWithPools(t.Context(), filepath.Join(t.TempDir(), "mailsync.db"), store.Options{})
	must(t, err)
	defer s.Close()
	for text := range statements {
		if eraseAccount.MatchString(text) {
			continue
		}
		for _, step := range plan(t, write, text) {
			m := wide.FindStringSubmatch(step)
			if m != nil && slices.Contains(grown, m[2]+m[3]) && !aboutSmall(text, m[2]+m[3]) {
				t.Errorf("%s\n\t%s", step, text)
			}
			if step == "SCAN w" { // webhooks: those that are due are found without the others
				t.Errorf("%s\n\t%s", step, text)
			}
		}
	}
}

func aboutSmall(text, name string) bool {
	return slices.ContainsFunc(strings.Split(strings.Join(small, " "), "|"), func(s string) bool {
		return strings.HasSuffix(s, " "+name) && strings.Contains(text, s)
	})
}

// placeholder is an argument of a statement.
var placeholder = regexp.MustCompile(`\$(\d+)`)

func plan(t *testing.T, db *sql.DB, text string) (steps []string) {
	t.Helper()
	args := make([]any, 0, 8)
	for _, p := range placeholder.FindAllStringSubmatch(text, -1) {
		var n int
		_, err := fmt.Sscan(p[1], &n)
		must(t, err)
		for len(args) < n {
			args = append(args, "x")
		}
	}
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		return nil // BEGIN, PRAGMA and the like
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		must(t, rows.Scan(&id, &parent, &unused, &step))
		steps = append(steps, step)
	}
	must(t, rows.Err())
	return steps
}
