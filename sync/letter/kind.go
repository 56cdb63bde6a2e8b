package letter

import "mailsyncd.example/crm"

// classify tells what wrote the message.
func classify(_ *header, _ *crm.Letter, _ []string) (crm.MessageKind, []string) {
	return crm.KindPersonal, nil
}
