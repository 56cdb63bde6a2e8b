package dedupe

import (
	"slices"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

// letter is a head with everything in it.
func letter(change func(h *crm.Head)) crm.Head {
	h := crm.Head{
		HeaderID: "1@customer.example",
		From:     []crm.Person{{Name: "Ken", Address: "ken@customer.example"}},
		To:       []crm.Person{{Address: "info@acme.example"}, {Address: "aoi@acme.example"}},
		Cc:       []crm.Person{{Address: "ben@acme.example"}},
		Subject:  "Estimate",
		Date:     time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC),
	}
	change(&h)
	return h
}

func same(*crm.Head) {}

func identify(t *testing.T, h crm.Head, digest *[32]byte) crm.Identity {
	t.Helper()
	id, ok := Identify(h, digest)
	if !ok {
		t.Fatal("no identity")
	}
	return id
}

func TestWhatMakesAnIdentity(t *testing.T) {
	base := identify(t, letter(same), nil)
	for _, c := range []struct {
		name   string
		change func(h *crm.Head)
		same   bool
	}{
		{"nothing changed", same, true},
		{"names", func(h *crm.Head) { h.From[0].Name = "Ken via gateway" }, true},
		{"order of To", func(h *crm.Head) { slices.Reverse(h.To) }, true},
		{"moved from Cc to To", func(h *crm.Head) { h.To, h.Cc = append(h.To, h.Cc...), nil }, true},
		{"named in To and Cc", func(h *crm.Head) { h.Cc = append(h.Cc, h.To[0]) }, true},
		{"Bcc in the sender's copy", func(h *crm.Head) { h.Bcc = []crm.Person{{Address: "x@other.example"}} }, true},
		{"references", func(h *crm.Head) { h.References = []crm.HeaderID{"0@x"} }, true},
		{"another zone", func(h *crm.Head) { h.Date = h.Date.In(time.FixedZone("JST", 9*3600)) }, true},
		{"white space around the Message-ID", func(h *crm.Head) { h.HeaderID = " 1@customer.example\t" }, true},
		{"subject tagged", func(h *crm.Head) { h.Subject = "[EXTERNAL]  Estimate" }, true},

		{"another Message-ID", func(h *crm.Head) { h.HeaderID = "2@customer.example" }, false},
		{"its letter case", func(h *crm.Head) { h.HeaderID = "1@Customer.example" }, false},
		{"another sender", func(h *crm.Head) { h.From[0].Address = "eve@other.example" }, false},
		{"one sender more", func(h *crm.Head) { h.From = append(h.From, h.To[0]) }, false},
		{"one recipient less", func(h *crm.Head) { h.Cc = nil }, false},
		{"sender and recipient changed over", func(h *crm.Head) { h.From, h.Cc = h.Cc, h.From }, false},
		{"a second later", func(h *crm.Head) { h.Date = h.Date.Add(time.Second) }, false},
		{"no date", func(h *crm.Head) { h.Date = time.Time{} }, false},
		{"another subject", func(h *crm.Head) { h.Subject = "Estimates" }, false},
		{"a reply", func(h *crm.Head) { h.Subject = "Re: Estimate" }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := identify(t, letter(c.change), nil) == base; got != c.same {
				t.Errorf("same: %v, want %v", got, c.same)
			}
		})
	}
}

func TestContentDecidesWhereThereIsNoMessageID(t *testing.T) {
	without := letter(func(h *crm.Head) { h.HeaderID = " " })
	if _, ok := Identify(without, nil); ok {
		t.Error("an identity out of nothing but a date and a subject")
	}
	one, two := [32]byte{1}, [32]byte{2}
	if identify(t, without, &one) == identify(t, without, &two) {
		t.Error("two contents, one identity")
	}
	// Whoever has read the content must come to the same identity as whoever
	// has read the header only.
	if identify(t, letter(same), nil) != identify(t, letter(same), &one) {
		t.Error("the content changed the identity of a message with a Message-ID")
	}
}

func TestPlainSubject(t *testing.T) {
	for subject, want := range map[string]string{
		"":                              "",
		"Re: Estimate":                  "Re:Estimate",
		"Re:\t Esti mate ":              "Re:Estimate",
		"[EXTERNAL] Re: Estimate":       "Re:Estimate",
		"[spam] [sales:00123] Estimate": "Estimate",
		"***SPAM*** Estimate":           "Estimate",
		"*****SPAM***** [x]Estimate":    "Estimate",
		"【社外】【重要】御見積":                   "御見積",
		"［社外］御見積":                       "御見積",
		"{Spam?} (list 12) Estimate":    "Estimate",
		"SPAM: External: Estimate":      "Estimate",
		"[EXTERNAL]":                    "",
		"Estimate [draft]":              "Estimate[draft]",
		"[no end":                       "[noend",
		"[] x":                          "x",
		"* one * two":                   "*one*two",
		"**":                            "**",
		"External audit":                "Externalaudit",
		"ｶﾀﾛｸﾞ ＡＢＣ":                     "カタログABC",
		"10〜20−30":                      "10~20-30",
		"10～20－30":                      "10~20-30",
		"[" + string(make([]byte, longest)) + "] x": "[" + string(make([]byte, longest)) + "]x",
	} {
		if got := plainSubject(subject); got != want {
			t.Errorf("%q: got %q, want %q", subject, got, want)
		}
	}
}
