package seal

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/disk"
)

// Open uses the keyset in a file, which it makes on first use, readable for
// its owner alone. One that others may read is refused (crm.Forbidden,
// "keyset_readable"): somebody may have read it.
func Open(path string) (*Keyset, error) {
	k, err := read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	h, err := withNewKey(keyset.NewManager())
	if err != nil {
		return nil, err
	}
	if err := write(path, h, create); err != nil {
		return nil, err
	}
	// Where another process was faster it is that one's keyset.
	return read(path)
}

// read reads the file at path; fs.ErrNotExist where there is none.
func read(path string) (*Keyset, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, disk.Explain(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, disk.Explain(err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, crm.E(crm.Forbidden, "keyset_readable", "Others may read the keyset in "+path+"; rotate the keys if they are not to be trusted, and chmod it to 0600.")
	}
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(file); err != nil {
		return nil, disk.Explain(err)
	}
	k, err := parse(path, raw.Bytes())
	if err != nil {
		return nil, err
	}
	k.path = path
	return k, nil
}

// create names a new file, and leaves one that is there alone.
func create(temp, path string) error {
	if err := os.Link(temp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// write makes a keyset durable in a file beside path and then names it, so that
// path is a whole keyset at any moment.
func write(path string, h *keyset.Handle, name func(temp, path string) error) error {
	var raw bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&raw)); err != nil {
		return newKeyFailed(err)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return disk.Explain(err)
	}
	temp, err := os.CreateTemp(dir, ".keyset-*") // mode 0600
	if err != nil {
		return disk.Explain(err)
	}
	defer os.Remove(temp.Name()) // fails where it was renamed
	_, err = temp.Write(raw.Bytes())
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return disk.Explain(err)
	}
	if err := name(temp.Name(), path); err != nil {
		return disk.Explain(err)
	}
	return syncFolder(dir)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return disk.Explain(err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return disk.Explain(err)
	}
	return nil
}
