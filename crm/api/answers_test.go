package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"mailsyncd.example/crm/api"
	"mailsyncd.example/crm/api/apitest"
)

// documented is what the document says of an operation.
type documented struct {
	*huma.Operation
	schemas huma.Registry
}

// operations are all that the document has, by their ids.
func operations() map[string]*documented {
	doc := api.Surface()
	all := map[string]*documented{}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Patch} {
			if op != nil {
				all[op.OperationID] = &documented{op, doc.Components.Schemas}
			}
		}
	}
	return all
}

// callStatus makes a call of the operation, whose answer must be as documented.
func (d *documented) callStatus(t *testing.T, c apitest.Client, call string) int {
	t.Helper()
	resp := sendCall(t, c, call)
	defer resp.Body.Close()
	if err := d.check(resp); err != nil {
		t.Errorf("%s: %d is not as documented: %v", call, resp.StatusCode, err)
	}
	return resp.StatusCode
}

// check compares an answer with the document: its status, its type, and where
// it is JSON all of its fields.
func (d *documented) check(resp *http.Response) error {
	expected := d.Responses[strconv.Itoa(resp.StatusCode)]
	if expected == nil && resp.StatusCode >= http.StatusBadRequest {
		expected = d.Responses["default"]
	}
	if expected == nil {
		return errors.New("the status is not there")
	}
	if resp.StatusCode == http.StatusNoContent {
		return nil
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	content := expected.Content[kind]
	if content == nil {
		content = expected.Content["*/*"]
	}
	if content == nil {
		return fmt.Errorf("%s is not there", kind)
	}
	if kind != "application/json" && kind != "application/problem+json" {
		return nil
	}
	return d.checkJSON(content.Schema, resp.Body)
}

func (d *documented) checkJSON(schema *huma.Schema, body io.Reader) error {
	var v any
	if err := json.NewDecoder(body).Decode(&v); err != nil {
		return err
	}
	res := &huma.ValidateResult{}
	huma.Validate(d.schemas, schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, v, res)
	return errors.Join(res.Errors...)
}
