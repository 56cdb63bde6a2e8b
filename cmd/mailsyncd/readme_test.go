package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"mailsyncd.example/sync/dovecottest"
)

// document reads a file of the module by its path from the top.
func document(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// markdown lists the documents that people read.
func markdown(t *testing.T) []string {
	t.Helper()
	paths := []string{"README.md"}
	for _, pattern := range []string{"docs/*.md", "docs/decisions/*.md"} {
		found, err := filepath.Glob(filepath.Join("..", "..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			rel, err := filepath.Rel(filepath.Join("..", ".."), name)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, filepath.ToSlash(rel))
		}
	}
	return paths
}

func TestReadmeIsShort(t *testing.T) {
	if lines := strings.Count(document(t, "README.md"), "\n"); lines >= 150 {
		t.Errorf("README.md has %d lines; less than 150 are read", lines)
	}
}

// Every command and flag that a document shows must exist.
func TestCommandsInDocumentsExist(t *testing.T) {
	command := regexp.MustCompile("(?:`|bin/)mailsyncd ([a-z]+(?: rotate)?)([^`\n]*)")
	flag := regexp.MustCompile(`--[a-z-]+`)
	found := 0
	for _, path := range markdown(t) {
		for _, m := range command.FindAllStringSubmatch(document(t, path), -1) {
			found++
			code, help, stderr := run(t, nil, append(strings.Fields(m[1]), "--help")...)
			if code != exitOK {
				t.Errorf("%s shows %q, but: %s", path, m[0], stderr)
				continue
			}
			for _, f := range flag.FindAllString(m[2], -1) {
				if !strings.Contains(help, f) {
					t.Errorf("%s shows %q, but %s has no flag %s", path, m[0], m[1], f)
				}
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d commands found in the documents; does the pattern fit?", found)
	}
}

// The table of settings is the one of the program.
func TestReadmeListsEverySetting(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `--([a-z-]+)` \\| `([A-Z_]+)` \\|")
	inReadme := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(document(t, "README.md"), -1) {
		inReadme[m[1]] = m[2]
	}
	inProgram := map[string]string{}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if name := field.Tag.Get("setting"); name != "" {
			flag := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, "MAILSYNC_"), "_", "-"))
			inProgram[flag] = name
		}
	}
	if !reflect.DeepEqual(inReadme, inProgram) {
		t.Errorf("README.md lists %v, the program has %v", inReadme, inProgram)
	}
	_, help, _ := run(t, nil, "serve", "--help")
	for flag, name := range inProgram {
		if !strings.Contains(help, "--"+flag+"=") || !strings.Contains(help, name) {
			t.Errorf("serve --help does not show --%s with %s", flag, name)
		}
	}
}

// What a document points at is there.
func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)\)`)
	for _, path := range markdown(t) {
		for _, m := range link.FindAllStringSubmatch(document(t, path), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target := filepath.Join("..", "..", filepath.Dir(path), m[1])
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s points at %s, which is not there", path, m[1])
			}
		}
	}
}

// The lines with which README links a mailbox do link one, when pasted.
func TestFirstLinkOfReadme(t *testing.T) {
	dovecot := dovecottest.Start(t)
	if err := dovecot.AddUser("dan@acme.example", "secret"); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	daemon := serve(t, filepath.Join(home, "mailsync-data"), "--ca-file", dovecot.CAFile)

	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(document(t, "README.md"), -1)
	if len(blocks) != 2 {
		t.Fatalf("README.md has %d blocks of shell, not a link and a customer", len(blocks))
	}
	script := strings.NewReplacer(
		"http://127.0.0.1:8480", daemon.url,
		"mail.acme.example", dovecottest.Host,
		"993", strconv.Itoa(dovecot.IMAPSPort),
	).Replace("set -euo pipefail\n" + blocks[0][1] + blocks[1][1])
	shell := exec.CommandContext(t.Context(), "bash", "-c", script)
	shell.Dir = home
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`"id":"lnk_`, `"address":"dan@acme.example"`, `"elena@rossi.example"`, `"items":[]`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the answers do not hold %s:\n%s", want, out)
		}
	}
}
