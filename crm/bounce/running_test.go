package bounce

import (
	"slices"
	"testing"
)

func TestAddressesIn(t *testing.T) {
	cases := []struct {
		text string
		want []string
	}{
		{"<ken@customer.example>: 550", []string{"ken@customer.example"}},
		{"to ken@customer.example, ai@customer.example.", []string{"ken@customer.example", "ai@customer.example"}},
		{"RCPT TO:<ken@customer.example>", []string{"ken@customer.example"}},
		{"address=ken@customer.example...", []string{"ken@customer.example"}},
		{"ken..k.@docomo.ne.jp", []string{"ken..k.@docomo.ne.jp"}},
		{`<"ken k"@customer.example>`, []string{`"ken k"@customer.example`}},
		{"宛先ken@customer.exampleへは送信できませんでした。", []string{"ken@customer.example"}},
		{"山田@customer.example", []string{"山田@customer.example"}},
		{"ken@customer.example(ai@customer.example)", []string{"ken@customer.example", "ai@customer.example"}},
		{"@ a@ @b a@.", nil},
		{`"@"@"@`, nil},
		{"", nil},
	}
	for _, c := range cases {
		var got []string
		for begin, end := range addressesIn(c.text) {
			got = append(got, c.text[begin:end])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.text, got, c.want)
		}
	}
}
