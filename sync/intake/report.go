package intake

import (
	"context"
	"crypto/sha256"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/bounce"
	"mailsyncd.example/crm/rule"
)

// statusBytes is how much of a delivery status is read: what is said of a
// hundred addresses is half of it.
const statusBytes = 64 << 10

// status is what a delivery report says.
type status struct {
	env     crm.Envelope
	digest  [32]byte
	bounces []crm.Bounce
}

// heedReports reads the delivery status of delivery reports among the refused
// mail of a part, where the account has switched that on, and notes what they
// say of contacts. Their outcome stays what it is. Addresses that are no
// contact's are forgotten here.
func (j *Journey) heedReports(ctx context.Context, s Stretch, p *part) error {
	reports := map[crm.UID]*mail{}
	var asked []crm.UID
	for _, m := range p.mails {
		if rule.ReadsStatus(m.env, m.outcome, p.reportsSince) {
			reports[m.env.UID] = m
			asked = append(asked, m.env.UID)
		}
	}
	// Where each try has broken the connection, the mail is looked at without.
	if len(asked) == 0 || s.Care >= careToPass-1 {
		return nil
	}
	var said []status
	var about []crm.Address
	err := s.Box.Statuses(ctx, asked, statusBytes, func(uid crm.UID, content []byte) {
		m := reports[uid]
		if m == nil {
			return
		}
		p.receipt.Reports++
		st := status{m.env, sha256.Sum256(content), bounce.Report(content, m.env.ReceivedAt)}
		for _, b := range st.bounces {
			about = append(about, b.Address)
		}
		said = append(said, st)
	})
	if err != nil || len(about) == 0 {
		return err
	}
	facts, err := j.o.Store.Facts(ctx, s.Folder.Account, about)
	if err != nil {
		return err
	}
	for _, st := range said {
		for _, b := range st.bounces {
			if contacts := rule.Concerned(b.Address, st.env.ReceivedAt, facts); len(contacts) > 0 {
				p.reported = append(p.reported, crm.Reported{Bounce: b, Contacts: contacts, Digest: st.digest})
			}
		}
	}
	return nil
}
