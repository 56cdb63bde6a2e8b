package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mailsyncd.example/sync/dovecottest"
)

// sizes are how much is measured.
type sizes struct {
	scan, scanSmall int           // messages in a folder, and in a small one beside it
	bulk            int           // messages in the mailbox of mixed sizes
	bulkBytes       int64         // of all of these
	bulkWanted      int64         // of the twentieth among them that contacts sent
	firsts          int           // mailboxes linked one after the other
	inbox, folder   int           // messages in the inbox of each, and in each other folder
	matched         int           // messages that are all to be imported
	looks           int           // at the folders of one mailbox
	idle            int           // mailboxes
	interval        time.Duration // between looks at an idle mailbox
	watch           time.Duration // how long idle mailboxes are watched
	singles, rounds int           // mailboxes that get one message at a time, and how often
	bursts, burst   int           // to one mailbox, and messages in each
}

// fullSizes are those of the targets. In the bulk, letters from contacts come
// to what the targets were measured with.
var fullSizes = sizes{
	scan: 100_000, scanSmall: 10_000,
	bulk: 10_000, bulkBytes: 963e6, bulkWanted: 34.4e6,
	firsts: 20, inbox: 100, folder: 20,
	matched: 5000,
	looks:   2000,
	idle:    1000, interval: 30 * time.Second, watch: time.Minute,
	singles: 20, rounds: 15,
	bursts: 5, burst: 100,
}

// usualInterval is the time between two looks at a mailbox, as the daemon
// keeps it.
const usualInterval = 3 * time.Minute

var quickSizes = sizes{
	scan: 1000, scanSmall: 500,
	bulk: 100, bulkBytes: 5e6, bulkWanted: 2e5,
	firsts: 2, inbox: 20, folder: 20,
	matched: 100,
	looks:   20,
	idle:    10, interval: time.Second, watch: 2 * time.Second,
	singles: 3, rounds: 1,
	bursts: 1, burst: 10,
}

// manyFolders are those of a busy mailbox: twenty together with the inbox,
// with names as people give them.
var manyFolders = strings.Fields("Sent Archive 見積 請求 契約 製品 Newsletters Project-A Project-B Travel " +
	"採用 総務 2023 2024 2025 Suppliers Events 営業 サポート")

// workFolders are the folders of a mailbox in which people sort their mail.
var workFolders = strings.Fields("Sent Archive Projects Suppliers Events")

// matchedBytes is the average size of mail imported in bulk.
const matchedBytes = 12_000

// fewFolders are what a mail server makes for everybody, the inbox aside.
var fewFolders = strings.Fields("Sent Drafts Trash Junk Archive")

// dovecot is how Dovecot is set up: every mailbox has these folders, and
// Dovecot has memory for as many connections as there may be.
func dovecot(folders []string) []dovecottest.Option {
	o := []dovecottest.Option{dovecottest.Setting("service imap-login {", "  vsz_limit = 0", "}")}
	special := map[string]string{"Sent": `\Sent`, "Drafts": `\Drafts`, "Trash": `\Trash`, "Junk": `\Junk`, "Archive": `\Archive`}
	for _, f := range folders {
		o = append(o, dovecottest.Folder(f, special[f]))
	}
	return o
}

// raiseLimits lets this process, and Dovecot after it, hold the connections of
// so many mailboxes.
func raiseLimits(mailboxes int) error {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	files.Cur = files.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	var err error
	if need := uint64(3*mailboxes + 1000); files.Max < need { // Dovecot's login process has three for each
		err = fmt.Errorf("only %d files may be open here, and %d mailboxes need %d", files.Max, mailboxes, need)
	}
	return errors.Join(err, raiseWatches(mailboxes))
}

// raiseWatches lets each of Dovecot's processes watch its mailbox; without it
// they look for news every 30 seconds.
func raiseWatches(mailboxes int) error {
	const setting = "/proc/sys/fs/inotify/max_user_instances"
	have, err := os.ReadFile(setting)
	if err != nil {
		return nil // not Linux
	}
	need := 2*mailboxes + 1024
	if n, err := strconv.Atoi(strings.TrimSpace(string(have))); err != nil || n >= need {
		return err
	}
	if err := os.WriteFile(setting, []byte(strconv.Itoa(need)), 0o644); err != nil {
		return fmt.Errorf("no right to let Dovecot watch %d mailboxes at once; it will look for news every 30 seconds instead: %w", mailboxes, err)
	}
	return nil
}
