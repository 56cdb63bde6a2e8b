package safehtml

import (
	"regexp"
	"sync"

	"github.com/microcosm-cc/bluemonday"
)

// policy is what mail programs write and browsers can't be hurt by. It has no
// id and no class, which could reach the page around the message, and no form.
// It is made once, since that takes longer than to clean a message, and never
// changed.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	var (
		number = regexp.MustCompile(`^-?[0-9]{1,5}(%|px)?$`)
		colour = regexp.MustCompile(`^#?[0-9A-Za-z]{1,30}$`)
		word   = regexp.MustCompile(`^[A-Za-z-]{1,20}$`)
		face   = regexp.MustCompile(`^[\pL\pN ,.'"_-]{1,200}$`)
	)
	p := bluemonday.NewPolicy()
	p.AllowElements("a", "abbr", "address", "article", "aside", "b", "big", "blockquote", "br", "caption", "center", "cite", "code",
		"col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6",
		"header", "hr", "i", "img", "ins", "kbd", "li", "main", "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section", "small",
		"span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr")
	p.AllowNoAttrs().OnElements("a", "font", "img", "span")
	// What stands in these is not for reading. bluemonday adds scripts,
	// styles, frames and objects by itself.
	p.SkipElementsContent("title", "svg", "math", "template", "textarea", "select", "audio", "video")

	p.AllowAttrs("style").Globally() // judged by the second pass
	p.AllowAttrs("title").Globally()
	p.AllowAttrs("dir", "lang", "align", "valign").Matching(word).Globally()
	p.AllowAttrs("bgcolor").Matching(colour).Globally()
	p.AllowAttrs("width", "height").Matching(number).OnElements("img", "table", "td", "th", "tr", "col", "hr")
	p.AllowAttrs("border", "hspace", "vspace").Matching(number).OnElements("img", "table")
	p.AllowAttrs("cellpadding", "cellspacing", "colspan", "rowspan", "span", "size", "start", "value").Matching(number).
		OnElements("table", "td", "th", "col", "colgroup", "hr", "font", "ol", "li")
	p.AllowAttrs("color").Matching(colour).OnElements("font", "hr")
	p.AllowAttrs("face").Matching(face).OnElements("font")
	p.AllowAttrs("type", "clear", "nowrap").Matching(word).OnElements("ol", "ul", "li", "br", "td", "th")
	p.AllowAttrs("alt").OnElements("img")

	// Addresses: the second pass decides which of them stay.
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("src").OnElements("img")
	p.AllowAttrs("background").OnElements("table", "td", "th", "tr")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(true)
	p.AllowURLSchemes("http", "https", "mailto", "tel", "cid")
	p.AllowDataURIImages()
	return p
})
