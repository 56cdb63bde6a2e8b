package wire

import (
	"mailsyncd.example/crm"
)

// LinkInput says which mailbox to link, and how to open it.
type LinkInput struct {
	PresetID *ID          `json:"preset_id,omitempty" doc:"Either this or imap."`
	IMAP     *ServerInput `json:"imap,omitempty"`
	Address  string       `json:"address" maxLength:"320"`
	Username *Name        `json:"username,omitempty" minLength:"1" doc:"The login name; left out, what the preset makes of the address, else the address."`
	Password Password     `json:"password,omitempty" doc:"Left out only to test a preset with auth oauth2."`
}

// LinkPatch is a new password.
type LinkPatch struct {
	Password Password `json:"password"`
}

// Tested tells what a test of server settings found.
type Tested struct {
	OK     bool   `json:"ok" doc:"A link can be made. The steps sent and idle may have failed nevertheless: that makes it worse, not impossible."`
	Code   Code   `json:"code,omitempty" doc:"What is wrong; the codes are those of problems."`
	Detail string `json:"detail,omitempty" doc:"What is wrong and what to do about it."`
	Steps  []Step `json:"steps" nullable:"false"`
}

// Step is one step of opening a mailbox.
type Step struct {
	Name   string `json:"name" example:"login" doc:"resolve, connect, tls, login, capabilities, folders, sent (is there a folder for sent mail?), idle (does the server announce new mail?); greeting where what answers is no mail server."`
	OK     bool   `json:"ok"`
	Detail string `json:"detail" doc:"What was found; where it failed, what to do about it, and the server's own words where there are any."`
	MS     int64  `json:"ms" doc:"How long it took, in milliseconds."`
}

// StepOf shows a step.
func StepOf(s crm.Step) Step {
	return Step{Name: s.Name, OK: s.OK, Detail: s.Detail, MS: s.Took.Milliseconds()}
}
