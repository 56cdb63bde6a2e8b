package letter

import (
	"slices"
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

// The addresses of a bounce come from its report, whatever its transfer encoding,
// beside the header of the message that is returned.
func TestBounces(t *testing.T) {
	raw := `From: MAILER-DAEMON@acme.example
To: dan@acme.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Somebody could not be reached.
--b
Content-Type: message/delivery-status
Content-Transfer-Encoding: base64

UmVwb3J0aW5nLU1UQTogZG5zOyBtYWlsLmFjbWUuZXhhbXBsZQoKRmluYWwtUmVjaXBpZW50
OiByZmM4MjI7IHByaXZhdGVAZWxzZXdoZXJlLmV4YW1wbGUKQWN0aW9uOiBmYWlsZWQKU3Rh
dHVzOiA1LjEuMQo=
--b
Content-Type: TYPE

Received: from mail.acme.example by mx.customer.example for <ken@customer.example>; Fri, 20 Nov 2026 10:00:00 +0900
To: Ken <ken@customer.example>

--b--`
	for _, media := range []string{"message/rfc822", "text/rfc822-headers"} {
		l := open(t, strings.ReplaceAll(raw, "TYPE", media))
		want := []crm.Bounce{{Address: "ken@customer.example", Status: "5.1.1", Severity: crm.Soft}}
		if l.Kind != crm.KindBounce || !slices.Equal(l.Bounces, want) {
			t.Errorf("%s: %s %v", media, l.Kind, l.Bounces)
		}
	}
	reply := open(t, "From: ken@customer.example\nSubject: Re: offer\n\nai@customer.example: 550 user unknown, I hear.\n")
	if reply.Kind != crm.KindPersonal || reply.Bounces != nil {
		t.Errorf("a person's: %s %v", reply.Kind, reply.Bounces)
	}
}
