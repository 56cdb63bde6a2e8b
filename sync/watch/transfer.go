package watch

import (
	"context"
	"time"

	"go.uber.org/zap"

	"mailsyncd.example/crm"
)

// transferPatience is how long trying a link's credential elsewhere may take.
const transferPatience = time.Minute

// transfer tries the links that their presets want elsewhere, each with its own
// credential, and takes those there that work. It reports whether any went. One
// that does not stays where it is and says why; a credential that the other
// server refuses for good is not tried there again, anything else at the next
// connect.
func (k *keeper) transfer(ctx context.Context, wanted []crm.Login) (gone bool, err error) {
	for _, login := range wanted {
		went, err := k.transferOne(ctx, login)
		if err != nil {
			return gone, err
		}
		gone = gone || went
	}
	return gone, nil
}

func (k *keeper) transferOne(ctx context.Context, login crm.Login) (went bool, err error) {
	trying, cancel := context.WithTimeout(ctx, transferPatience)
	defer cancel()
	found := k.w.Probe(trying, login)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	fence, err := k.fence()
	if err != nil {
		return false, err
	}
	to := crm.Transfer{Server: login.Server, Username: login.Username}
	if found.Err == nil {
		_, err = k.w.o.Store.TransferLink(ctx, k.place.account, login.Link, to, "", fence, k.w.o.Now())
		went = err == nil
	} else {
		to.Detail = words(found.Err)
		switch crm.KindOf(found.Err) {
		case crm.Rejected, crm.Invalid, crm.Forbidden:
			to.Refused = true
		}
		err = k.w.o.Store.KeepLink(ctx, k.place.account, login.Link, to)
	}
	k.w.o.Log.Info("a link's preset was edited; its credential was tried at the new server",
		zap.String("link", string(login.Link)), zap.Bool("follows", went), zap.NamedError("why", found.Err))
	if crm.KindOf(err) == crm.NotFound || crm.CodeOf(err) == "link_ended" {
		return false, nil // it has ended meanwhile
	}
	return went, err
}
