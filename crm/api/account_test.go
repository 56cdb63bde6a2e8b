package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

func TestAccountsLife(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	a := must(o.client.CreateAccount(ctx, "Ume"))(t)
	if a.Status != crm.AccountActive || !a.MailEnabled || a.ContactVisibility != crm.VisibleAll || a.DeliveryReports || !strings.HasPrefix(string(a.ID), "acc_") {
		t.Errorf("a new account is %+v", a)
	}
	off, only := false, crm.VisibleOwnerOnly
	changed := must(o.client.UpdateAccount(ctx, a.ID, wire.AccountPatch{AccountSettings: wire.AccountSettings{MailEnabled: &off, ContactVisibility: &only}}))(t)
	if changed.Name != "Ume" || changed.MailEnabled || changed.ContactVisibility != only || changed.Status != crm.AccountActive {
		t.Errorf("the changed account is %+v", changed)
	}
	on := true
	changed = must(o.client.UpdateAccount(ctx, a.ID, wire.AccountPatch{AccountSettings: wire.AccountSettings{DeliveryReports: &on}}))(t)
	if !changed.DeliveryReports || changed.MailEnabled || changed.ContactVisibility != only {
		t.Errorf("the account that has delivery reports read is %+v", changed)
	}
	if got := body(t, must(o.client.Send(ctx, "GET", "/v1/accounts/"+string(a.ID), "", nil))(t)); !strings.Contains(got, `"delivery_reports":true`) {
		t.Errorf("the account is shown as %s", got)
	}
	key := must(o.client.CreateKey(ctx, a.ID))(t)
	if err := o.client.DeleteAccount(ctx, a.ID); err != nil {
		t.Fatal(err)
	}
	_, err := o.client.As(key).Links(ctx)
	wantCode(t, err, "token_invalid")
	wantCode(t, o.client.DeleteAccount(ctx, a.ID), "account_not_found")
}

// An account whose files could not all be erased is deleted to its end by
// deleting it again.
func TestDeletingAnAccountCanBeRepeated(t *testing.T) {
	o := newOffice(t)
	o.link(t, "uwe")
	o.blobs.err = errors.New("the disk is gone")
	wantCode(t, o.client.DeleteAccount(t.Context(), o.account), "content_not_erased")
	wantCode(t, o.client.DeleteAccount(t.Context(), o.account), "content_not_erased")
	o.blobs.err = nil
	wantCode(t, o.client.DeleteAccount(t.Context(), o.account), "account_not_found")
}

func TestKeysAreShownOnceAndCanBeTakenAway(t *testing.T) {
	o := newOffice(t)
	path := "/v1/accounts/" + string(o.account) + "/keys"
	made := decode[wire.NewKey](t, body(t, must(o.client.Send(t.Context(), "POST", path, "application/json", strings.NewReader(`{"name":"CRM"}`)))(t)))
	if !strings.HasPrefix(made.Secret, "msk_") || len(made.Secret) != len("msk_")+32 {
		t.Errorf("the key is %q", made.Secret)
	}
	list := body(t, must(o.client.Send(t.Context(), "GET", path, "", nil))(t))
	if strings.Contains(list, "msk_") || !strings.Contains(list, string(made.ID)) {
		t.Errorf("the list of keys is %s", list)
	}
	if status := callStatus(t, o.client, "DELETE "+path+"/"+string(made.ID)); status != http.StatusNoContent {
		t.Errorf("deleting the key: %d", status)
	}
	_, err := o.client.As(made.Secret).Links(t.Context())
	wantCode(t, err, "token_invalid")
	if status := callStatus(t, o.client, "GET /v1/accounts/acc_0/keys"); status != http.StatusNotFound {
		t.Errorf("the keys of no account: %d", status)
	}
}

func TestUsersLife(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	in := wire.UserInput{Email: "New.One@Sakura.example", Name: "新人", Role: crm.RoleUser, Aliases: []string{"info@sakura.example", "INFO@sakura.example"}}
	status := func(id string) int {
		return callStatus(t, o.key, `PUT /v1/users/`+id+` {"email":"x@sakura.example","role":"user"}`)
	}
	if first, second := status("x"), status("x"); first != http.StatusCreated || second != http.StatusOK {
		t.Errorf("putting a user answers %d, and then %d", first, second)
	}
	made := must(o.key.PutUser(ctx, "new one@crm", in))(t)
	if made.Email != "new.one@sakura.example" || len(made.Aliases) != 1 || !made.Active || made.Name != "新人" || made.ID != "new one@crm" {
		t.Errorf("the user is %+v", made)
	}
	if made.CreatedAt.IsZero() || made.UpdatedAt.IsZero() {
		t.Errorf("made at %v, changed at %v", made.CreatedAt, made.UpdatedAt)
	}
	token := o.key.As(must(o.key.UserToken(ctx, "new one@crm"))(t))
	must(token.Threads(ctx, nil))(t)
	inactive := false
	in.Active = &inactive
	must(o.key.PutUser(ctx, "new one@crm", in))(t)
	_, err := token.Threads(ctx, nil)
	wantCode(t, err, "token_invalid")
	_, err = o.key.UserToken(ctx, "new one@crm")
	wantCode(t, err, "user_inactive")
	if err := o.key.DeleteUser(ctx, "new one@crm"); err != nil {
		t.Fatal(err)
	}
	_, err = o.key.UserToken(ctx, "new one@crm")
	wantCode(t, err, "user_not_found")
}
