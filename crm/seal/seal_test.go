package seal_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/seal"
	"mailsyncd.example/crm/store"
)

var _ store.Sealer = (*seal.Keyset)(nil)

func open(t *testing.T, path string) *seal.Keyset {
	t.Helper()
	k, err := seal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sealed(t *testing.T, k *seal.Keyset, plain, ad string) []byte {
	t.Helper()
	s, err := k.Seal([]byte(plain), []byte(ad))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func opens(t *testing.T, k *seal.Keyset, s []byte, ad, want string) {
	t.Helper()
	plain, err := k.Open(s, []byte(ad))
	if err != nil || string(plain) != want {
		t.Fatalf("opened %q, %v; want %q", plain, err, want)
	}
}

func TestSealAndOpen(t *testing.T) {
	k := open(t, filepath.Join(t.TempDir(), "keyset.json"))
	s := sealed(t, k, "hunter2", "link 1")
	if bytes.Contains(s, []byte("hunter2")) {
		t.Error("the secret can be read in what was sealed")
	}
	if bytes.Equal(s, sealed(t, k, "hunter2", "link 1")) {
		t.Error("the same secret is sealed to the same bytes twice: anybody can compare passwords")
	}
	opens(t, k, s, "link 1", "hunter2")

	if plain, err := k.Open(s, []byte("link 2")); crm.CodeOf(err) != "open_failed" {
		t.Errorf("opened %q in another place, %v", plain, err)
	}
	s[len(s)-1] ^= 1
	if plain, err := k.Open(s, []byte("link 1")); crm.CodeOf(err) != "open_failed" {
		t.Errorf("opened %q after it was changed, %v", plain, err)
	}
}

func TestKeysetIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "keyset.json")
	s := sealed(t, open(t, path), "hunter2", "x")
	opens(t, open(t, path), s, "x", "hunter2")

	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %o", info.Mode().Perm())
	}
	if names, _ := os.ReadDir(filepath.Dir(path)); len(names) != 1 {
		t.Errorf("%d files in the folder, want the keyset alone", len(names))
	}
}

// Of processes that start at the same time one makes the keyset.
func TestKeysetIsMadeByOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyset.json")
	made := make([]*seal.Keyset, 8)
	var wg sync.WaitGroup
	for i := range made {
		wg.Go(func() { made[i], _ = seal.Open(path) })
	}
	wg.Wait()
	for _, k := range made {
		if k == nil {
			t.Fatal("a keyset could not be opened")
		}
		opens(t, open(t, path), sealed(t, k, "hunter2", "x"), "x", "hunter2")
	}
}

func TestReadableKeysetIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyset.json")
	open(t, path)
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.Open(path); crm.CodeOf(err) != "keyset_readable" {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

func TestRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyset.json")
	k := open(t, path)
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before := sealed(t, k, "hunter2", "x")
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	after := sealed(t, k, "hunter3", "x")
	for _, k := range []*seal.Keyset{k, open(t, path)} {
		opens(t, k, before, "x", "hunter2")
		opens(t, k, after, "x", "hunter3")
	}

	// The old keys alone open what they sealed and nothing newer.
	kept, err := seal.FromString(string(old))
	if err != nil {
		t.Fatal(err)
	}
	opens(t, kept, before, "x", "hunter2")
	if _, err := kept.Open(after, []byte("x")); err == nil {
		t.Error("the old key seals still")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v after rotation, %v", info.Mode(), err)
	}
}

func TestFromString(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyset.json")
	s := sealed(t, open(t, path), "hunter2", "x")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(raw), " " + string(raw) + "\n", base64.StdEncoding.EncodeToString(raw)} {
		k, err := seal.FromString(text)
		if err != nil {
			t.Fatal(err)
		}
		opens(t, k, s, "x", "hunter2")
		if err := k.Rotate(); crm.CodeOf(err) != "keyset_fixed" {
			t.Errorf("rotating a keyset that was given as text: %v", err)
		}
	}
	for _, text := range []string{"", "{}", "nonsense!", "bm9uc2Vuc2U=", `{"primaryKeyId":1,"key":[]}`} {
		if _, err := seal.FromString(text); crm.CodeOf(err) != "bad_keyset" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Whatever goes wrong with a keyset, its keys don't get into the error.
func TestErrorsTellNoKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyset.json")
	open(t, path)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, value, _ := strings.Cut(string(raw), `"value":"`)
	value, _, _ = strings.Cut(value, `"`)
	if len(value) < 20 {
		t.Fatalf("no key value in the file: %q", value)
	}
	for _, broken := range []string{
		strings.Replace(string(raw), "AesGcmKey", "XxxKey", 1),
		strings.Replace(string(raw), `"primaryKeyId"`, `"x"`, 1),
		string(raw[:len(raw)-10]),
	} {
		if _, err := seal.FromString(broken); err == nil || strings.Contains(err.Error(), value[:16]) {
			t.Errorf("error %v", err)
		}
	}
}
