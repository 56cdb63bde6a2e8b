package api

import (
	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// Paging is part of the input of every list.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"512" doc:"next of the page before."`
	Limit  int    `query:"limit" minimum:"1" default:"50" doc:"How many items at most; more than 200 count as 200."`
}

// longestPage is what a page may hold. Who asks for more is served so many and
// goes on with next, as after any other page.
const longestPage = 200

func (p Paging) paging() crm.Paging {
	return crm.Paging{Cursor: p.Cursor, Limit: min(p.Limit, longestPage)}
}

// pageInput is the input of a list that asks for nothing but a page.
type pageInput struct{ Paging }

// reply is the output of most routes: a body, and nothing else.
type reply[T any] struct{ Body T }

// page is the output of a list.
type page[T any] struct{ Body wire.List[T] }

// saved is the output of a PUT that may create: 201 or 200.
type saved[T any] struct {
	Status int
	Body   T
}

// none is the input or output of routes that have none.
type none = struct{}

// mapped makes a page of what the store returned.
func mapped[A, B any](p crm.Part[A], f func(A) B) *page[B] {
	return &page[B]{wire.List[B]{Items: wire.Each(p.Items, f), Next: p.Next}}
}
