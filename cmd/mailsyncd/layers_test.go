package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "mailsyncd.example"

// A floor of the house. What stands on it may be known from above, never from
// below: nouns ← decisions ← doors and stories ← roof.
type floor string

const (
	noun     floor = "noun"     // plain values; standard library only
	decision floor = "decision" // pure: no I/O and no clock
	door     floor = "door"     // speaks to what is outside: the database, a mail server
	story    floor = "story"    // what happens, told through interfaces of its own
	kit      floor = "kit"      // helps tests; never part of the program
	roof     floor = "roof"     // puts all of them together
)

// floors says on which floor each package stands. A package that is missing
// here fails the test: where it belongs is to be decided, not found out.
var floors = map[string]floor{
	"crm":                    noun,
	"crm/access":             decision,
	"crm/address":            decision,
	"crm/bounce":             decision,
	"crm/folder":             decision,
	"crm/kind":               decision,
	"crm/preset":             decision,
	"crm/provider":           decision,
	"crm/rule":               decision,
	"crm/safehtml":           decision,
	"crm/suspect":            decision,
	"crm/thread":             decision,
	"dedupe":                 decision,
	"sync/letter":            decision,
	"sync/letter/charset":    decision,
	"sync/letter/field":      decision,
	"sync/letter/plain":      decision,
	"crm/blob":               door,
	"cmd/mailsyncd/demo":     door,
	"cmd/mailsyncd/keyring":  door,
	"cmd/mailsyncd/terminal": door,
	"cmd/mailsyncd/trust":    door,
	"crm/disk":               door,
	"crm/relay":              door,
	"crm/seal":               door,
	"crm/store":              door,
	"crm/store/archive":      door,
	"crm/store/moving":       door,
	"crm/store/office":       door,
	"crm/store/postgres":     door,
	"crm/store/report":       door,
	"crm/store/sequence":     door,
	"crm/store/signin":       door,
	"crm/store/sqlite":       door,
	"crm/store/txn":          door,
	"crm/store/vault":        door,
	"crm/stream":             door,
	"crm/webhook":            door,
	"sync/discovery":         door,
	"sync/guard":             door,
	"sync/imapbox":           door,
	"sync/lease":             door,
	"dedupe/redisclaim":      door,
	"sync/quota":             door,
	"sync/issuer":            door,
	"sync/imapbox/talk":      decision,
	"crm/api":                story,
	"crm/api/content":        story,
	"crm/api/bulk":           story,
	"crm/api/gate":           story,
	"crm/api/live":           story,
	"crm/api/web":            story,
	"crm/api/wire":           story,
	"crm/consent":            story,
	"crm/outbox":             story,
	"crm/review":             story,
	"sync/grant":             story,
	"sync/intake":            story,
	"sync/watch":             story,
	"sync/watch/wary":        story,
	"crm/api/apitest":        kit,
	"crm/redistest":          kit,
	"crm/servertest":         kit,
	"crm/store/postgrestest": kit,
	"crm/store/storetest":    kit,
	"crm/blob/blobtest":      kit,
	"crm/buckettest":         kit,
	"crm/vectortest":         kit,
	"dedupe/claimtest":       kit,
	"sync/dovecottest":       kit,
	"sync/oauthtest":         kit,
	"cmd/bench":              kit,
	"cmd/mailsyncd":          roof,
}

// mayKnow lists the floors that a floor's packages may import. Doors know
// doors (an opener knows the store) and stories know stories (who stands at a
// mailbox knows the journey of its mail), but never each other.
var mayKnow = map[floor][]floor{
	noun:     {},
	decision: {noun, decision},
	door:     {noun, decision, door},
	story:    {noun, decision, story},
	kit:      {noun, decision, door, story, kit},
	roof:     {noun, decision, door, story},
}

// outside are packages of the standard library by which a decision would
// cease to be pure.
var outside = []string{"net", "net/http", "net/smtp", "os", "os/exec", "os/signal", "database/sql", "syscall", "log", "log/slog"}

// source is one Go file of the module.
type source struct {
	path    string // from the top, with slashes
	pkg     string // its folder
	test    bool
	file    *ast.File
	lines   int
	fileset *token.FileSet
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	top := filepath.Join("..", "..")
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() && name != top && (strings.HasPrefix(base, ".") || base == "testdata" || base == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(base, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(top, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		all = append(all, source{
			path: rel, pkg: path.Dir(rel), test: strings.HasSuffix(base, "_test.go"),
			file: file, lines: fset.File(file.Pos()).LineCount(), fileset: fset,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryPackageStandsOnItsFloor(t *testing.T) {
	for _, src := range sources(t) {
		own, ok := floors[src.pkg]
		if !ok {
			t.Errorf("%s: package %s stands on no floor; decide and write it into layers_test.go", src.path, src.pkg)
			continue
		}
		if strings.Count(src.pkg, "/") > 2 {
			t.Errorf("%s: more than two folders under the top", src.path)
		}
		for _, imp := range src.file.Imports {
			imported, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if src.test {
				continue // a test may open every door of the house
			}
			if problem := judgeImport(own, imported); problem != "" {
				t.Errorf("%s: a %s imports %s: %s", src.path, own, imported, problem)
			}
		}
	}
}

// judgeImport says what is wrong with an import of a package on a floor, or "".
func judgeImport(own floor, imported string) string {
	pkg, inside := strings.CutPrefix(imported, module+"/")
	if inside {
		if other, ok := floors[pkg]; ok && !slices.Contains(mayKnow[own], other) {
			return "that is a " + string(other)
		}
		return ""
	}
	first, _, _ := strings.Cut(imported, "/")
	if own == noun && strings.Contains(first, ".") {
		return "nouns know the standard library only"
	}
	if (own == noun || own == decision) && slices.Contains(outside, imported) {
		return "that is the world outside"
	}
	return ""
}

// A decision is told the time; a clock of its own would make it give two
// answers to one question.
func TestDecisionsHaveNoClock(t *testing.T) {
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}
	for _, src := range sources(t) {
		if own := floors[src.pkg]; src.test || own != noun && own != decision {
			continue
		}
		ast.Inspect(src.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains(clock, sel.Sel.Name) {
				t.Errorf("%s: time.%s", src.fileset.Position(n.Pos()), sel.Sel.Name)
			}
			return true
		})
	}
}

// The sizes of a house that can be read: a limit for each, and a share that
// stays well below it.
func TestSizes(t *testing.T) {
	var files, longFiles, funcs, longFuncs int
	perPackage := map[string]int{}
	for _, src := range sources(t) {
		if src.lines > 800 {
			t.Errorf("%s has %d lines, more than 800", src.path, src.lines)
		}
		if !src.test {
			files++
			if floors[src.pkg] != kit { // a suite grows with what it tests, as _test files do
				perPackage[src.pkg] += src.lines
			}
			if src.lines > 350 {
				longFiles++
			}
		}
		ast.Inspect(src.file, func(n ast.Node) bool {
			at := func() token.Position { return src.fileset.Position(n.Pos()) }
			switch n := n.(type) {
			case *ast.FuncDecl:
				lines := src.fileset.Position(n.End()).Line - at().Line + 1
				if lines > 100 {
					t.Errorf("%s: %s has %d lines, more than 100", at(), n.Name.Name, lines)
				}
				funcs++
				if lines > 55 {
					longFuncs++
				}
			case *ast.InterfaceType:
				if n.Methods.NumFields() > 10 {
					t.Errorf("%s: an interface of %d methods, more than 10", at(), n.Methods.NumFields())
				}
			case *ast.StructType:
				if n.Fields.NumFields() > 15 && !src.test && floors[src.pkg] != kit {
					t.Errorf("%s: a struct of %d fields, more than 15", at(), n.Fields.NumFields())
				}
			}
			return true
		})
	}
	for pkg, lines := range perPackage {
		if lines > 2500 {
			t.Errorf("package %s has %d lines, more than 2,500", pkg, lines)
		}
	}
	if longFiles*10 > files {
		t.Errorf("%d of %d files have more than 350 lines; at most a tenth may", longFiles, files)
	}
	if longFuncs*20 > funcs {
		t.Errorf("%d of %d functions have more than 55 lines; at most a twentieth may", longFuncs, funcs)
	}
}

// The table in docs/architecture.md is the one above.
func TestArchitectureNamesEveryFloor(t *testing.T) {
	names := map[floor]string{noun: "nouns", decision: "decisions", door: "doors", story: "stories", roof: "roof", kit: "test kits"}
	text := document(t, "docs/architecture.md")
	for own, name := range names {
		var packages []string
		for pkg, other := range floors {
			if other == own {
				packages = append(packages, pkg)
			}
		}
		slices.Sort(packages)
		_, row, _ := strings.Cut(text, "\n| "+name+" | ")
		row, _, _ = strings.Cut(row, "\n")
		if want := " | `" + strings.Join(packages, "` `") + "` |"; !strings.HasSuffix(row, want) {
			t.Errorf("docs/architecture.md has for the %s: %s, want %s", name, row, want)
		}
	}
}

// The arrows must be able to point out a fault.
func TestJudgeImport(t *testing.T) {
	for _, c := range []struct {
		own      floor
		imported string
		fine     bool
	}{
		{noun, "time", true},
		{noun, "go.uber.org/zap", false},
		{noun, module + "/crm/rule", false},
		{decision, module + "/crm", true},
		{decision, "net/netip", true},
		{decision, "database/sql", false},
		{decision, module + "/crm/store", false},
		{door, module + "/sync/watch", false},
		{story, module + "/crm/store", false},
		{story, module + "/sync/intake", true},
		{story, module + "/sync/dovecottest", false},
		{roof, module + "/sync/imapbox", true},
	} {
		if problem := judgeImport(c.own, c.imported); (problem == "") != c.fine {
			t.Errorf("a %s imports %s: %q", c.own, c.imported, problem)
		}
	}
}
