package api_test

import (
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// linkByPreset makes a preset, and Uwe's link from it.
func (o *office) linkByPreset(t *testing.T) (wire.Preset, wire.Link) {
	t.Helper()
	preset := must(o.as["mona"].CreatePreset(t.Context(), wire.PresetInput{Name: "Office", IMAP: wire.ServerInput{Host: "old.sakura.example"}}))(t)
	id := wire.ID(preset.ID)
	return preset, must(o.as["uwe"].CreateLink(t.Context(), wire.LinkInput{PresetID: &id, Address: "uwe@sakura.example", Password: "correct horse"}))(t)
}

// Who edits a preset is told how many links follow, and the links where they
// are to be.
func TestEditedPreset(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	preset, link := o.linkByPreset(t)
	starttls := crm.SecuritySTARTTLS
	in := wire.PresetInput{Name: "Office", IMAP: wire.ServerInput{Host: "new.sakura.example", Security: &starttls}, Username: crm.UsernameLocalPart}
	updated := must(o.as["mona"].UpdatePreset(ctx, preset.ID, in))(t)
	if updated.LinksFollowing != 1 || updated.IMAP.Host != "new.sakura.example" {
		t.Errorf("the preset is %+v", updated)
	}
	l := must(o.as["uwe"].Link(ctx, link.ID))(t)
	want := wire.Transfer{IMAP: wire.Server{Host: "new.sakura.example", Port: 143, Security: "starttls"}, Username: "uwe"}
	if l.Transfer == nil || *l.Transfer != want || l.IMAP != link.IMAP {
		t.Errorf("the link is %+v %+v", l, l.Transfer)
	}
	standing := must(o.store.Standing(ctx, o.account, link.MailboxID))(t)
	to := standing.Transfers[0]
	kept := crm.Transfer{Server: to.Server, Username: to.Username, Detail: "Wrong password; type it again.", Refused: true}
	if err := o.store.KeepLink(ctx, o.account, link.ID, kept); err != nil {
		t.Fatal(err)
	}
	if l = must(o.as["mona"].Links(ctx))(t)[0]; l.Transfer == nil || !l.Transfer.Refused || l.Transfer.Detail != kept.Detail {
		t.Errorf("the manager sees %+v", l.Transfer)
	}
	in.IMAP = wire.ServerInput{Host: "old.sakura.example"}
	in.Username = crm.UsernameAddress
	if updated = must(o.as["mona"].UpdatePreset(ctx, preset.ID, in))(t); updated.LinksFollowing != 0 {
		t.Errorf("back as it was: %+v", updated)
	}
	if l = must(o.as["uwe"].Link(ctx, link.ID))(t); l.Transfer != nil {
		t.Errorf("and the link: %+v", l.Transfer)
	}
}

// A new password is never sent in the clear because a preset says so.
func TestPasswordIsNotSentInTheClear(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	preset, link := o.linkByPreset(t)
	clear := crm.SecurityNone
	in := wire.PresetInput{Name: "Office", IMAP: wire.ServerInput{Host: "new.sakura.example", Security: &clear}}
	if updated := must(o.as["mona"].UpdatePreset(ctx, preset.ID, in))(t); updated.LinksFollowing != 0 {
		t.Errorf("the preset is %+v", updated)
	}
	l := must(o.as["uwe"].ChangePassword(ctx, link.ID, "another"))(t)
	if l.Transfer == nil || !l.Transfer.Refused || l.IMAP != link.IMAP {
		t.Errorf("the link is %+v %+v", l, l.Transfer)
	}
	if last := o.watcher.logins[len(o.watcher.logins)-1]; last.Server.Host != "old.sakura.example" || len(o.watcher.logins) != 2 {
		t.Errorf("the password was sent to %+v", o.watcher.logins)
	}
}

// The password for the new server takes the link there.
func TestPasswordOfTheNewServer(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	preset, link := o.linkByPreset(t)
	must(o.as["mona"].UpdatePreset(ctx, preset.ID, wire.PresetInput{Name: "Office", IMAP: wire.ServerInput{Host: "new.sakura.example"}}))(t)
	o.watcher.refuses = "new.sakura.example"
	l := must(o.as["uwe"].ChangePassword(ctx, link.ID, "for the old one"))(t)
	if l.IMAP.Host != "old.sakura.example" || l.Transfer == nil {
		t.Errorf("with a password for where it is: %+v", l)
	}
	o.watcher.refuses = "old.sakura.example"
	l = must(o.as["uwe"].ChangePassword(ctx, link.ID, "for the new one"))(t)
	if l.IMAP.Host != "new.sakura.example" || l.Transfer != nil || l.MailboxID == link.MailboxID || !l.LinkedAt.Equal(link.LinkedAt) {
		t.Errorf("with the password for the new one: %+v", l)
	}
	if s := must(o.store.Standing(ctx, o.account, l.MailboxID))(t); s.Logins[0].Secret != "for the new one" {
		t.Error("it stands there with another password")
	}
}
