package wire

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// Problem is what every error looks like from outside (RFC 9457). It never
// echoes what was sent: that may have been a password.
type Problem struct {
	Type      string        `json:"type" example:"about:blank"`
	Title     string        `json:"title" doc:"The HTTP status in words."`
	Status    int           `json:"status"`
	Code      Code          `json:"code"`
	Detail    string        `json:"detail" doc:"What is wrong and what to do about it."`
	RequestID string        `json:"request_id,omitempty" doc:"Under this id the log tells more."`
	Errors    []FieldError  `json:"errors,omitempty" nullable:"false" doc:"The fields and parameters that are wrong."`
	Steps     []Step        `json:"steps,omitempty" nullable:"false" doc:"Where a mailbox could not be opened: how far it went."`
	After     time.Duration `json:"-"`
}

// FieldError is one thing that is wrong with the input.
type FieldError struct {
	Location string `json:"location" doc:"Such as body.imap.port or query.limit."`
	Code     Code   `json:"code"`
	Detail   string `json:"detail"`
}

func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// GetStatus tells huma the status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders tells huma how long to wait, where somebody said so, and how to
// get in, where nobody is let in.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.After > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.After.Seconds()))))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="mailsyncd"`)
	}
	return h
}

// ContentType tells huma that this is no plain JSON.
func (p *Problem) ContentType(string) string { return "application/problem+json" }
