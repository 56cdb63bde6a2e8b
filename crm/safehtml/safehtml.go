// Package safehtml makes the HTML of a message fit to be shown: nothing in it
// runs, nothing leaves the frame it is shown in, and nothing tells the sender
// that it was opened, unless the reader asks for remote content.
//
// Two passes do it. bluemonday leaves only elements and attributes that are on
// a list. What it leaves is read once more, and every address and every style
// in it is judged on its own: those are the places where a sender can reach
// out. Whatever gets past one pass meets the other.
package safehtml

import (
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// Options says what may be shown.
type Options struct {
	// Image gives the address under which a part of the message can be
	// loaded that its HTML shows by Content-ID; false where there is no such
	// part. It is trusted. Nil means that there are none.
	Image func(cid string) (url string, ok bool)
	// Remote lets pictures of other servers be loaded.
	Remote bool
}

// Clean returns what may be shown of hostile HTML, in UTF-8, and how many
// remote pictures were taken out that Remote would show. What comes out is
// sound HTML without <html> and <body>, to be put into a sandboxed frame all
// the same. Cleaning it again changes nothing but the pictures that Image gave.
func Clean(markup string, o Options) (clean string, blocked int) {
	c := cleaner{Options: o}
	z := html.NewTokenizer(strings.NewReader(policy().Sanitize(markup)))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return c.out.String(), c.blocked
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			if c.element(&t) {
				c.out.WriteString(t.String())
			}
		default:
			c.out.Write(z.Raw())
		}
	}
}

// cleaner is the second pass.
type cleaner struct {
	Options
	out     strings.Builder
	blocked int
}

// element judges the attributes of an element; it is false where the element
// is nothing without those that had to go.
func (c *cleaner) element(t *html.Token) bool {
	kept := t.Attr[:0]
	var shows, links bool
	for _, a := range t.Attr {
		ok := true
		switch a.Key {
		case "src":
			a.Val, ok = c.picture(a.Val)
			shows = shows || ok
		case "background":
			a.Val, ok = c.picture(a.Val)
		case "href":
			a.Val, ok = link(a.Val)
			links = links || ok
		case "style":
			a.Val = c.style(a.Val)
			ok = a.Val != ""
		case "alt":
			shows = shows || a.Val != ""
		case "rel", "target":
			ok = false
		}
		if ok {
			kept = append(kept, a)
		}
	}
	t.Attr = kept
	if links {
		t.Attr = append(t.Attr, html.Attribute{Key: "rel", Val: "noopener noreferrer nofollow"}, html.Attribute{Key: "target", Val: "_blank"})
	}
	return shows || t.Data != "img"
}

// picture judges the address of a picture.
func (c *cleaner) picture(raw string) (string, bool) {
	raw = strings.TrimSpace(raw)
	if cid, ok := cutScheme(raw, "cid:"); ok {
		if c.Image == nil {
			return "", false
		}
		if id, err := url.PathUnescape(cid); err == nil {
			cid = id
		}
		return c.Image(cid)
	}
	if strings.HasPrefix(raw, "//") {
		raw = "https:" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", false
	}
	switch u.Scheme {
	case "data":
		return raw, isBitmap(raw)
	case "http", "https":
		if !c.Remote {
			c.blocked++
		}
		return raw, c.Remote && u.Host != ""
	}
	return "", false
}

// link judges where a link leads. Relative addresses would lead into the
// program that shows the message.
func link(raw string) (string, bool) {
	raw = strings.TrimSpace(raw)
	if strings.HasPrefix(raw, "//") {
		raw = "https:" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", false
	}
	switch u.Scheme {
	case "http", "https":
		return raw, u.Host != ""
	case "mailto", "tel":
		return raw, true
	}
	return "", false
}

// isBitmap tells whether a data address holds a picture that is nothing else.
func isBitmap(address string) bool {
	for _, kind := range []string{"png", "jpeg", "gif", "webp"} {
		if strings.HasPrefix(address, "data:image/"+kind+";base64,") {
			return true
		}
	}
	return false
}

// cutScheme cuts off a scheme, whatever its case.
func cutScheme(s, scheme string) (rest string, ok bool) {
	if len(s) < len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		return "", false
	}
	return s[len(scheme):], true
}
