// Package apitest is a small client of the HTTP API for tests: of the API
// itself, and of the whole daemon. A method is a request; an answer that is a
// problem is returned as an error of type *wire.Problem.
package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"mailsyncd.example/crm/api/wire"
)

// Client speaks to a daemon with one token.
type Client struct {
	Base  string // http://127.0.0.1:8480
	Token string // "" sends none
	HTTP  *http.Client
}

// As returns a client with another token.
func (c Client) As(token string) Client {
	c.Token = token
	return c
}

// CodeOf returns the code of the problem that err is: "" for nil, and the
// error's text where it is no problem.
func CodeOf(err error) string {
	if p, ok := errors.AsType[*wire.Problem](err); ok {
		return string(p.Code)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// Send makes a request. The caller closes the answer's body.
func (c Client) Send(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	hc := c.HTTP
	if hc == nil {
		hc = http.DefaultClient
	}
	return hc.Do(req)
}

// Do sends in as JSON, where it isn't nil, and reads the answer into out, where
// that isn't nil.
func (c Client) Do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	contentType := ""
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body, contentType = bytes.NewReader(b), "application/json"
	}
	resp, err := c.Send(ctx, method, path, contentType, body)
	if err != nil {
		return err
	}
	return read(resp, out)
}

// read takes over the answer: into out, or as an error.
func read(resp *http.Response, out any) error {
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		return problem(resp)
	}
	if out == nil {
		_, err := io.Copy(io.Discard, resp.Body)
		return err
	}
	dec := json.NewDecoder(resp.Body)
	dec.DisallowUnknownFields()
	return dec.Decode(out)
}

func problem(resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	p := &wire.Problem{}
	if ct := resp.Header.Get("Content-Type"); ct != "application/problem+json" || json.Unmarshal(body, p) != nil {
		return fmt.Errorf("%s without a problem document: %s %s", resp.Status, ct, body)
	}
	return p
}

// get reads one thing.
func get[T any](ctx context.Context, c Client, path string) (T, error) {
	return send[T](ctx, c, http.MethodGet, path, nil)
}

func send[T any](ctx context.Context, c Client, method, path string, in any) (T, error) {
	var out T
	err := c.Do(ctx, method, path, in, &out)
	return out, err
}

// all follows a list to its end.
func all[T any](ctx context.Context, c Client, path string, query url.Values) ([]T, error) {
	query = cloned(query)
	var items []T
	for {
		page, err := get[wire.List[T]](ctx, c, path+"?"+query.Encode())
		if err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if page.Next == "" {
			return items, nil
		}
		query.Set("cursor", page.Next)
	}
}

func cloned(q url.Values) url.Values {
	out := url.Values{}
	for k, v := range q {
		out[k] = v
	}
	return out
}

// at joins the parts of a path, each escaped.
func at(parts ...string) string {
	var b strings.Builder
	b.WriteString("/v1")
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(p))
	}
	return b.String()
}
