package web

import (
	"io"
	"mime"
	"net/http"
	"strings"
)

// Download is bytes from strangers: to be saved, never to be shown as a page
// of ours.
type Download struct {
	Filename    string // as the stranger called it
	ContentType string // as the stranger claims
}

// Send answers with what read writes. The header goes out with the first byte:
// an error before it is returned, so that it can still become a problem. One
// after it cuts the connection, so that nobody takes a part for the whole; it
// is handed to brokeOff first.
func (d Download) Send(w http.ResponseWriter, read func(io.Writer) error, brokeOff func(error)) error {
	out := &lateHeader{ResponseWriter: w, header: func(h http.Header) {
		h.Set("Content-Type", harmless(d.ContentType))
		h.Set("Content-Disposition", disposition(d.Filename))
		h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	}}
	err := read(out)
	if err != nil && out.begun {
		brokeOff(err)
		panic(http.ErrAbortHandler)
	}
	if err == nil {
		out.begin() // of nothing, perhaps
	}
	return err
}

// lateHeader writes the header with the first byte.
type lateHeader struct {
	http.ResponseWriter
	header func(http.Header)
	begun  bool
}

func (l *lateHeader) begin() {
	if !l.begun {
		l.begun = true
		l.header(l.Header())
		l.WriteHeader(http.StatusOK)
	}
}

func (l *lateHeader) Write(b []byte) (int, error) {
	l.begin()
	return l.ResponseWriter.Write(b)
}

// harmless returns the type if a browser can't be made to run something by it.
func harmless(contentType string) string {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "application/octet-stream"
	}
	switch kind {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "message/rfc822":
		return kind
	case "text/plain", "text/csv":
		return kind + "; charset=utf-8"
	default:
		return "application/octet-stream"
	}
}

// disposition names a file for every browser: in ASCII, and as it is (RFC 6266
// section 4.3, RFC 8187). A name is never a path.
func disposition(filename string) string {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '/' || r == '\\' {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(filename, "_"))
	if name == "" {
		name = "attachment"
	}
	ascii := strings.Map(func(r rune) rune {
		if r > '~' || r == '"' || r == '%' {
			return '_'
		}
		return r
	}, name)
	value := `attachment; filename="` + ascii + `"`
	if ascii != name {
		value += "; filename*=UTF-8''" + percent(name)
	}
	return value
}

// percent encodes all but the letters that RFC 8187 section 3.2.1 lets stand.
func percent(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("!#$&+-.^_`|~", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
