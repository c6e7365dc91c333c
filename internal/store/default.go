package store

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/stack"
)

// NoDefaultError says why the place of the units' states does not tell where
// the store is.
type NoDefaultError struct {
	Environment string
	Reason      string
}

func (e *NoDefaultError) Error() string {
	return fmt.Sprintf("where is the store of %s? %s: say it with `store: {url: …}` in strata.yaml, an s3://bucket/prefix?region=REGION that all jobs reach, or a folder such as .strata/store where all runs are on one machine", e.Environment, e.Reason)
}

// URL is the URL of the store that strata.yaml names: a URL, or a folder from
// the repository's root. {env} is the environment's name.
func URL(named, environment, root string) (string, error) {
	named = strings.ReplaceAll(named, "{env}", environment)
	if strings.Contains(named, "://") {
		return named, nil
	}
	dir := filepath.FromSlash(named)
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	return FolderURL(dir)
}

// Default is the URL of an environment's store where strata.yaml names none:
// strata/ in the one S3 bucket that has the environment's states, or, where all
// states are local, the folder .strata/store of the repository. Units is all of
// the environment, loaded, whichever of them run; backendFile reads a file of
// the repository.
//
// States in S3 decide also where some are local (a unit that makes the bucket)
// or with another backend. Several buckets do not: which has the most units may
// change with any commit, and the records would be lost. What the units say of
// one bucket is put together, and must not differ.
func Default(units []*stack.Unit, backendFile func(path string) ([]byte, error), root string) (string, error) {
	if len(units) == 0 {
		return "", errors.New("no unit: nothing tells where the store is")
	}
	d := defaults{read: newBackendReader(backendFile), places: map[place]*found{}, others: map[string]string{}}
	var errs []error
	for _, u := range units {
		errs = append(errs, d.unit(u))
	}
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	environment := units[0].Environment
	none := func(format string, args ...any) (string, error) {
		return "", &NoDefaultError{Environment: environment, Reason: fmt.Sprintf(format, args...)}
	}
	switch {
	case d.unknown != "":
		return none("%s", d.unknown)
	case len(d.places) > 1:
		return none("its states are in %d buckets (%s)", len(d.places), d.buckets())
	case len(d.places) == 1:
		for at, f := range d.places {
			if f.differs != "" {
				return none("%s", f.differs)
			}
			return at.url(f), nil
		}
	case len(d.others) > 0:
		kind := slices.Min(slices.Collect(maps.Keys(d.others)))
		return none("%s has its state in the backend %q, and Strata keeps its own files in S3 or in a folder", d.others[kind], kind)
	}
	return FolderURL(filepath.Join(root, ".strata", "store"))
}

// place tells buckets apart.
type place struct{ bucket, endpoint string }

// found is what the units say of one bucket.
type found struct {
	units   int
	first   string            // the first unit's id
	says    map[string]string // parameters of the store's URL
	said    map[string]string // the unit that said it
	differs string
}

type defaults struct {
	read    *backendReader
	places  map[place]*found
	others  map[string]string // a unit by other backend
	unknown string            // why a bucket is not known
}

func (d *defaults) unit(u *stack.Unit) error {
	if u.Module == nil {
		return fmt.Errorf("%s is not loaded", u.ID())
	}
	if u.Module.Cloud != nil {
		d.others["cloud"] = u.ID()
		return nil
	}
	block := u.Module.Backend
	if block == nil || block.Type == "local" {
		return nil
	}
	if block.Type != "s3" {
		d.others[block.Type] = u.ID()
		return nil
	}
	s, err := d.read.settings(u)
	if err != nil {
		return fmt.Errorf("%s: %w", u.ID(), err)
	}
	if d.unknown == "" {
		d.unknown = s.unknown(u)
	}
	if d.unknown != "" {
		return nil
	}
	at := place{s.values["bucket"], s.first("endpoints.s3", "endpoint")}
	f := d.places[at]
	if f == nil {
		f = &found{first: u.ID(), says: map[string]string{}, said: map[string]string{}}
		d.places[at] = f
	}
	f.units++
	f.add(u.ID(), s.parameters())
	return nil
}

// unknown says what of a unit's bucket cannot be known, "" if all can.
func (s *backendSettings) unknown(u *stack.Unit) string {
	for _, name := range settingNames {
		if s.dynamic[name] {
			return fmt.Sprintf("%q in the backend of %s is no constant", name, u.ID())
		}
	}
	switch {
	case s.values["bucket"] == "":
		return fmt.Sprintf("the backend of %s names no bucket", u.ID())
	case s.nested["assume_role_with_web_identity"]:
		return fmt.Sprintf("the backend of %s signs in with assume_role_with_web_identity, which only Terraform does", u.ID())
	}
	return ""
}

// settingNames are the settings of an S3 backend that Default looks at. Keys
// written in a block are left where they are.
var settingNames = []string{
	"bucket", "region", "profile", "endpoint", "endpoints", "use_path_style", "force_path_style", "encrypt", "kms_key_id",
	"role_arn", "external_id", "session_name", "assume_role", "assume_role_with_web_identity",
}

// parameters are what the store's URL says of a backend.
func (s *backendSettings) parameters() map[string]string {
	p := map[string]string{
		"region":         s.values["region"],
		"profile":        s.values["profile"],
		"use_path_style": s.flag("use_path_style", "force_path_style"),
		"encrypt":        s.flag("encrypt"),
		"role_arn":       s.first("assume_role.role_arn", "role_arn"),
		"external_id":    s.first("assume_role.external_id", "external_id"),
		"session_name":   s.first("assume_role.session_name", "session_name"),
	}
	if p["encrypt"] != "" {
		p["kms_key_id"] = s.values["kms_key_id"]
	}
	return p
}

func (s *backendSettings) first(names ...string) string {
	for _, name := range names {
		if value := s.values[name]; value != "" {
			return value
		}
	}
	return ""
}

func (s *backendSettings) flag(names ...string) string {
	if s.first(names...) == "true" {
		return "true"
	}
	return ""
}

func (f *found) add(unit string, parameters map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		value := parameters[name]
		switch old := f.says[name]; {
		case value == "":
		case old == "":
			f.says[name], f.said[name] = value, unit
		case old != value && f.differs == "":
			f.differs = fmt.Sprintf("of one bucket, %s says %s %q and %s %q", f.said[name], name, old, unit, value)
		}
	}
}

func (at place) url(f *found) string {
	query := url.Values{}
	for name, value := range f.says {
		query.Set(name, value)
	}
	if at.endpoint != "" {
		query.Set("endpoint", at.endpoint)
	}
	return (&url.URL{Scheme: "s3", Host: at.bucket, Path: "/strata", RawQuery: query.Encode()}).String()
}

// buckets lists the buckets for people, those with the most units first.
func (d *defaults) buckets() string {
	places := slices.SortedFunc(maps.Keys(d.places), func(a, b place) int {
		if n := d.places[b].units - d.places[a].units; n != 0 {
			return n
		}
		return strings.Compare(d.places[a].first, d.places[b].first)
	})
	var parts []string
	for i, at := range places {
		if i == 3 && len(places) > 4 {
			parts = append(parts, fmt.Sprintf("and %d more", len(places)-i))
			break
		}
		name := at.bucket
		if at.endpoint != "" {
			name += " at " + at.endpoint
		}
		parts = append(parts, fmt.Sprintf("%s: %d units, such as %s", name, d.places[at].units, d.places[at].first))
	}
	return strings.Join(parts, "; ")
}

// mentions says whether a file may hold settings that are objects.
func mentions(text []byte) bool {
	return bytes.Contains(text, []byte("endpoints")) || bytes.Contains(text, []byte("assume_role"))
}
