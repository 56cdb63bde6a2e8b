package moving

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"

	"golang.org/x/sync/errgroup"

	"mailsyncd.example/crm"
)

// sum is what one side has of one account in one table.
type sum struct {
	account string
	rows    int64
	digest  [sha256.Size]byte // of the rows, in the order of their keys
}

// check reads both sides whole and compares them, table by table and account by
// account. A difference is named by the row.
func (m *Move) check(ctx context.Context) (Report, error) {
	m.progress = Progress{Step: Checking, Total: m.progress.Total}
	var r Report
	for _, t := range m.tables {
		m.tell(t, 0)
		source, err := m.compare(ctx, t)
		if err != nil {
			return r, err
		}
		r.Tables = append(r.Tables, t.name)
		for _, s := range source {
			r.Rows += s.rows
		}
		r.Accounts = max(r.Accounts, int64(len(source)))
	}
	return r, nil
}

// compare returns the sums of a table, which both sides have.
func (m *Move) compare(ctx context.Context, t table) ([]sum, error) {
	var source, target []sum
	both, reading := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		source, err = m.sumSource(reading, t)
		return err
	})
	both.Go(func() (err error) {
		target, err = m.sumTarget(reading, t)
		return err
	})
	if err := both.Wait(); err != nil {
		return nil, err
	}
	for i := range max(len(source), len(target)) {
		switch {
		case i == len(target) || i < len(source) && source[i].account < target[i].account:
			return nil, m.differs(ctx, t, source[i].account)
		case i == len(source) || source[i] != target[i]:
			return nil, m.differs(ctx, t, target[i].account)
		}
	}
	return source, nil
}

func (m *Move) sumSource(ctx context.Context, t table) ([]sum, error) {
	rows, err := m.source.QueryContext(ctx, t.selectRows(""))
	if err != nil {
		return nil, m.source.Explain(err)
	}
	defer rows.Close()
	untold := 0
	sums, err := t.sums(rows, func() {
		if untold++; untold == m.pageRows {
			m.tell(t, untold)
			untold = 0
		}
	})
	m.tell(t, untold)
	return sums, m.source.Explain(err)
}

func (m *Move) sumTarget(ctx context.Context, t table) ([]sum, error) {
	rows, err := m.target.Query(ctx, t.selectRows(""))
	if err != nil {
		return nil, m.target.Explain(err)
	}
	defer rows.Close()
	sums, err := t.sums(rows, func() {})
	return sums, m.target.Explain(err)
}

// sums reads rows that come in the order of their keys, account by account.
func (t table) sums(rows cursor, each func()) ([]sum, error) {
	var all []sum
	var digest hash.Hash
	var buffer []byte
	end := func() {
		if len(all) > 0 {
			digest.Sum(all[len(all)-1].digest[:0])
		}
	}
	for rows.Next() {
		row, err := t.scan(rows)
		if err != nil {
			return nil, err
		}
		if _, err := t.carry(row); err != nil {
			return nil, err
		}
		if account := t.account(row); len(all) == 0 || all[len(all)-1].account != account {
			end()
			all = append(all, sum{account: account})
			digest = sha256.New()
		}
		all[len(all)-1].rows++
		buffer = appendRow(buffer[:0], row)
		digest.Write(buffer)
		each()
	}
	end()
	return all, rows.Err()
}

// account is the first value of a row's key.
func (t table) account(row []any) string { return show(row[t.key[0]]) }

// differs finds the first row of an account that is not the same on both sides.
func (m *Move) differs(ctx context.Context, t table, account string) error {
	where := fmt.Sprintf(`WHERE "%s" = $1`, t.columns[t.key[0]].name)
	source, err := m.source.QueryContext(ctx, t.selectRows(where), account)
	if err != nil {
		return m.source.Explain(err)
	}
	defer source.Close()
	target, err := m.target.Query(ctx, t.selectRows(where), account)
	if err != nil {
		return m.target.Explain(err)
	}
	defer target.Close()
	for {
		from, err := t.next(source)
		if err != nil {
			return m.source.Explain(err)
		}
		to, err := t.next(target)
		if err != nil {
			return m.target.Explain(err)
		}
		if fault := t.fault(from, to); fault != "" || from == nil {
			return crm.E(crm.Conflict, "move_differs", "The two databases are not the same: "+fault+". Make the target anew (dropdb, createdb) and move again.")
		}
	}
}

// next reads a row as PostgreSQL has it, nil at the end.
func (t table) next(rows cursor) ([]any, error) {
	if !rows.Next() {
		return nil, rows.Err()
	}
	row, err := t.scan(rows)
	if err == nil {
		_, err = t.carry(row)
	}
	return row, err
}

// equal tells whether two rows, or parts of rows, are the same.
func equal(a, b []any) bool { return bytes.Equal(appendRow(nil, a), appendRow(nil, b)) }

// fault says how two rows differ that should be the same; nil: there is none.
func (t table) fault(source, target []any) string {
	switch {
	case source == nil && target == nil:
		return ""
	case target == nil:
		return "the target lacks " + t.named(source)
	case source == nil:
		return "only the target has " + t.named(target)
	case !equal(t.keyOf(source), t.keyOf(target)):
		return "the target has " + t.named(target) + " where the source has " + t.named(source)
	}
	for i, c := range t.columns {
		if !equal(source[i:i+1], target[i:i+1]) {
			return t.named(source) + " has another " + c.name
		}
	}
	return ""
}
