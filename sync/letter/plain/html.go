// Package plain makes readable text: of HTML, of format=flowed, and of a long
// answer the short beginning that is new.
package plain

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Bounds against markup that is made to be expensive: nothing a person wrote
// comes near them.
const (
	maxDepth = 12   // of quotes, and of lists
	maxHref  = 2000 // bytes of a link's address
)

// FromHTML renders HTML as text of at most limit bytes: paragraphs and table
// rows as lines, list items with their mark, quotations with "> ", links with
// their address behind them. The HTML must be UTF-8; it may be anything else
// but well-formed.
func FromHTML(markup []byte, limit int) string {
	r := renderer{out: make([]byte, 0, min(len(markup)/2, limit)+64), limit: limit}
	z := html.NewTokenizer(bytes.NewReader(markup))
	for len(r.out) < limit {
		switch z.Next() {
		case html.ErrorToken:
			return r.text()
		case html.TextToken:
			if r.hidden == 0 {
				r.words(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			r.open(atom.Lookup(name), z, more)
		case html.EndTagToken:
			name, _ := z.TagName()
			r.end(atom.Lookup(name))
		}
	}
	return r.text()
}

// renderer is the text so far and what is owed to it: space and line ends are
// written only once a word follows.
type renderer struct {
	out    []byte
	limit  int
	breaks int       // line ends owed
	space  bool      // a space is owed
	pre    int       // depth of <pre>
	quote  int       // depth of <blockquote>
	lists  []int     // the next number of each list we are in, 0 where it has none
	hidden atom.Atom // the element whose text is not for reading
	href   string    // address of the link we are in
	label  int       // where in out that link's text began
}

// text returns what was written, cut between two characters.
func (r *renderer) text() string {
	out := r.out
	if len(out) > r.limit {
		out = out[:r.limit]
		for len(out) > 0 && !utf8.Valid(out[max(0, len(out)-utf8.UTFMax):]) {
			out = out[:len(out)-1]
		}
	}
	return strings.TrimSpace(string(out))
}

// words writes text with its white space collapsed, or inside of <pre> line by line.
func (r *renderer) words(text []byte) {
	if r.pre > 0 {
		for i, line := range bytes.Split(text, []byte{'\n'}) {
			if i > 0 {
				r.breaks = min(r.breaks+1, 2)
			}
			if line = bytes.TrimRight(line, "\r"); len(line) > 0 {
				r.write(line)
			}
		}
		return
	}
	for len(text) > 0 {
		n, blank := 0, isBlank(text)
		for n < len(text) && (isBlank(text[n:]) > 0) == (blank > 0) {
			n += max(1, isBlank(text[n:]))
		}
		if blank > 0 {
			r.space = true
		} else {
			r.write(text[:n])
		}
		text = text[n:]
	}
}

// isBlank tells how many bytes of white space, the no-break one included,
// b begins with: those of one character, or 0.
func isBlank(b []byte) int {
	switch {
	case b[0] == ' ' || b[0] == '\n' || b[0] == '\r' || b[0] == '\t' || b[0] == '\f':
		return 1
	case b[0] == 0xC2 && len(b) > 1 && b[1] == 0xA0:
		return 2
	}
	return 0
}

// write pays what is owed and writes a word.
func (r *renderer) write(word []byte) {
	if len(r.out) > 0 && r.breaks > 0 {
		for range r.breaks {
			r.out = append(bytes.TrimRight(r.out, " "), '\n')
			r.prefix()
		}
	} else if len(r.out) == 0 {
		r.prefix()
	} else if r.space {
		r.out = append(r.out, ' ')
	}
	r.breaks, r.space = 0, false
	r.out = append(r.out, word...)
}

// prefix marks a line as quoted, by which a snippet leaves it out.
func (r *renderer) prefix() {
	for range min(r.quote, maxDepth) {
		r.out = append(r.out, "> "...)
	}
}

// line asks for at least n line ends before the next word.
func (r *renderer) line(n int) { r.breaks = max(r.breaks, n) }

func (r *renderer) open(tag atom.Atom, z *html.Tokenizer, attrs bool) {
	switch tag {
	case atom.Script, atom.Style, atom.Title, atom.Iframe, atom.Noembed, atom.Noframes:
		r.hidden = tag
	case atom.Br:
		r.breaks = min(r.breaks+1, 2)
	case atom.Hr:
		r.line(1)
		r.write([]byte("---"))
		r.line(1)
	case atom.A:
		r.closeLink()
		if href := attribute(z, attrs, "href"); isWeb(href) && len(href) <= maxHref {
			r.href, r.label = strings.TrimSpace(href), len(r.out)
		}
	case atom.Img:
		if alt := strings.TrimSpace(attribute(z, attrs, "alt")); alt != "" {
			r.words([]byte(alt))
		}
	case atom.Td, atom.Th:
		r.space = true
	case atom.Ul, atom.Ol:
		r.line(1)
		if len(r.lists) < maxDepth {
			r.lists = append(r.lists, 0)
			if tag == atom.Ol {
				r.lists[len(r.lists)-1] = 1
			}
		}
	case atom.Li:
		r.item()
	case atom.Blockquote:
		r.line(1)
		r.quote++
	case atom.Pre:
		r.line(1)
		r.pre++
	default:
		r.line(breaksAround(tag))
	}
}

// end closes an element. Closing what was never opened does no harm.
func (r *renderer) end(tag atom.Atom) {
	switch tag {
	case r.hidden:
		r.hidden = 0
	case atom.A:
		r.closeLink()
	case atom.Ul, atom.Ol:
		r.line(1)
		r.lists = r.lists[:max(0, len(r.lists)-1)]
	case atom.Blockquote:
		r.line(1)
		r.quote = max(0, r.quote-1)
	case atom.Pre:
		r.line(1)
		r.pre = max(0, r.pre-1)
	default:
		r.line(breaksAround(tag))
	}
}

// item begins a list item: a dash, or the number where the list has numbers.
func (r *renderer) item() {
	r.line(1)
	mark := "- "
	if n := len(r.lists); n > 0 {
		if r.lists[n-1] > 0 {
			mark = strconv.Itoa(r.lists[n-1]) + ". "
			r.lists[n-1]++
		}
		mark = strings.Repeat("  ", n-1) + mark
	}
	r.write([]byte(mark))
}

// closeLink writes the address behind a link's text, unless the text says it.
func (r *renderer) closeLink() {
	href := r.href
	r.href = ""
	if href == "" || r.label >= len(r.out) {
		return
	}
	label := strings.TrimSpace(string(r.out[r.label:]))
	bare := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(href, "https://"), "http://"), "/")
	if label == "" || strings.Contains(label, bare) {
		return
	}
	r.space = true
	r.write([]byte("<" + href + ">"))
}

func isWeb(href string) bool {
	href = strings.ToLower(strings.TrimSpace(href[:min(len(href), 16)]))
	return strings.HasPrefix(href, "http://") || strings.HasPrefix(href, "https://")
}

// attribute reads through the attributes of the current tag for one of them.
func attribute(z *html.Tokenizer, more bool, name string) string {
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		if string(key) == name {
			return string(value)
		}
	}
	return ""
}

// breaksAround tells how many line ends stand before and after an element.
func breaksAround(tag atom.Atom) int {
	switch tag {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return 2
	case atom.Div, atom.Table, atom.Tr, atom.Dl, atom.Dt, atom.Dd, atom.Section, atom.Article, atom.Header,
		atom.Footer, atom.Address, atom.Center, atom.Form, atom.Fieldset, atom.Body, atom.Caption:
		return 1
	}
	return 0
}
