package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
)

// run runs the program as a user would and returns what it said. A daemon that
// starts where it should have refused to is stopped after a while.
func run(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	p := Program{Args: args, Env: env, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}
	code = p.Run(ctx)
	return code, out.String(), errs.String()
}

func TestVersion(t *testing.T) {
	code, stdout, stderr := run(t, nil, "version")
	if code != exitOK || !strings.HasPrefix(stdout, "mailsyncd ") || stderr != "" {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestHelpGoesToStdoutAndMistakesToStderr(t *testing.T) {
	code, stdout, stderr := run(t, nil)
	if code != exitOK || !strings.Contains(stdout, "Usage: mailsyncd <command>") || stderr != "" {
		t.Errorf("no arguments: code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	code, stdout, stderr = run(t, nil, "nonsense")
	if code != exitUsage || stdout != "" || !strings.Contains(stderr, "nonsense") {
		t.Errorf("nonsense: code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	for command, args := range map[string][]string{
		"mailsyncd explain": {"explain"}, "mailsyncd keys rotate": {"keys", "rotate", "--nonsense"}, "mailsyncd": {"--nonsense"},
	} {
		if _, _, stderr := run(t, nil, args...); !strings.Contains(stderr, "Try \""+command+" --help\"") {
			t.Errorf("%v: %q", args, stderr)
		}
	}
}
