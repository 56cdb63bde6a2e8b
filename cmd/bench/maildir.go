package main

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"mailsyncd.example/sync/dovecottest"
)

// nobody is as whom a Dovecot that root started touches mail.
const nobody = 65534

// fill writes letters straight into a folder of a user's Maildir, before
// anybody has opened it: UIDs are 1 to count, as Dovecot's own list of them
// says. sizes tells how many bytes each has attached.
func (b mailbag) fill(s *dovecottest.Server, folder string, count int, attached func(n int) int) error {
	home := filepath.Join(s.Dir(), "mail", b.owner)
	dir := filepath.Join(home, "box")
	if folder != "INBOX" {
		dir = filepath.Join(dir, "."+folder)
	}
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	var uids strings.Builder
	fmt.Fprintf(&uids, "3 V%d N%d G%032x\n", b.start.Unix(), count+1, b.seed)
	for n := range count {
		mail := b.letter(n, attached(n))
		kept := bytes.ReplaceAll(mail, []byte("\r\n"), []byte("\n")) // as LMTP would
		// S and W spare Dovecot to read a file for the sizes of a message.
		name := fmt.Sprintf("%d.M%06dP1.bench,S=%d,W=%d", b.received(n).Unix(), n, len(kept), len(mail))
		file := filepath.Join(dir, "cur", name+":2,S")
		if err := os.WriteFile(file, kept, 0o644); err != nil {
			return err
		}
		if err := os.Chtimes(file, b.received(n), b.received(n)); err != nil { // INTERNALDATE
			return err
		}
		fmt.Fprintf(&uids, "%d :%s\n", n+1, name)
	}
	if err := os.WriteFile(filepath.Join(dir, "dovecot-uidlist"), []byte(uids.String()), 0o644); err != nil {
		return err
	}
	return giveAway(home)
}

// giveAway makes the mail Dovecot's.
func giveAway(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, nobody, nobody)
	})
}

// small attaches nothing.
func small(int) int { return 0 }

// longTail gives every third letter an attachment, most of them small and a
// few very large, so that the whole bag comes to total bytes and the letters
// from contacts among them to wanted.
func (b mailbag) longTail(count int, total, wanted int64) func(n int) int {
	r := rand.New(rand.NewPCG(b.seed, math.MaxUint64))
	weight := make([]float64, count)
	var sum, left [2]float64
	left[0], left[1] = float64(total-wanted), float64(wanted)
	for n := range count {
		who := b.group(n)
		left[who] -= float64(len(b.letter(n, 0)))
		if r.IntN(3) == 0 {
			// The cap keeps one letter from being half of the bag.
			weight[n] = min(math.Exp(1.6*r.NormFloat64()), 100)
			sum[who] += weight[n]
		}
	}
	return func(n int) int {
		who := b.group(n)
		if weight[n] == 0 || left[who] <= 0 {
			return 0
		}
		encoded := left[who] * weight[n] / sum[who]
		return int(encoded * 57 / 78) // base64 in lines of 76 and CRLF
	}
}

// group is 1 for letters that the rules import.
func (b mailbag) group(n int) int {
	if b.fromContact(n) {
		return 1
	}
	return 0
}
