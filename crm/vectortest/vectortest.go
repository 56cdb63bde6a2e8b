// Package vectortest is a test kit: it hands a test the language-neutral cases
// in its testdata folder and makes sure that they are the ones everybody else
// runs.
package vectortest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Read decodes testdata/name of the package under test into v. Where the
// shared originals are at hand, a copy that differs from them fails the test:
// cases that have drifted apart prove nothing.
func Read(t testing.TB, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if original, err := os.ReadFile(filepath.Join(originals(t), name)); err == nil && !bytes.Equal(original, data) {
		t.Errorf("testdata/%s is not the shared original any more: copy it again", name)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("testdata/%s: %v", name, err)
	}
}

// originals is the folder of the shared cases: beside the project's root, or
// where MAILSYNC_VECTORS says.
func originals(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("MAILSYNC_VECTORS"); dir != "" {
		return dir
	}
	return filepath.Join(Root(t), "..", "shared", "vectors")
}

// Root is the project's root: the nearest folder upwards that has a go.mod.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod from here upwards: run the test inside the project")
		}
		dir = up
	}
}

// Corpus is the folder of public test messages, which are others' and not part of
// the project: beside its root, or where MAILSYNC_CORPUS says. Where it is missing
// the test is skipped, and fails in CI, which must have it.
func Corpus(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("MAILSYNC_CORPUS")
	if dir == "" {
		dir = filepath.Join(Root(t), "..", "shared", "corpus")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the corpus is missing, and CI must have it:", err)
		}
		t.Skip("the corpus is not at hand; set MAILSYNC_CORPUS to its folder to run this:", err)
	}
	return dir
}
