package plain

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFromHTML(t *testing.T) {
	cases := []struct{ name, html, want string }{
		{"paragraphs", "<p>One</p>\n<p>Two</p>", "One\n\nTwo"},
		{"line breaks", "One<br>Two<br/><br>Three<br><br><br>Four", "One\nTwo\n\nThree\n\nFour"},
		{"inline markup joins words", "<b>O</b>ne <i>two</i>  three\n four", "One two three four"},
		{"entities", "&lt;a&gt; &amp; b&nbsp;c &#12354;", "<a> & b c あ"},
		{"what is not for reading", "<title>T</title><style>p{}</style><script>x()</script><p>Text</p><!-- no -->", "Text"},
		{"a link", `See <a href="https://example.com/x">our offer</a>.`, "See our offer <https://example.com/x>."},
		{"a link that shows its address", `<a href="https://example.com/">example.com</a>`, "example.com"},
		{"a link to nowhere", `<a href="javascript:x()">here</a> <a name=x>there</a>`, "here there"},
		{"links that are not closed", `<a href="http://a.example">a<a href="http://b.example">b`, "a <http://a.example>b"},
		{"a list", "<ul><li>One<li>Two<ol><li>a</li><li>b</li></ol></ul>End", "- One\n- Two\n  1. a\n  2. b\nEnd"},
		{"a table", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"},
		{"a quotation", "Yes.<blockquote>Shall we?<br>Or not?<blockquote>Hm</blockquote></blockquote>Bye", "Yes.\n> Shall we?\n> Or not?\n> > Hm\nBye"},
		{"preformatted text", "<pre>a  b\n  c</pre>", "a  b\n  c"},
		{"an image", `<img alt="Logo" src=x><img src=y>`, "Logo"},
		{"Japanese", "<div>お世話に</div><div>なります</div>", "お世話に\nなります"},
		{"a tag that never ends", "Text <a href=", "Text"},
		{"not HTML at all", "a < b", "a < b"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := FromHTML([]byte(c.html), 1000); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestFromHTMLIsBounded(t *testing.T) {
	for _, html := range []string{
		strings.Repeat("あ", 10_000),
		strings.Repeat("<blockquote>x<br>", 10_000),
		strings.Repeat("<ul><li>x", 10_000),
		strings.Repeat(`<a href="http://`+strings.Repeat("x", 1900)+`">a`, 100),
	} {
		got := FromHTML([]byte(html), 1000)
		if len(got) > 1000 || !utf8.ValidString(got) {
			t.Errorf("%.20q…: %d bytes, valid: %v", html, len(got), utf8.ValidString(got))
		}
	}
}

func TestUnflow(t *testing.T) {
	cases := []struct {
		name, text string
		delsp      bool
		want       string
	}{
		{"lines join", "One \ntwo \nthree\nfour\n", false, "One two three\nfour\n"},
		{"delsp takes the space", "お世話に \nなります\n", true, "お世話になります\n"},
		{"quoted lines join among themselves", "> a \n> b\n>> c \n>d\ne", false, "> a b\n>> c \n> d\ne"},
		{"stuffing goes", " >not quoted\n From me", false, ">not quoted\nFrom me"},
		{"a signature never joins", "Bye \n-- \nKen", false, "Bye \n-- \nKen"},
		{"the last line goes on into nothing", "a ", true, "a "},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := Unflow(c.text, c.delsp); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzFromHTML(f *testing.F) {
	f.Add("<p>a<br><blockquote><ul><li><a href='http://x'>b</a><pre>\n</pre><table><td>")
	f.Fuzz(func(t *testing.T, html string) {
		html = strings.ToValidUTF8(html, "")
		if got := FromHTML([]byte(html), 500); len(got) > 500 || !utf8.ValidString(got) {
			t.Errorf("%q: %q", html, got)
		}
	})
}
