package crm

import (
	"errors"
	"time"
)

// Kind is what a machine needs to know of an error: who has to do something.
type Kind string

const (
	Invalid         Kind = "invalid"         // the input is wrong; the caller mends it
	Unauthenticated Kind = "unauthenticated" // no valid token
	Forbidden       Kind = "forbidden"       // the role does not allow it
	NotFound        Kind = "not_found"       // no such thing in this account
	Conflict        Kind = "conflict"        // it contradicts what is there
	TooLarge        Kind = "too_large"       // over a stated limit
	Rejected        Kind = "rejected"        // the mail server refused the credential for good
	Unreachable     Kind = "unreachable"     // the mail server, or what stands in its place, can't be worked with now
	Throttled       Kind = "throttled"       // somebody asks for patience
	Unavailable     Kind = "unavailable"     // the daemon itself can't work now; try again
	Internal        Kind = "internal"        // a fault of ours
)

// Error is an error with a kind and a stable code for the machine and a
// sentence for the person, which says what to do. Err, if there is one, is the
// cause; it is for the log and never shown to a caller of the API.
type Error struct {
	Kind   Kind
	Code   string
	Detail string
	After  time.Duration // how long the other side asked to wait; 0 where it did not say
	Err    error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Code + ": " + e.Detail + ": " + e.Err.Error()
	}
	return e.Code + ": " + e.Detail
}

func (e *Error) Unwrap() error { return e.Err }

// E makes an Error without a cause.
func E(kind Kind, code, detail string) *Error {
	return &Error{Kind: kind, Code: code, Detail: detail}
}

// Wrap makes an Error with a cause.
func Wrap(kind Kind, code, detail string, err error) *Error {
	return &Error{Kind: kind, Code: code, Detail: detail, Err: err}
}

// KindOf returns the kind of the first Error in the chain of err, Internal
// where there is none, and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// DetailOf returns the sentence of the first Error in the chain of err, and ""
// where there is none.
func DetailOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Detail
	}
	return ""
}

// CodeOf returns the stable code of the first Error in the chain of err,
// "internal" where there is none, and "" for nil.
func CodeOf(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return "internal"
}
