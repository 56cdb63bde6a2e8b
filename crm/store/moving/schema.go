package moving

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/store/postgres"
)

// kind is what a column holds, whatever either engine calls it.
type kind string

const (
	kindText    kind = "text"
	kindInteger kind = "bigint"
	kindBoolean kind = "boolean"
	kindBytes   kind = "bytea"
)

// kinds are the names that the engines have for them.
var kinds = map[string]kind{
	"text": kindText, "bigint": kindInteger, "boolean": kindBoolean, "blob": kindBytes, "bytea": kindBytes,
}

// column is a column of a table.
type column struct {
	name string
	kind kind
}

// table is a table as both engines have it. Its rows are known by the primary
// key that it has in PostgreSQL, the first column of which is the account.
// (SQLite knows tokens by their hash alone.)
type table struct {
	name    string
	columns []column
	key     []int // which columns, in the order of the primary key
}

// The tables of either engine, a line for each column: table, column, type, and
// its place in the primary key, 0 where it is not part of it. What the engines
// and the migrations keep for themselves is left out; of a table that was
// partitioned, so are the partitions.
const (
	sqliteColumns = `
		SELECT m.name, c.name, LOWER(c.type), c.pk FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE 'goose%' ORDER BY m.name, c.cid`
	postgresColumns = `
		SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), COALESCE((
			SELECT k.place FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k (attnum, place)
			WHERE i.indrelid = c.oid AND i.indisprimary AND k.attnum = a.attnum), 0)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
			AND c.relname NOT LIKE 'goose%' AND c.relname <> $1
		ORDER BY c.relname, a.attnum`
	// Each table and one that its rows refer to.
	postgresReferences = `
		SELECT t.relname, p.relname FROM pg_constraint k
		JOIN pg_class t ON t.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid
		WHERE k.contype = 'f' AND k.conparentid = 0 AND t.oid <> p.oid AND t.relnamespace = current_schema()::regnamespace`
)

// cursor is what the rows of both engines have in common.
type cursor interface {
	Next() bool
	Scan(to ...any) error
	Err() error
}

// readTables reads the tables of one engine.
func readTables(rows cursor) (map[string]table, error) {
	tables := map[string]table{}
	for rows.Next() {
		var name, col, typ string
		var place int
		if err := rows.Scan(&name, &col, &typ, &place); err != nil {
			return nil, err
		}
		k, known := kinds[typ]
		if !known {
			return nil, crm.E(crm.Internal, "move_schema", fmt.Sprintf("Column %s.%s is of the type %s, which mailsyncd can't move.", name, col, typ))
		}
		t := tables[name]
		t.name = name
		t.columns = append(t.columns, column{col, k})
		if place > 0 {
			t.key = append(t.key, make([]int, max(0, place-len(t.key)))...)
			t.key[place-1] = len(t.columns) - 1
		}
		tables[name] = t
	}
	return tables, rows.Err()
}

// describe is a table's columns in words, to be compared.
func (t table) describe() string {
	cols := make([]string, 0, len(t.columns))
	for _, c := range t.columns {
		cols = append(cols, c.name+" "+string(c.kind))
	}
	slices.Sort(cols)
	return strings.Join(cols, ", ")
}

// agree fails where the two sides have different tables, naming one.
func agree(source, target map[string]table) error {
	names := map[string]bool{}
	for _, side := range []map[string]table{source, target} {
		for name := range side {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		from, inSource := source[name]
		to, inTarget := target[name]
		var fault string
		switch {
		case !inSource:
			fault = "only the target has the table " + name
		case !inTarget:
			fault = "only the source has the table " + name
		case len(to.key) == 0 || to.columns[to.key[0]].kind != kindText:
			fault = "the target's table " + name + " has no primary key that begins with the account"
		case from.describe() != to.describe():
			fault = "the table " + name + " has (" + from.describe() + ") in the source, and (" + to.describe() + ") in the target"
		default:
			continue
		}
		return crm.E(crm.Conflict, "move_schema", "The two databases can't be brought together: "+fault+".")
	}
	return nil
}

// ordered puts the tables into an order in which every row comes after those
// that it refers to.
func ordered(tables map[string]table, parents map[string][]string) ([]table, error) {
	var order []table
	placed := map[string]bool{}
	waiting := slices.Sorted(maps.Keys(tables))
	for len(waiting) > 0 {
		rest := slices.DeleteFunc(slices.Clone(waiting), func(name string) bool {
			if slices.ContainsFunc(parents[name], func(p string) bool { return !placed[p] }) {
				return false
			}
			placed[name] = true
			order = append(order, tables[name])
			return true
		})
		if len(rest) == len(waiting) {
			return nil, crm.E(crm.Internal, "move_schema", "These tables refer to each other in a circle: "+strings.Join(rest, ", ")+".")
		}
		waiting = rest
	}
	return order, nil
}

// readSchema finds out what there is to carry, and in which order.
func (m *Move) readSchema(ctx context.Context) error {
	lite, err := m.source.QueryContext(ctx, sqliteColumns)
	if err != nil {
		return m.source.Explain(err)
	}
	defer lite.Close()
	from, err := readTables(lite)
	if err != nil {
		return m.source.Explain(err)
	}
	post, err := m.target.Query(ctx, postgresColumns, postgres.MoveTable)
	if err != nil {
		return m.target.Explain(err)
	}
	to, err := readTables(post)
	post.Close()
	if err != nil {
		return m.target.Explain(err)
	}
	if err := agree(from, to); err != nil {
		return err
	}
	parents, err := m.references(ctx)
	if err != nil {
		return m.target.Explain(err)
	}
	m.tables, err = ordered(to, parents)
	return err
}

func (m *Move) references(ctx context.Context) (map[string][]string, error) {
	rows, err := m.target.Query(ctx, postgresReferences)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	parents := map[string][]string{}
	for rows.Next() {
		var child, parent string
		if err := rows.Scan(&child, &parent); err != nil {
			return nil, err
		}
		parents[child] = append(parents[child], parent)
	}
	return parents, rows.Err()
}
