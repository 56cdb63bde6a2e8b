// Package disk puts what can go wrong with files into words that tell an
// operator what to do, the same for database, blobs and keys.
package disk

import (
	"errors"
	"syscall"

	"mailsyncd.example/crm"
)

// Explain makes an error of an attempt to write a file into one of kind
// crm.Unavailable: disk_full where there is no room, data_dir_unwritable
// otherwise.
func Explain(err error) *crm.Error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return Full(err)
	}
	return Unwritable(err)
}

// Full says that there is no room left.
func Full(err error) *crm.Error {
	return crm.Wrap(crm.Unavailable, "disk_full", "The disk under the data folder is full; free some space.", err)
}

// Unwritable says that the data folder can't be used.
func Unwritable(err error) *crm.Error {
	return crm.Wrap(crm.Unavailable, "data_dir_unwritable", "The data folder can't be written to; give its owner the right, or choose another with MAILSYNC_DATA_DIR (for raw mail MAILSYNC_BLOB_URL).", err)
}
