package wire

import (
	"time"
)

// List is one page of a list.
type List[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next" doc:"The cursor of the following page; empty on the last one. A page may be shorter than its limit."`
}

// Each never returns nil: an empty list is [] and not null.
func Each[A, B any](in []A, f func(A) B) []B {
	out := make([]B, 0, len(in))
	for _, a := range in {
		out = append(out, f(a))
	}
	return out
}

// OrEmpty makes an empty list out of none.
func OrEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// orNull shows a value that there may not be: as null, so that a field which
// the API promises is there in every answer.
func orNull[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

// UTC is the form in which all times leave; zero stays zero, and is left out or null.
func UTC(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}
