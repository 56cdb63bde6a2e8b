package imapbox

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"mailsyncd.example/sync/imapbox/talk"
)

// command is what is written to the server for one command, tag and all.
type command struct {
	tag  string
	text []byte
	// stops are the places in text at which the server must say that it is
	// ready for what follows (RFC 3501 section 7.5).
	stops []int
	plus  bool // the server does not want to be asked (RFC 7888)
}

// newCommand begins a command with the words given.
func (b *Box) newCommand(words ...string) *command {
	b.tag++
	c := &command{tag: "m" + strconv.Itoa(b.tag), plus: b.caps.Has("LITERAL+")}
	c.text = append(c.text, c.tag...)
	return c.words(words...)
}

func (c *command) words(words ...string) *command {
	for _, w := range words {
		c.text = append(append(c.text, ' '), w...)
	}
	return c
}

// str adds a string: quoted where it can be, else as a literal.
func (c *command) str(s string) *command {
	if len(s) < 1000 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return c.words(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`)
	}
	if c.plus {
		c.words("{" + strconv.Itoa(len(s)) + "+}\r\n" + s)
		return c
	}
	c.words("{" + strconv.Itoa(len(s)) + "}\r\n")
	return c.wait(s)
}

// wait adds what may be written only when the server says that it is ready.
func (c *command) wait(s string) *command {
	c.stops = append(c.stops, len(c.text))
	c.text = append(c.text, s...)
	return c
}

// one writes a command and reads until it is answered. Every untagged line is
// taken note of and goes to each, which may read what belongs to it (literals)
// from the wire. An error ends the use of the box; NO and BAD are in the
// status.
func (b *Box) one(each func(line []byte) error, c *command) (talk.Status, error) {
	answer := make([]talk.Status, 1)
	text := append(c.text, "\r\n"...)
	from := 0
	for _, stop := range append(c.stops, len(text)) {
		if err := b.wire.write(text[from:stop]); err != nil {
			return talk.Status{}, b.fail(err)
		}
		for ready := []byte(nil); ready == nil || stop == len(text); {
			var err error
			if ready, err = b.read(each, answer, c); err != nil {
				return talk.Status{}, err
			}
			if ready == nil { // an answer, perhaps before we have said it all
				return answer[0], nil
			}
		}
		from = stop
	}
	return answer[0], nil
}

// exchange is one for several commands, written in one go. None may have to
// wait for the server to be ready.
func (b *Box) exchange(each func(line []byte) error, commands ...*command) ([]talk.Status, error) {
	var together []byte
	for _, c := range commands {
		together = append(append(together, c.text...), "\r\n"...)
	}
	if err := b.wire.write(together); err != nil {
		return nil, b.fail(err)
	}
	answers := make([]talk.Status, len(commands))
	for {
		ready, err := b.read(each, answers, commands...)
		if err != nil {
			return nil, err
		}
		if ready == nil {
			return answers, nil
		}
	}
}

// read reads lines until the server is ready for more, and returns what it
// says with that, or until it has answered all commands: ready is nil then.
func (b *Box) read(each func(line []byte) error, answers []talk.Status, commands ...*command) (ready []byte, err error) {
	for {
		line, err := b.wire.Line()
		if err != nil {
			return nil, b.fail(err)
		}
		tag, rest := talk.SplitTag(line)
		switch {
		case len(tag) == 1 && tag[0] == '*':
			if err := b.tell(each, rest); err != nil {
				return nil, err
			}
		case len(tag) == 1 && tag[0] == '+':
			return append(make([]byte, 0, len(rest)), rest...), nil
		default:
			b.answer(string(tag), rest, answers, commands)
			if all(answers) {
				return nil, nil
			}
		}
	}
}

// answer notes the answer to a command. Anything that is no answer to one of
// these is a late one, or garbage: dropped.
func (b *Box) answer(tag string, rest []byte, answers []talk.Status, commands []*command) {
	s, ok := talk.ParseStatus(rest)
	i := slices.IndexFunc(commands, func(c *command) bool { return c.tag == tag })
	if !ok || i < 0 {
		b.garbled = true
		return
	}
	answers[i] = s
	if s.Code == "CAPABILITY" {
		b.learn(s.Args)
	}
}

func all(answers []talk.Status) bool {
	for _, s := range answers {
		if s.Cond == "" {
			return false
		}
	}
	return true
}

// tell takes note of an untagged line and hands it over.
func (b *Box) tell(each func(line []byte) error, rest []byte) error {
	b.untagged(rest)
	if each != nil {
		return each(rest)
	}
	return b.passOver(rest)
}

// passOver reads what belongs to a line that is of no interest.
func (b *Box) passOver(line []byte) error {
	if err := talk.PassOver(b.wire, line); err != nil {
		return b.fail(err)
	}
	return nil
}

// capabilities takes an untagged line that may list capabilities.
func (b *Box) capabilities(line []byte) error {
	word, rest := talk.SplitTag(line)
	if bytes.EqualFold(word, []byte("CAPABILITY")) {
		b.learn(string(rest))
		return nil
	}
	return b.passOver(line)
}
