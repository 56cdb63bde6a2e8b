package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"mailsyncd.example/crm"
)

// client calls the HTTP API as whoever its token belongs to.
type client struct {
	url   string // without a slash at the end
	token crm.Secret
}

// as is the same client with another token.
func (c client) as(token string) client { return client{c.url, crm.Secret(token)} }

// call sends in, if it is not nil, and reads the answer into out, if that is
// not nil. A problem document comes back as a crm.Error with its code.
func (c client) call(ctx context.Context, method, path string, in, out any) error {
	body := &bytes.Buffer{}
	if in != nil {
		if err := json.NewEncoder(body).Encode(in); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.url, "/")+path, body)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+string(c.token))
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return crm.Wrap(crm.Unavailable, "daemon_unreachable",
			fmt.Sprintf("No mailsyncd answers at %s; start it, or name its address with --url.", c.url), err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode >= 300 {
		return problemOf(response, content)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(content, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// problemOf makes an error of an answer that is none.
func problemOf(response *http.Response, content []byte) error {
	var problem struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}
	if json.Unmarshal(content, &problem) != nil || problem.Code == "" {
		return fmt.Errorf("what answers at %s is no mailsyncd (%s); name the daemon's address with --url", response.Request.URL.Host, response.Status)
	}
	kinds := map[int]crm.Kind{
		http.StatusUnauthorized: crm.Unauthenticated,
		http.StatusForbidden:    crm.Forbidden,
		http.StatusNotFound:     crm.NotFound,
		http.StatusConflict:     crm.Conflict,
	}
	return crm.E(cmp.Or(kinds[response.StatusCode], crm.Invalid), problem.Code, problem.Detail)
}
