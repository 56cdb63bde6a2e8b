package main

import (
	"context"
	"fmt"
)

// everybody are the three whose work is compared.
var everybody = []side{sideBare, sideLib, sideOurs}

// trio holds a figure of each side.
type trio map[side]float64

// line makes a figure of a trio; sides that are missing in it were not
// measured.
func (t trio) line(row int, work, what string, u unit, reach float64) figure {
	get := func(s side) float64 {
		if v, ok := t[s]; ok {
			return v
		}
		return none
	}
	return figure{row, work, what, u, get(sideBare), get(sideLib), get(sideOurs), reach}
}

func (b *bench) add(f ...figure) { b.figures = append(b.figures, f...) }

// overWire does a job over a wire, and returns what the wire has carried.
func (b *bench) overWire(ctx context.Context, j job, mark string) (reading, counts, error) {
	w, err := newWire(b.addr(j.TLS), mark)
	if err != nil {
		return reading{}, counts{}, err
	}
	j.Addr = w.addr()
	r, err := b.measure(ctx, j)
	w.close()
	return r, w.read(), err
}

// scan is row 1: a folder in which nothing is a customer's is read for what the
// rules judge by.
func (b *bench) scan(ctx context.Context) error {
	count, few := b.sizes.scan, b.sizes.scanSmall
	bag := mailbag{seed: 1, owner: "scan@office.example", plain: true, start: beginning}
	if err := b.move(ctx, bag, count, small); err != nil {
		return err
	}
	lesser := mailbag{seed: 2, owner: "few@office.example", plain: true, start: beginning}
	if err := b.move(ctx, lesser, few, small); err != nil {
		return err
	}
	size, cpu, peak, peakFew := trio{}, trio{}, trio{}, trio{}
	for _, who := range everybody {
		j := job{Work: "scan", Side: who, Users: []string{bag.owner}, Count: count}
		_, carried, err := b.overWire(ctx, j, "")
		if err != nil {
			return err
		}
		r, err := b.measure(ctx, j)
		if err != nil {
			return err
		}
		j.Users, j.Count = []string{lesser.owner}, few
		rFew, err := b.measure(ctx, j)
		if err != nil {
			return err
		}
		size[who] = float64(carried.bytes) / float64(count)
		cpu[who] = each(r.CPU, count)
		peak[who], peakFew[who] = float64(r.Peak), float64(rFew.Peak)
	}
	work := fmt.Sprintf("scan %d messages", count)
	b.add(
		size.line(1, work, "on the wire, each", bytesEach, 350),
		cpu.line(1, work, "client CPU, each", microseconds, 8e-6),
		peakFew.line(1, fmt.Sprintf("scan %d messages", few), "peak memory", megabytes, none),
		peak.line(1, work, "peak memory", megabytes, none),
	)
	return nil
}

// move puts a bag's mail into a new user's inbox, and lets Dovecot read it
// once: a server has its mail indexed when mail comes in.
func (b *bench) move(ctx context.Context, bag mailbag, count int, attached func(int) int) error {
	if err := b.server.AddUser(bag.owner, password); err != nil {
		return err
	}
	if err := bag.fill(b.server, "INBOX", count, attached); err != nil {
		return err
	}
	for _, who := range []side{sideBare, sideLib} {
		if _, err := b.measure(ctx, job{Work: "scan", Side: who, Users: []string{bag.owner}, Count: count}); err != nil {
			return err
		}
	}
	return nil
}

// importing is row 2: a mailbox of mail of all sizes, of which a twentieth is
// from contacts. Nobody may read a byte of the rest.
func (b *bench) importing(ctx context.Context) error {
	count := b.sizes.bulk
	bag := mailbag{seed: 3, owner: "bulk@office.example", share: 20, start: beginning}
	if err := b.move(ctx, bag, count, bag.longTail(count, b.sizes.bulkBytes, b.sizes.bulkWanted)); err != nil {
		return err
	}
	j := job{Work: "import", Users: []string{bag.owner}, Count: count}
	for n := range count {
		if bag.fromContact(n) {
			j.Wanted = append(j.Wanted, uint32(n+1))
		}
	}
	size, leaks, cpu, imported := trio{}, trio{}, trio{}, trio{}
	for _, who := range everybody {
		j.Side = who
		r, carried, err := b.overWire(ctx, j, private)
		if err != nil {
			return err
		}
		size[who], leaks[who], cpu[who] = float64(carried.bytes), float64(carried.marks)+float64(r.Refused), r.CPU.Seconds()
		if who == sideOurs {
			imported[who] = float64(r.Imported)
			if r.Imported != len(j.Wanted) {
				return fmt.Errorf("%d messages were imported, not the %d from contacts", r.Imported, len(j.Wanted))
			}
		}
	}
	work := fmt.Sprintf("import %d of %d messages, %.0f MB", len(j.Wanted), count, float64(b.sizes.bulkBytes)/1e6)
	b.add(
		size.line(2, work, "on the wire", megabytes, 40e6),
		leaks.line(2, work, "bodies of refused messages read", number, 0),
		cpu.line(2, work, "client CPU", seconds, none),
	)
	return nil
}

// look is row 3: what has changed in twenty folders, asked on a connection
// that stands. The first look is not counted, nor is logging in.
func (b *bench) look(ctx context.Context) error {
	user := "look@office.example"
	if err := b.server.AddUser(user, password); err != nil {
		return err
	}
	turns, size, cpu := trio{}, trio{}, trio{}
	for _, who := range everybody {
		j := job{Work: "look", Side: who, TLS: true, Users: []string{user}, Count: 1}
		_, once, err := b.overWire(ctx, j, "")
		if err != nil {
			return err
		}
		j.Count += b.sizes.looks
		_, carried, err := b.overWire(ctx, j, "")
		if err != nil {
			return err
		}
		r, err := b.measure(ctx, j)
		if err != nil {
			return err
		}
		more := carried.minus(once)
		turns[who] = float64(more.turns) / float64(b.sizes.looks)
		size[who] = float64(more.bytes) / float64(b.sizes.looks)
		cpu[who] = each(r.CPU, j.Count)
	}
	work := fmt.Sprintf("look at %d unchanged folders, TLS", len(manyFolders)+1)
	b.add(
		turns.line(3, work, "round trips", times, 1),
		size.line(3, work, "on the wire", kilobytes, 2700),
		cpu.line(3, work, "client CPU", microseconds, 400e-6),
	)
	return nil
}

// first is row 5: mailboxes that are linked, from the link until everything
// in them is read.
func (b *bench) first(ctx context.Context) error {
	users, err := b.addUsers("first", b.sizes.firsts)
	if err != nil {
		return err
	}
	count := b.sizes.inbox + len(workFolders)*b.sizes.folder
	wanted := 0
	for i, user := range users {
		for k, name := range append([]string{"INBOX"}, workFolders...) {
			bag := mailbag{seed: uint64(500 + 10*i + k), owner: user, share: 20, start: beginning}
			n := b.sizes.folder
			if name == "INBOX" {
				n = b.sizes.inbox
			}
			if err := bag.fill(b.server, name, n, small); err != nil {
				return err
			}
			for k := range n {
				wanted += bag.group(k)
			}
		}
	}
	r, err := b.measure(ctx, job{Work: "first", Side: sideOurs, TLS: true, Users: users})
	if err != nil {
		return err
	}
	if r.Imported != wanted {
		return fmt.Errorf("%d messages were imported, not the %d from contacts", r.Imported, wanted)
	}
	work := fmt.Sprintf("first sync, %d messages in %d folders, %d imported, TLS", count, len(workFolders)+1, wanted/len(users))
	b.add(trio{sideOurs: each(r.CPU, len(users))}.line(5, work, "client CPU", milliseconds, 20e-3))
	return nil
}

// backlog is row 7: mail that is all to be imported, in bulk.
func (b *bench) backlog(ctx context.Context) error {
	count := b.sizes.matched
	bag := mailbag{seed: 7, owner: "backlog@office.example", share: 1, start: beginning}
	total := int64(count) * matchedBytes
	if err := b.move(ctx, bag, count, bag.longTail(count, total, total)); err != nil {
		return err
	}
	j := job{Work: "import", Users: []string{bag.owner}, Count: count}
	for uid := range count {
		j.Wanted = append(j.Wanted, uint32(uid+1))
	}
	cpu, rate := trio{}, trio{}
	for _, who := range everybody {
		j.Side = who
		r, err := b.measure(ctx, j)
		if err != nil {
			return err
		}
		if who == sideOurs && r.Imported != count {
			return fmt.Errorf("%d of %d messages were imported", r.Imported, count)
		}
		cpu[who], rate[who] = each(r.CPU, count), float64(count)/r.Wall.Seconds()
	}
	work := fmt.Sprintf("import %d messages of %d KB on average", count, matchedBytes/1000)
	b.add(
		cpu.line(7, work, "client CPU, each", milliseconds, 1e-3),
		rate.line(7, work, "a second", perSecond, 1000),
	)
	return nil
}

// idle is rows 4 and 8: many mailboxes at which nothing happens but looks.
func (b *bench) idle(ctx context.Context) error {
	users, err := b.addUsers("idle", b.sizes.idle)
	if err != nil {
		return err
	}
	j := job{Work: "idle", TLS: true, Users: users, Interval: b.sizes.interval, Watch: b.sizes.watch}
	grown, astir, busy := trio{}, trio{}, trio{}
	for _, who := range everybody {
		j.Side = who
		r, err := b.measure(ctx, j)
		if err != nil {
			return err
		}
		grown[who] = float64(r.Growth) / float64(b.sizes.idle-1)
		if r.Wall > 0 {
			astir[who] = float64(r.Astir) / float64(b.sizes.idle-1)
			// Looks are what costs, so that rarer ones cost less by as much.
			busy[who] = r.CPU.Seconds() / r.Wall.Seconds() * b.sizes.interval.Seconds() / usualInterval.Seconds()
		}
		// Dovecot is slow to notice that a thousand clients have gone.
		if err := b.server.Restart(); err != nil {
			return err
		}
	}
	work := fmt.Sprintf("%d idle mailboxes, TLS", b.sizes.idle)
	b.add(
		grown.line(4, work, "memory, each", kilobytes, 64e3),
		astir.line(4, work, "memory, each, between looks", kilobytes, none),
		busy.line(8, work, "of one core, a look each 3 min", percent, 0.01),
	)
	return nil
}
