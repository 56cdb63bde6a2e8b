//go:build unix

package sqlite

import (
	"errors"
	"os"
	"syscall"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/disk"
)

// takeLock locks the file for as long as it is open. The kernel lets go of it
// when the process ends, however it ends.
func takeLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return crm.E(crm.Unavailable, "database_in_use", "Another process works on the database behind "+f.Name()+"; stop it first, or use PostgreSQL for several processes.")
	}
	if err != nil {
		return disk.Explain(err)
	}
	return nil
}
