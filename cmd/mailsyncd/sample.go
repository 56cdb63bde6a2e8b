package main

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

// configCommand prints the file from which others are made. deploy/ has it as
// mailsyncd.conf.sample, and a test compares.
type configCommand struct{}

// Help is the long help text.
func (configCommand) Help() string {
	return "Prints a sample of the file that --config names: every setting with what it means, all of them " +
		"switched off by a # before them."
}

// Run prints it.
func (configCommand) Run(p Program) error {
	_, err := io.WriteString(p.Stdout, sampleConfig())
	return err
}

// example is what the sample gives for a setting that has no default.
func example(setting string) string {
	return map[string]string{
		"MAILSYNC_DATABASE_URL":   "postgres://mailsync:password@db.acme.example/mailsync",
		"MAILSYNC_REDIS_URL":      "redis://redis.acme.example:6379/0",
		"MAILSYNC_BLOB_URL":       "s3://bucket/prefix?endpoint=https://s3.acme.example&region=us-east-1",
		"MAILSYNC_KEYSET":         "{…}",
		"MAILSYNC_OPERATOR_TOKEN": "at-least-16-characters",
		"MAILSYNC_ALLOW_NETWORKS": "10.1.0.0/16,127.0.0.1/32",
		"MAILSYNC_CA_FILE":        "/etc/mailsyncd/ca.pem",
		"MAILSYNC_PUBLIC_URL":     "https://mailsync.acme.example",
		"MAILSYNC_OAUTH_FILE":     "/etc/mailsyncd/oauth.json",
	}[setting]
}

// sampleConfig explains every setting in the words of --help.
func sampleConfig() string {
	var b strings.Builder
	comment(&b, "The configuration of mailsyncd, for --config: one NAME=value a line, the value as it is, without quotes. "+
		"What begins with # is left out. The environment wins over this file, and flags win over both.")
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		name := field.Tag.Get("setting")
		if name == "" {
			continue
		}
		value := field.Tag.Get("default")
		b.WriteString("\n")
		comment(&b, strings.ReplaceAll(field.Tag.Get("help"), "${default}", value))
		if value == "" {
			value = example(name)
		}
		fmt.Fprintf(&b, "#%s=%s\n", name, value)
	}
	return b.String()
}

// comment writes a text in lines of 78 characters at most.
func comment(b *strings.Builder, text string) {
	line := "#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > 78 {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}
