package letter

import (
	"strings"
	"testing"
)

func TestIsReport(t *testing.T) {
	for value, want := range map[string]bool{
		" multipart/report; report-type=delivery-status; boundary=x":                true,
		`MULTIPART/REPORT;boundary="a;report-type=b";Report-Type="Delivery-Status"`: true,
		"multipart/report; report-type*=us-ascii''delivery-status":                  true,
		"multipart/report; boundary=x":                                              false,
		"multipart/report; report-type=disposition-notification":                    false,
		"multipart/mixed; report-type=delivery-status":                              false,
		"multipart/reports; report-type=delivery-status":                            false,
		"": false,
	} {
		if got := IsReport([]byte(value)); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

func TestStatusPart(t *testing.T) {
	for block, want := range map[string]string{
		"Content-Type: message/delivery-status\r\n\r\n":                                               "status",
		"content-transfer-encoding: Base64\nContent-Type:\n message/delivery-status; charset=x\n":     "status base64",
		"Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: quoted-printable": "status quoted-printable",
		"Content-Type: message/rfc822\r\n\r\n":                                                        "",
		"Content-Type: text/plain; name=\"message/delivery-status\"\r\n\r\n":                          "",
		"Content-Description: message/delivery-status\r\n\r\n":                                        "",
		"": "",
	} {
		encoding, is := StatusPart([]byte(block))
		got := ""
		if is {
			got = strings.TrimSpace("status " + encoding)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", block, got, want)
		}
	}
}

func TestDecode(t *testing.T) {
	for _, c := range []struct{ encoding, content, want string }{
		{"", "Action: failed\r\n\r\nStatus: 5.1.1\r\n", "Action: failed\r\n\r\nStatus: 5.1.1"},
		{"7bit", "", ""},
		{"base64", "QWN0aW9u\r\nOiBmYWls\r\nZWQ=\r\n", "Action: failed"},
		{"quoted-printable", "Diagnostic-Code: a=\r\nb =3D c", "Diagnostic-Code: ab = c"},
		{"x-unheard-of", "as it stands", "as it stands"},
		{"", strings.Repeat("x", 100_000), strings.Repeat("x", 100_000)},
	} {
		if got := string(Decode(c.encoding, []byte(c.content))); got != c.want {
			t.Errorf("%s %.40q: %.60q", c.encoding, c.content, got)
		}
	}
}
