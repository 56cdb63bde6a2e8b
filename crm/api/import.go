package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/web"
	"mailsyncd.example/crm/api/wire"
)

const (
	importBatch    = 500       // contacts in one transaction
	importLine     = 64 * 1024 // bytes in one line
	rejectedListed = 1000      // what more is rejected is only counted
)

// importInput hands the body over as it comes in: it is too big to be held.
type importInput struct {
	contentType string
	length      int64
	body        io.Reader
}

// Resolve implements huma.Resolver.
func (in *importInput) Resolve(ctx huma.Context) []error {
	r, w := humago.Unwrap(ctx)
	in.contentType, in.length = r.Header.Get("Content-Type"), r.ContentLength
	in.body = http.MaxBytesReader(w, web.PatientBody(w, r.Body, readLimit), importLimit)
	return nil
}

// importContacts upserts line by line, so that a file of any length within the
// limit costs no more memory than a batch. A line that is wrong leaves the
// others alone; a batch is in the database or not at all.
func (s *server) importContacts(ctx context.Context, in *importInput) (*reply[wire.Imported], error) {
	if err := in.acceptable(ctx); err != nil {
		return nil, err
	}
	imp := contactImport{s: s, ctx: ctx, result: wire.Imported{Rejected: []wire.Rejected{}}}
	lines := bufio.NewReaderSize(in.body, importLine)
	for no := 1; ; no++ {
		line, err := readLine(lines)
		if err == io.EOF {
			break
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, imp.brokenOff(no, err)
		}
		if err := imp.take(no, line, err); err != nil {
			return nil, err
		}
	}
	if err := imp.flush(); err != nil {
		return nil, err
	}
	return &reply[wire.Imported]{imp.result}, nil
}

// acceptable refuses before anything is written what could not be read to its
// end anyway. A body without a type is taken for what it has to be.
func (in *importInput) acceptable(ctx context.Context) error {
	kind, _, _ := mime.ParseMediaType(in.contentType)
	switch kind {
	case "", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/json":
	default:
		return web.NewProblem(ctx, http.StatusUnsupportedMediaType, "media_type_unsupported",
			"Send one JSON object a line, with the header Content-Type: application/x-ndjson.")
	}
	if in.length > importLimit {
		return errImportTooLarge()
	}
	return nil
}

func errImportTooLarge() error {
	return crm.E(crm.TooLarge, "body_too_large", fmt.Sprintf("The body has more than %d MiB; send it in parts.", importLimit>>20))
}

// readLine returns the next line without its end. A line that is too long is
// passed over and comes with bufio.ErrBufferFull.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err == nil || err == io.EOF && len(line) > 0 {
		return bytes.TrimSpace(line), nil
	}
	if !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.ReadSlice('\n')
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	return nil, bufio.ErrBufferFull
}

// contactImport is a bulk import on its way.
type contactImport struct {
	s      *server
	ctx    context.Context
	batch  []crm.Contact
	result wire.Imported
}

// take adds a line to the batch, or to what is rejected.
func (i *contactImport) take(no int, line []byte, tooLong error) error {
	if no == 1 {
		line = bytes.TrimPrefix(line, []byte("\ufeff")) // what Windows puts in front of a file
	}
	if tooLong != nil {
		i.reject(no, "line_too_long", fmt.Sprintf("The line has more than %d KiB; shorten it.", importLine>>10))
		return nil
	}
	if len(line) == 0 {
		return nil
	}
	c, code, detail := i.s.lines.read(line)
	if code != "" {
		i.reject(no, code, detail)
		return nil
	}
	contact, err := c.Contact(account(i.ctx), crm.ContactID(c.ID), i.s.Now())
	if e, ok := errors.AsType[*crm.Error](err); ok {
		i.reject(no, wire.Code(e.Code), e.Detail)
		return nil
	}
	i.batch = append(i.batch, contact)
	if len(i.batch) < importBatch {
		return nil
	}
	return i.flush()
}

// reject lists so many lines and counts the others: a file that is wrong in
// every line must not come back as an answer of its size.
func (i *contactImport) reject(no int, code wire.Code, detail string) {
	i.result.RejectedCount++
	if len(i.result.Rejected) < rejectedListed {
		i.result.Rejected = append(i.result.Rejected, wire.Rejected{Line: no, Code: code, Detail: detail})
	}
}

// flush writes the batch in one transaction.
func (i *contactImport) flush() error {
	if len(i.batch) == 0 {
		return nil
	}
	created, err := i.s.Store.PutContacts(i.ctx, i.batch)
	if err != nil {
		return err
	}
	i.result.Created += created
	i.result.Updated += len(i.batch) - created
	i.batch = i.batch[:0]
	return nil
}

// brokenOff tells how far it went: what is written stays written, and to send
// it once more does no harm.
func (i *contactImport) brokenOff(no int, err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errImportTooLarge()
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return web.NewProblem(i.ctx, http.StatusRequestTimeout, "body_timeout", fmt.Sprintf("Line %d did not arrive in time; send it all again.", no))
	}
	return crm.Wrap(crm.Invalid, "body_broken_off", fmt.Sprintf("The body broke off in line %d; send it again from the beginning.", no), err)
}

// lineReader checks lines by the schema that the document shows.
type lineReader struct {
	registry huma.Registry
	schema   *huma.Schema
}

// newLineReader adds the schema of a line to the document as well.
func newLineReader(registry huma.Registry) lineReader {
	return lineReader{registry, registry.Schema(reflect.TypeFor[wire.ContactLine](), true, "")}
}

// read returns what a line says, or what is wrong with it.
func (l lineReader) read(line []byte) (c wire.ContactLine, code wire.Code, detail string) {
	var v any
	if err := unmarshal(line, &v); err != nil {
		return c, "json_malformed", "The line is not valid JSON: " + err.Error() + "."
	}
	res := &huma.ValidateResult{}
	huma.Validate(l.registry, l.schema, huma.NewPathBuffer([]byte("body"), 4), huma.ModeWriteToServer, v, res)
	if len(res.Errors) == 0 {
		if err := unmarshal(line, &c); err != nil {
			return c, "json_malformed", "The line is not valid JSON: " + err.Error() + "."
		}
		return c, "", ""
	}
	details := make([]*huma.ErrorDetail, 0, len(res.Errors))
	for _, err := range res.Errors {
		if d, ok := errors.AsType[*huma.ErrorDetail](err); ok {
			details = append(details, d)
		}
	}
	first := web.FieldErrors(details)[0]
	return c, first.Code, strings.TrimPrefix(strings.TrimPrefix(first.Location, "body"), ".") + ": " + first.Detail
}
