package letter

import (
	"bytes"
	"strings"
	"testing"
)

// ordinary is what most mail looks like: 5 KB, a good part of it about the
// way that it took, an alternative of text and HTML, quoted-printable.
func ordinary() []byte {
	var b strings.Builder
	b.WriteString("Return-Path: <ken@customer.example>\n")
	for range 4 {
		b.WriteString("Received: from mx.customer.example (mx.customer.example [192.0.2.1])\n\tby mx.acme.example (Postfix) with ESMTPS id 4F3C21A0042\n\tfor <info@acme.example>; Mon,  2 Mar 2026 10:00:01 +0900 (JST)\n")
	}
	b.WriteString("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=customer.example;\n\ts=s1; h=from:to:subject; bh=" + strings.Repeat("x", 44) + "=;\n\tb=" + strings.Repeat("y", 340) + "\n")
	b.WriteString(`Message-ID: <20260302100000.1234@customer.example>
In-Reply-To: <20260301090000.99@acme.example>
References: <20260228090000.98@customer.example>
 <20260301090000.99@acme.example>
Date: Mon, 2 Mar 2026 10:00:00 +0900
From: =?UTF-8?B?5bGx55Sw5aSq6YOO?= <ken@customer.example>
To: "Info" <info@acme.example>, aoi@acme.example
Subject: =?UTF-8?B?UmU6IOOBiuimi+epjeOCiuOBruS7tuOBq+OBpOOBhOOBpg==?=
MIME-Version: 1.0
X-Mailer: Something 1.0
Content-Type: multipart/alternative; boundary="----=_Part_1_2.3"

------=_Part_1_2.3
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: quoted-printable

`)
	for range 6 {
		b.WriteString("=E3=81=8A=E4=B8=96=E8=A9=B1=E3=81=AB=E3=81=AA=E3=81=A3=E3=81=A6=E3=81=\n=8A=E3=82=8A=E3=81=BE=E3=81=99=E3=80=82 Thank you for the estimate.\n")
	}
	b.WriteString("\nOn Sun, 1 Mar 2026 09:00:00 +0900, Info wrote:\n> Please find it attached.\n\n------=_Part_1_2.3\nContent-Type: text/html; charset=UTF-8\nContent-Transfer-Encoding: quoted-printable\n\n<html><head><style>p{margin:0}</style></head><body>\n")
	for range 12 {
		b.WriteString("<p style=3D\"font-family:sans-serif\">=E3=81=8A=E4=B8=96=E8=A9=B1=E3=81=AB <a=\n href=3D\"https://customer.example/\">Thank you</a> for the estimate.</p>\n")
	}
	b.WriteString("</body></html>\n------=_Part_1_2.3--\n")
	return []byte(strings.ReplaceAll(b.String(), "\n", "\r\n"))
}

func BenchmarkOpen(b *testing.B) {
	raw := ordinary()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open(bytes.NewReader(raw)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenWithAttachment(b *testing.B) {
	line := strings.Repeat("QUJD", 19) + "\r\n"
	raw := []byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHi\r\n--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		strings.Repeat(line, 10<<20/len(line)) + "--b--\r\n")
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open(bytes.NewReader(raw)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadHead(b *testing.B) {
	raw := ordinary()
	raw = raw[:bytes.Index(raw, []byte("\r\n\r\n"))+4]
	b.ReportAllocs()
	for b.Loop() {
		ReadHead(raw)
	}
}
