// Package bulk reads contacts by the thousand, one a line, and brings them into
// the store in groups.
package bulk

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/web"
	"mailsyncd.example/crm/api/wire"
)

// Limit is how many bytes an import may have.
const Limit = 64 << 20

const (
	importBatch    = 500       // contacts in one transaction
	importLine     = 64 * 1024 // bytes in one line
	rejectedListed = 1000      // what more is rejected is only counted
)

// Store is what an import needs of the database.
type Store interface {
	// PutContacts creates or replaces many at once, in one transaction.
	PutContacts(ctx context.Context, cs []crm.Contact) (created int, err error)
}

// Import brings contacts into an account.
type Import struct {
	Store   Store
	Lines   Lines
	Account crm.AccountID
	Now     func() time.Time
}

// Read upserts line by line, so that a file of any length within the limit
// costs no more memory than a batch. A line that is wrong leaves the others
// alone; a batch is in the database or not at all.
func (im Import) Read(ctx context.Context, body io.Reader) (wire.Imported, error) {
	imp := contactImport{Import: im, ctx: ctx, result: wire.Imported{Rejected: []wire.Rejected{}}}
	lines := bufio.NewReaderSize(body, importLine)
	for no := 1; ; no++ {
		line, err := readLine(lines)
		if err == io.EOF {
			break
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return wire.Imported{}, imp.brokenOff(no, err)
		}
		if err := imp.take(no, line, err); err != nil {
			return wire.Imported{}, err
		}
	}
	if err := imp.flush(); err != nil {
		return wire.Imported{}, err
	}
	return imp.result, nil
}

// ErrTooLarge says that there is more than the limit.
func ErrTooLarge() error {
	return crm.E(crm.TooLarge, "body_too_large", fmt.Sprintf("The body has more than %d MiB; send it in parts.", Limit>>20))
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
	Import
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
	c, code, detail := i.Lines.read(line)
	if code != "" {
		i.reject(no, code, detail)
		return nil
	}
	contact, err := c.Contact(i.Account, crm.ContactID(c.ID), i.Now())
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
	created, err := i.Store.PutContacts(i.ctx, i.batch)
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
		return ErrTooLarge()
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return web.NewProblem(i.ctx, http.StatusRequestTimeout, "body_timeout", fmt.Sprintf("Line %d did not arrive in time; send it all again.", no))
	}
	return crm.Wrap(crm.Invalid, "body_broken_off", fmt.Sprintf("The body broke off in line %d; send it again from the beginning.", no), err)
}

// Lines checks lines by the schema that the document shows.
type Lines struct {
	registry huma.Registry
	schema   *huma.Schema
}

// NewLines adds the schema of a line to the document as well.
func NewLines(registry huma.Registry) Lines {
	return Lines{registry, registry.Schema(reflect.TypeFor[wire.ContactLine](), true, "")}
}

// read returns what a line says, or what is wrong with it.
func (l Lines) read(line []byte) (c wire.ContactLine, code wire.Code, detail string) {
	var v any
	if err := web.Unmarshal(line, &v); err != nil {
		return c, "json_malformed", "The line is not valid JSON: " + err.Error() + "."
	}
	res := &huma.ValidateResult{}
	huma.Validate(l.registry, l.schema, huma.NewPathBuffer([]byte("body"), 4), huma.ModeWriteToServer, v, res)
	if len(res.Errors) == 0 {
		if err := web.Unmarshal(line, &c); err != nil {
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
