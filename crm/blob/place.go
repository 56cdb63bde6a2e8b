package blob

import (
	"errors"
	"net/url"
	slashes "path"
	"regexp"
	"strings"
)

// Place says which bucket, and where in it. Credentials are no part of it: they
// come from where Amazon's own tools look for them.
type Place struct {
	Bucket string
	Prefix string // without slashes around it; may be empty
	// Endpoint is the host, with its port if it is another than the usual one.
	Endpoint string
	// Plain is set where the endpoint speaks HTTP without TLS.
	Plain  bool
	Region string // "" asks the bucket
}

// amazon is where a bucket is that has no endpoint of its own.
const amazon = "s3.amazonaws.com"

// bucketPattern is what a bucket may be called (Amazon S3 User Guide, "General
// purpose bucket naming rules").
var bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// ParsePlace reads s3://bucket/prefix?endpoint=https://host&region=name. Both
// parameters may be left out: then it is a bucket of Amazon's. The error says
// what to write instead.
func ParsePlace(text string) (Place, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "s3" || u.Opaque != "" {
		return Place{}, errors.New("give s3://bucket/prefix?endpoint=https://host&region=name")
	}
	if u.User != nil {
		return Place{}, errors.New("credentials don't belong into the URL; put them into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	p := Place{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/"), Endpoint: amazon}
	if !bucketPattern.MatchString(p.Bucket) {
		return Place{}, errors.New("a bucket's name has 3 to 63 small letters, digits, dots and hyphens")
	}
	if p.Prefix != "" && p.Prefix != strings.TrimPrefix(slashes.Clean("/"+p.Prefix), "/") {
		return Place{}, errors.New("the prefix is a path of folders, none of them empty and none called . or .. itself")
	}
	for name, values := range u.Query() {
		switch {
		case name == "region" && len(values) == 1:
			p.Region = values[0]
		case name == "endpoint" && len(values) == 1:
			if err := p.setEndpoint(values[0]); err != nil {
				return Place{}, err
			}
		default:
			return Place{}, errors.New("the only parameters are endpoint and region, once each")
		}
	}
	return p, nil
}

func (p *Place) setEndpoint(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return errors.New("the endpoint is https://host or http://host, with a port if need be and nothing else")
	}
	p.Endpoint, p.Plain = u.Host, u.Scheme == "http"
	return nil
}

// String names the place for people.
func (p Place) String() string {
	return "the bucket " + p.Bucket + " at " + p.Endpoint
}
