package api

import (
	"context"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// explain looks for a mail in the caller's own mailbox, on the server itself.
func (s *server) explain(ctx context.Context, in *struct{ Body wire.ExplainInput }) (*page[wire.Explanation], error) {
	id := wire.HeaderID(string(in.Body.MessageID))
	if id == "" {
		return nil, crm.E(crm.Invalid, "message_id_invalid", "Give the Message-ID of the mail, such as <123@mail.example.com>.")
	}
	l, err := s.standingLink(ctx)
	if err != nil {
		return nil, err
	}
	looking, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	found, err := s.Watcher.Explain(looking, l.Account, l.Mailbox, id)
	if err != nil {
		return nil, err
	}
	return &page[wire.Explanation]{wire.List[wire.Explanation]{Items: wire.Each(found, wire.ExplanationOf)}}, nil
}
