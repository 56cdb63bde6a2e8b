package sqlite

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
)

func TestPositional(t *testing.T) {
	for _, c := range []struct {
		query, text string
		order       []int
	}{
		{"SELECT 1", "SELECT 1", nil},
		{"a = $1 AND b = $2", "a = ? AND b = ?", nil},
		{"a = $2 AND b = $1", "a = ? AND b = ?", []int{1, 0}},
		{"a = $1 OR b = $1 OR c = $12", "a = ? OR b = ? OR c = ?", []int{0, 0, 11}},
		{"a = '$1' AND b = $1", "a = '$1' AND b = ?", nil},
		{"a = '''$1' AND b = $1", "a = '''$1' AND b = ?", nil},
		{"a = $0 AND b = $x AND c = $", "a = $0 AND b = $x AND c = $", nil},
		{"a LIKE $1 ESCAPE '\\' AND b = $2", "a LIKE ? ESCAPE '\\' AND b = ?", nil},
	} {
		text, order := positional(c.query)
		if text != c.text || !slices.Equal(order, c.order) {
			t.Errorf("%s: %s, %v", c.query, text, order)
		}
	}
}

func testPool(t *testing.T) *sql.DB {
	t.Helper()
	db, err := pool(filepath.Join(t.TempDir(), "x.db"), nil, 1, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// Statements are kept prepared, but never too many.
func TestPrepared(t *testing.T) {
	db := testPool(t)
	for i := range 2 * maxPrepared {
		var got int
		for range 2 {
			if err := db.QueryRowContext(t.Context(), fmt.Sprintf("SELECT $1 + %d", i), 1).Scan(&got); err != nil || got != i+1 {
				t.Fatalf("1 + %d = %d, %v", i, got, err)
			}
		}
	}
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = c.Raw(func(inner any) error {
		if n := len(inner.(*conn).prepared); n == 0 || n > maxPrepared {
			t.Errorf("%d statements are kept", n)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A text that runs while its rows are read gets a statement of its own.
func TestPreparedTwiceAtOnce(t *testing.T) {
	db := testPool(t)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	const query = "SELECT value FROM (SELECT 1 AS value UNION SELECT 2 UNION SELECT 3) WHERE value >= $1 ORDER BY value"
	outer, err := tx.QueryContext(t.Context(), query, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer outer.Close()
	var seen []int
	for outer.Next() {
		var a, b int
		if err := outer.Scan(&a); err != nil {
			t.Fatal(err)
		}
		if err := tx.QueryRowContext(t.Context(), query, a).Scan(&b); err != nil {
			t.Fatal(err)
		}
		seen = append(seen, a, b)
	}
	if want := []int{1, 1, 2, 2, 3, 3}; !slices.Equal(seen, want) {
		t.Errorf("read %v, want %v", seen, want)
	}
}

func TestArguments(t *testing.T) {
	db := testPool(t)
	var a, b string
	if err := db.QueryRowContext(t.Context(), "SELECT $2, $1", "one", "two").Scan(&a, &b); err != nil || a+b != "twoone" {
		t.Errorf("read %s, %s, %v", a, b, err)
	}
	if err := db.QueryRowContext(t.Context(), "SELECT $2, $1", "one").Scan(&a, &b); err == nil {
		t.Error("an argument too few is no error")
	}
	if _, err := db.ExecContext(t.Context(), "no SQL $1", 1); err == nil {
		t.Error("what is no SQL is no error")
	}
	if err := db.QueryRowContext(t.Context(), "SELECT $2, $1", "one", "two").Scan(&a, &b); err != nil {
		t.Errorf("after errors: %v", err)
	}
}
