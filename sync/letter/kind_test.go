package letter

import (
	"strings"
	"testing"
	"time"

	"mailsyncd.example/crm"
)

// An absence is over at the end of a day where its writer is.
func TestAbsenceOfLetter(t *testing.T) {
	l := open(t, `From: yamada@customer.example
Date: Mon, 10 Aug 2026 18:00:00 +0900
Auto-Submitted: auto-replied
Subject: =?ISO-2022-JP?B?GyRCSVQ6X0RMQ04bKEI=?=
Content-Type: text/plain; charset=utf-8

８月１３日（木）まで夏季休業とさせていただきます。`)
	end := time.Date(2026, 8, 15, 0, 0, 0, 0, time.FixedZone("", 9*60*60))
	if l.Kind != crm.KindAutoReply || l.Absence.ReturnsOn != "2026-08-14" || !l.Absence.Until.Equal(end) {
		t.Errorf("%s %v", l.Kind, l.Absence)
	}
	person := open(t, `From: yamada@customer.example
Date: Mon, 10 Aug 2026 18:00:00 +0900
Subject: Re: offer

I am away until August 13.`)
	if person.Kind != crm.KindPersonal || person.Absence != (crm.Absence{}) {
		t.Errorf("a person's: %s %v", person.Kind, person.Absence)
	}
}

func TestSuspectLetter(t *testing.T) {
	l := open(t, `Authentication-Results: mx.acme.example;
	spf=pass smtp.mailfrom=forger.example;
	dmarc=fail (p=NONE)
	header.from=customer.example
From: yamada@customer.example
Subject: Re: offer
In-Reply-To: <1@acme.example>

Please stop.`)
	if l.Kind != crm.KindPersonal || !strings.Contains(l.Suspect, "dmarc=fail") {
		t.Errorf("%s %q", l.Kind, l.Suspect)
	}
}
