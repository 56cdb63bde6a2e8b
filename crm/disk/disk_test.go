package disk_test

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/disk"
)

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		cause error
		code  string
	}{
		{syscall.ENOSPC, "disk_full"},
		{syscall.EDQUOT, "disk_full"},
		{syscall.EACCES, "data_dir_unwritable"},
		{syscall.EROFS, "data_dir_unwritable"},
		{fs.ErrNotExist, "data_dir_unwritable"},
	} {
		err := disk.Explain(&os.PathError{Op: "write", Path: "x", Err: c.cause})
		if err.Code != c.code || err.Kind != crm.Unavailable {
			t.Errorf("%v: %s, %s; want %s", c.cause, err.Kind, err.Code, c.code)
		}
		if !errors.Is(err, c.cause) {
			t.Errorf("%v: the cause is lost", c.cause)
		}
	}
}
