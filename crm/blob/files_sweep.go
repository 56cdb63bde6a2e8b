package blob

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/disk"
)

// Sweep removes the blobs of an account that were written before a time and
// that unneeded picks out of those it is shown, a folder's at a time; and files
// that have not been completed since. It returns how many blobs it removed. The
// time must lie further back than any page takes from Put to its row.
func (f *Files) Sweep(ctx context.Context, a crm.AccountID, before time.Time, unneeded func([]crm.BlobRef) ([]crm.BlobRef, error)) (int, error) {
	home, err := f.home(a)
	if err != nil {
		return 0, err
	}
	if err := removeOlder(filepath.Join(f.dir, incoming), before); err != nil {
		return 0, err
	}
	shards, err := os.ReadDir(home)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, disk.Explain(err)
	}
	removed := 0
	for _, shard := range shards {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		old, err := olderRefs(filepath.Join(home, shard.Name()), shard.Name(), before)
		if err != nil {
			return removed, err
		}
		if len(old) == 0 {
			continue
		}
		refs, err := unneeded(old)
		if err != nil {
			return removed, err
		}
		for _, ref := range refs {
			gone, err := f.removeOld(a, ref, before)
			if err != nil {
				return removed, err
			}
			if gone {
				removed++
			}
		}
	}
	return removed, nil
}

// removeOld removes a blob, unless a Put has found it since it was listed.
func (f *Files) removeOld(a crm.AccountID, ref crm.BlobRef, before time.Time) (bool, error) {
	home, err := f.home(a)
	if err != nil {
		return false, err
	}
	f.finding.Lock()
	defer f.finding.Unlock()
	name := path(home, ref)
	info, err := os.Stat(name)
	if err != nil || !info.ModTime().Before(before) {
		return false, nil // gone meanwhile, or young again
	}
	// Another process may share the folder, and find the file between this
	// look and its removal. Where it is put aside first, either the finder
	// comes too late and puts the file anew, or it is seen here to be young.
	aside := filepath.Join(f.dir, incoming, "sweep-"+string(a)+"-"+string(ref))
	if err := os.Rename(name, aside); errors.Is(err, fs.ErrNotExist) {
		return false, nil // another process sweeps too
	} else if err != nil {
		return false, disk.Explain(err)
	}
	if info, err := os.Stat(aside); err == nil && !info.ModTime().Before(before) {
		return false, explained(os.Rename(aside, name))
	}
	return true, explained(os.Remove(aside))
}

// olderRefs lists the blobs of a folder that were written before a time.
func olderRefs(dir, shard string, before time.Time) ([]crm.BlobRef, error) {
	var refs []crm.BlobRef
	err := eachOlder(dir, before, func(name string) error {
		if ref, ok := refOf(shard + "/" + name); ok {
			refs = append(refs, ref)
		}
		return nil
	})
	return refs, err
}

func removeOlder(dir string, before time.Time) error {
	return eachOlder(dir, before, func(name string) error {
		err := os.Remove(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was completed, or given up, meanwhile
		}
		return explained(err)
	})
}

func eachOlder(dir string, before time.Time, do func(name string) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return disk.Explain(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.ModTime().Before(before) {
			continue // gone meanwhile, or young
		}
		if err := do(e.Name()); err != nil {
			return err
		}
	}
	return nil
}
