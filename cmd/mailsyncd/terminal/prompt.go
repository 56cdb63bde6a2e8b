package terminal

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"mailsyncd.example/crm"
)

// Prompt asks a person at the terminal.
type Prompt struct {
	in  *bufio.Reader
	tty *os.File // nil where the input is no terminal
	out io.Writer
}

// NewPrompt makes a prompt that asks on out and reads the answers from in.
func NewPrompt(in io.Reader, out io.Writer) Prompt {
	var tty *os.File
	if Is(in) {
		tty, _ = in.(*os.File)
	}
	return Prompt{bufio.NewReader(in), tty, out}
}

// Say says something that asks for no answer.
func (p Prompt) Say(text string) { fmt.Fprintln(p.out, text) }

// Line asks for a line of text.
func (p Prompt) Line(ctx context.Context, question string) (string, error) {
	fmt.Fprint(p.out, question)
	answer, err := await(ctx, func() (string, error) { return p.in.ReadString('\n') })
	if err == io.EOF && answer != "" {
		err = nil
	}
	return strings.TrimSpace(answer), err
}

// Secret asks for a password, which a terminal does not show.
func (p Prompt) Secret(ctx context.Context, question string) (crm.Secret, error) {
	if p.tty == nil {
		answer, err := p.Line(ctx, question)
		return crm.Secret(answer), err
	}
	fd := int(p.tty.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprint(p.out, question)
	answer, err := await(ctx, func() (string, error) {
		typed, err := term.ReadPassword(fd)
		return string(typed), err
	})
	fmt.Fprintln(p.out)
	if ctx.Err() != nil {
		_ = term.Restore(fd, before) // the reader is still waiting, unseen
	}
	return crm.Secret(answer), err
}

// await returns what read returns, or ctx's error once that has ended. A read
// from a terminal can't be interrupted; it is left behind then.
func await(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		answer string
		err    error
	}
	done := make(chan result, 1)
	go func() {
		answer, err := read()
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		return r.answer, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
