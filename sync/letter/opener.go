package letter

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strings"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/letter/plain"
)

// opener is the visitor that makes a letter.
type opener struct {
	letter crm.Letter
	damage damage
	hash   hash.Hash
	media  []string // of all parts
	text   []byte
	levels []level
	cids   map[string]bool
	back   returned
	body   textSink
	file   fileSink
}

// level is a multipart that we are in. Of an alternative only one branch gives
// text: the first with plain text, or if there is none the first with HTML.
type level struct {
	alternative bool
	place       int  // of the child that we are in
	start       int  // where in the text this multipart begins
	rank        rank // what kind of text it has given so far
	branch      int  // the child that gave it
}

// rank orders sources of text: what people wrote as text is better than what we
// make of HTML.
type rank uint8

const (
	noText rank = iota
	fromHTML
	fromPlain
)

func newOpener() *opener {
	return &opener{hash: sha256.New(), cids: map[string]bool{}}
}

func (o *opener) done() bool { return false }

func (o *opener) enter(p *part) {
	o.at(p.place)
	o.levels = append(o.levels, level{alternative: p.media == "multipart/alternative", start: len(o.text)})
}

func (o *opener) leave() { o.levels = o.levels[:len(o.levels)-1] }

// at notes the place of the part that begins in the innermost multipart.
func (o *opener) at(place int) {
	if n := len(o.levels); n > 0 {
		o.levels[n-1].place = place
	}
}

// leaf counts every part for the digest, lists what is a file, and chooses what takes
// the bytes. Text is collected, all else is only counted.
func (o *opener) leaf(p *part) sink {
	o.at(p.place)
	o.media = append(o.media, p.media)
	kind, _, _ := strings.Cut(p.media, "/")
	o.hash.Write([]byte(kind + "\n"))
	listed := !p.isBody() && !p.isVariant()
	if listed {
		o.list(p)
	}
	if kind == "text" {
		o.body.bodySink = bodySink{part: p, buf: o.body.buf[:0]}
		o.body.o, o.body.listed = o, listed
		return &o.body
	}
	o.file = fileSink{o: o, part: p, head: o.file.head[:0], message: kind == "message", room: max(maxMessageHead, o.back.room(p.media))}
	return &o.file
}

// list adds a part to the attachments.
func (o *opener) list(p *part) {
	a := crm.Attachment{ID: p.id, Filename: p.filename, ContentType: p.media, ContentID: p.contentID}
	if a.Filename == "" {
		a.Filename = p.name
	}
	if a.Filename == "" {
		a.Filename = madeUpName(p)
	}
	a.Inline = p.disposition == "inline" && p.parent == "multipart/related" && strings.HasPrefix(p.media, "image/")
	o.letter.Attachments = append(o.letter.Attachments, a)
}

// last is the attachment that was listed last.
func (o *opener) last() *crm.Attachment { return &o.letter.Attachments[len(o.letter.Attachments)-1] }

// endDigest ends a part's share of the digest. The number of its bytes (as far
// as line ends can't change it) keeps parts apart.
func (o *opener) endDigest(n int) {
	o.hash.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// hashLines is for text that is too long to be normalized in memory: whether
// its lines end with CRLF or LF makes no difference.
func (o *opener) hashLines(b []byte) {
	for len(b) > 0 {
		var line []byte
		line, b, _ = bytes.Cut(b, []byte{'\r'})
		o.hash.Write(line)
	}
}

// wants tells whether text of this rank is wanted at this place.
func (o *opener) wants(r rank) bool {
	for _, l := range o.levels {
		if l.alternative && l.rank != noText && l.branch != l.place && l.rank >= r {
			return false
		}
	}
	return true
}

// say adds text to the letter's. In an alternative it replaces what a worse
// branch said.
func (o *opener) say(text string, r rank) {
	text = strings.TrimRight(text, " \t\n")
	if strings.TrimSpace(text) == "" {
		return
	}
	for i := range o.levels {
		l := &o.levels[i]
		if !l.alternative {
			continue
		}
		if l.rank != noText && l.branch != l.place {
			o.text = o.text[:l.start]
			l.rank = noText
		}
		l.rank, l.branch = max(l.rank, r), l.place
	}
	if len(o.text) > 0 {
		o.text = append(o.text, "\n\n"...)
	}
	o.text = append(o.text, text...)
	if len(o.text) > maxText {
		o.text = cutText(o.text, maxText)
		o.damage |= tooLong
	}
}

// finish puts the letter together.
func (o *opener) finish(w *walker) crm.Letter {
	l := &o.letter
	var d damage
	l.Head, d = w.top.head()
	l.Text = strings.Trim(string(o.text), "\n")
	l.Snippet = plain.Snippet(l.Text)
	for i := range l.Attachments {
		a := &l.Attachments[i]
		a.Inline = a.Inline || a.ContentID != "" && o.cids[a.ContentID]
	}
	o.hash.Sum(l.Digest[:0])
	classify(&w.top, l, o.media)
	o.back.judge(&w.top, l)
	l.Degraded = (d | o.damage | w.damage).reasons()
	return *l
}

// textSink takes a text part: body or file, both count for the digest as text.
type textSink struct {
	bodySink
	o      *opener
	listed bool // as an attachment
}

// write lets what is too long to be kept count for the digest.
func (s *textSink) write(b []byte) {
	over := s.over
	s.bodySink.write(b)
	s.o.hashLines(b[len(b)-(s.over-over):])
}

// close decodes the text: for the digest, so that another transfer encoding or
// charset makes no difference, and where it is the message's for the letter.
func (s *textSink) close() {
	o := s.o
	size := len(s.buf) + s.over
	o.back.take(s.part.media, s.buf)
	if s.listed {
		o.last().Size = int64(size)
	}
	text, ok := s.decoded()
	trimmed := bytes.TrimRight(text, " \t\n")
	o.hash.Write(trimmed)
	o.endDigest(len(trimmed))
	if s.listed || s.part.isVariant() {
		return
	}
	if !ok {
		o.damage |= badCharset
	}
	if s.over > 0 {
		o.damage |= tooLong
	}
	switch s.part.media {
	case "text/html":
		o.letter.HasHTML = true
		addCIDs(text, o.cids)
		if o.wants(fromHTML) {
			o.say(plain.FromHTML(text, maxText), fromHTML)
		}
	case "text/enriched", "text/richtext":
		if o.wants(fromHTML) {
			o.say(plain.FromHTML(text, maxText), fromHTML)
		}
	default:
		if o.wants(fromPlain) {
			o.say(unflow(s.part, cutText(text, maxText)), fromPlain)
		}
	}
}

// unflow makes whole paragraphs of format=flowed, where a part says that it is.
func unflow(p *part, text []byte) string {
	if !strings.EqualFold(p.params.Get("format"), "flowed") {
		return string(text)
	}
	return plain.Unflow(string(text), strings.EqualFold(p.params.Get("delsp"), "yes"))
}

// maxMessageHead is how much of a message in a message is read for its subject.
const maxMessageHead = 16 << 10

// fileSink counts the bytes of a part that is no text.
type fileSink struct {
	o       *opener
	part    *part
	size    int
	head    []byte // the beginning of a message in the message, or of a report
	room    int    // for head
	message bool   // its line ends are those of text
}

// write counts and digests; of a message it keeps the header, for the subject.
func (s *fileSink) write(b []byte) {
	s.size += len(b)
	if !s.message {
		s.o.hash.Write(b)
		return
	}
	s.head = append(s.head, b[:min(len(b), s.room-len(s.head))]...)
	s.o.hashLines(b)
}

// close names a forwarded message by its subject, where nobody named it.
func (s *fileSink) close() {
	s.o.endDigest(0)
	s.o.back.take(s.part.media, s.head)
	a := s.o.last()
	a.Size = int64(s.size)
	if a.Filename == "message.eml" {
		if subject := sanitize(strings.NewReplacer("/", "-", `\`, "-").Replace(ReadHead(s.head).Subject)); subject != "" {
			a.Filename = sanitize(subject + ".eml")
		}
	}
}
