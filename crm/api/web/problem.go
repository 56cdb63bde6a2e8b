package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
	"go.uber.org/zap"

	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/wire"
)

// statusOf is the one place where kinds of errors become HTTP statuses. What a
// mail server did is 502 and not 500: it is nobody's fault here.
func statusOf(kind crm.Kind) int {
	switch kind {
	case crm.Invalid, crm.Rejected:
		return http.StatusUnprocessableEntity
	case crm.Unauthenticated:
		return http.StatusUnauthorized
	case crm.Forbidden:
		return http.StatusForbidden
	case crm.NotFound:
		return http.StatusNotFound
	case crm.Conflict:
		return http.StatusConflict
	case crm.TooLarge:
		return http.StatusRequestEntityTooLarge
	case crm.Unreachable:
		return http.StatusBadGateway
	case crm.Throttled:
		return http.StatusTooManyRequests
	case crm.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// NewProblem makes a problem for the request of ctx.
func NewProblem(ctx context.Context, status int, code, detail string) *wire.Problem {
	return &wire.Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Code: wire.Code(code), Detail: detail, RequestID: VisitOf(ctx).ID,
	}
}

// ProblemOf turns an error of a handler into what the caller is told, and logs
// the ones that are not the caller's.
func ProblemOf(ctx context.Context, log *zap.Logger, err error) *wire.Problem {
	if p, ok := errors.AsType[*wire.Problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*crm.Error](err); ok {
		if e.Kind == crm.Internal || e.Kind == crm.Unavailable {
			logFailure(ctx, log, err)
		}
		p := NewProblem(ctx, statusOf(e.Kind), e.Code, e.Detail)
		p.After = e.After
		return p
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return NewProblem(ctx, http.StatusGatewayTimeout, "timeout", "This took too long and was given up; try again later.")
	}
	if ctx.Err() == nil { // else the client has gone, and nobody reads this
		logFailure(ctx, log, err)
	}
	return fault(ctx)
}

func logFailure(ctx context.Context, log *zap.Logger, err error) {
	log.Error("request failed", zap.String("request_id", VisitOf(ctx).ID), zap.Error(err))
}

// fault tells that something of ours is broken, and not what.
func fault(ctx context.Context) *wire.Problem {
	return NewProblem(ctx, http.StatusInternalServerError, "internal", "This is a fault of mailsyncd; its operator finds it in the log under the request_id.")
}

// WriteProblem answers a request with a problem where huma is not at work.
func WriteProblem(w http.ResponseWriter, p *wire.Problem) {
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // made of strings and numbers
	}
	maps.Copy(w.Header(), p.GetHeaders())
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // a client that has gone away needs no answer
}

// TransformProblem replaces huma's own errors by problems of ours. They are all
// about input that huma could not read or that the schema refuses.
func TransformProblem(hctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	ctx := hctx.Context()
	switch m.Status {
	case http.StatusBadRequest:
		if len(m.Errors) == 0 {
			return NewProblem(ctx, m.Status, "body_missing", "Send a JSON object as the body of the request."), nil
		}
		return NewProblem(ctx, m.Status, "json_malformed", "The body is not valid JSON: "+m.Errors[0].Message+"."), nil
	case http.StatusRequestTimeout:
		return NewProblem(ctx, m.Status, "body_timeout", "The body did not arrive in time; send the request again."), nil
	case http.StatusRequestEntityTooLarge:
		return NewProblem(ctx, m.Status, "body_too_large", fmt.Sprintf("The body has %d bytes or more; send less at once.", hctx.Operation().MaxBodyBytes)), nil
	case http.StatusUnsupportedMediaType:
		return NewProblem(ctx, m.Status, "media_type_unsupported", "Send JSON, with the header Content-Type: application/json."), nil
	case http.StatusUnprocessableEntity:
		return invalidInput(ctx, FieldErrors(m.Errors)), nil
	default: // the body broke off
		p := fault(ctx)
		p.Status, p.Title = m.Status, http.StatusText(m.Status)
		return p, nil
	}
}

// invalidInput is the problem with these fields; its code is the first one's.
func invalidInput(ctx context.Context, errs []wire.FieldError) *wire.Problem {
	first := errs[0]
	p := NewProblem(ctx, http.StatusUnprocessableEntity, string(first.Code), first.Location+": "+first.Detail)
	p.Errors = errs
	return p
}

// missing is how huma begins to say that a field is missing.
const missing = "expected required property "

// FieldErrors puts what huma says of fields into our words, sorted, because
// huma finds unknown fields in no order.
func FieldErrors(details []*huma.ErrorDetail) []wire.FieldError {
	errs := make([]wire.FieldError, 0, len(details))
	for _, d := range details {
		errs = append(errs, fieldError(d))
	}
	slices.SortStableFunc(errs, func(a, b wire.FieldError) int { return cmp.Compare(a.Location, b.Location) })
	return errs
}

// fieldError leaves out the value, which may have been a password.
func fieldError(d *huma.ErrorDetail) wire.FieldError {
	e := wire.FieldError{Location: d.Location, Code: "field_invalid", Detail: d.Message + "; mend it and send the request again."}
	inBody := d.Location == "body" || strings.HasPrefix(d.Location, "body.") || strings.HasPrefix(d.Location, "body[")
	switch {
	case d.Message == "unknown query parameter":
		e.Code, e.Detail = "parameter_unknown", "there is no such parameter; leave it out, or look for a misspelling."
	case !inBody:
		e.Code = "parameter_invalid"
	case d.Message == validation.MsgUnexpectedProperty:
		e.Code, e.Detail = "field_unknown", "there is no such field; leave it out, or look for a misspelling."
	case strings.HasPrefix(d.Message, missing):
		name, _, _ := strings.Cut(strings.TrimPrefix(d.Message, missing), " ")
		e.Location, e.Code, e.Detail = d.Location+"."+name, "field_missing", "this field must be there; add it."
	case strings.HasPrefix(d.Message, "json: "): // names types of ours
		e.Detail = "a number is too big for its field; mend it and send the request again."
	}
	return e
}

var errNotUTF8 = errors.New("the text is not UTF-8")

// Unmarshal reads JSON and refuses what encoding/json would mend in silence: a name in
// Shift_JIS would be stored as question marks.
func Unmarshal(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errNotUTF8
	}
	return json.Unmarshal(data, v)
}
