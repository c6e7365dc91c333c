// Package record remembers what each unit was last deployed from.
package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/strata-tf/strata/internal/stack"
)

// Schema names the format of a record.
const Schema = "strata.record/v1"

// Record is what Strata remembers of a unit: its last apply that succeeded (or
// plan that found nothing to do), and whether another began after it.
type Record struct {
	Schema      string `json:"schema"`
	Unit        string `json:"unit"` // its id
	Environment string `json:"environment"`
	Layer       string `json:"layer"`
	Instance    string `json:"instance,omitempty"`
	Region      string `json:"region"`
	Path        string `json:"path"`

	// Of the last success; empty where none is known yet.
	Commit  string `json:"commit,omitempty"`  // that was checked out
	Dirty   bool   `json:"dirty,omitempty"`   // the unit's files were not as in the commit
	Closure string `json:"closure,omitempty"` // closure digest
	// WithLock is the closure digest with the lock file that init wrote then: the
	// same unit, once that file is committed.
	WithLock string `json:"withLock,omitempty"`

	Values  map[string]string `json:"values,omitempty"`  // digests of the contract values used, by stack.Ref
	Outputs map[string]string `json:"outputs,omitempty"` // digests of the outputs that others read, by name
	Tools   map[string]string `json:"tools,omitempty"`   // version by name
	Result  string            `json:"result,omitempty"`
	Run     string            `json:"run,omitempty"`
	Time    time.Time         `json:"time,omitzero"`
	Started time.Time         `json:"-"` // when the run began that saves this
	Open    []Question        `json:"-"` // of the attempt that Begin notes

	// What destroying the unit takes when its folder is gone, beside the code
	// of the commit.
	Needs   []string `json:"needs,omitempty"` // ids
	Backend *Backend `json:"backend,omitempty"`

	// Attempt is an apply that began after the last success and was not seen to
	// succeed: it failed, was killed, or still runs.
	Attempt *Attempt `json:"attempt,omitempty"`
}

// Attempt is an apply that began.
type Attempt struct {
	Commit  string            `json:"commit,omitempty"`
	Closure string            `json:"closure,omitempty"`
	Values  map[string]string `json:"values,omitempty"`
	Tools   map[string]string `json:"tools,omitempty"`
	Run     string            `json:"run,omitempty"`
	Time    time.Time         `json:"time,omitzero"`
	Open    []Question        `json:"open,omitempty"`
}

// Backend says where a unit's state is: constants, and none of them secret.
type Backend struct {
	Type      string            `json:"type"`
	Config    string            `json:"config,omitempty"` // the backend configuration file
	Values    map[string]string `json:"values,omitempty"`
	Workspace string            `json:"workspace,omitempty"`
}

// Store is what records need of a store.
type Store interface {
	Put(ctx context.Context, key string, data []byte) error
	PutNew(ctx context.Context, key string, data []byte) error
	Get(ctx context.Context, key string) ([]byte, error)
	Delete(ctx context.Context, key string) error
	GetMany(ctx context.Context, prefix string) (map[string][]byte, error)
}

// New returns what is known of a unit without running it.
func New(u *stack.Unit) Record {
	return Record{
		Schema: Schema, Unit: u.ID(), Environment: u.Environment, Layer: u.Layer, Instance: u.Instance,
		Region: u.Region, Path: u.Path, Needs: slices.Clone(u.Needs), Backend: backendOf(u),
	}
}

// Current says whether the unit need not be deployed: its last apply succeeded,
// with this closure and these contract values. What is not known is not equal.
func (r Record) Current(closure string, values map[string]string) bool {
	for _, digest := range values {
		if digest == "" {
			return false
		}
	}
	return r.Attempt == nil && r.Holds(closure) && maps.Equal(r.Values, values)
}

// Holds says whether the last success was of this closure.
func (r Record) Holds(closure string) bool {
	return closure != "" && (r.Closure == closure || r.WithLock == closure)
}

// SameState says whether the record is of the state that the unit has now.
func (r Record) SameState(u *stack.Unit) bool {
	now := backendOf(u)
	if r.Backend == nil || now == nil {
		return r.Backend == now
	}
	return r.Backend.Type == now.Type && r.Backend.Workspace == now.Workspace && maps.Equal(r.Backend.Values, now.Values)
}

// LastCommit is the newest commit that may have made resources of the unit.
func (r Record) LastCommit() string {
	if r.Attempt != nil && r.Attempt.Commit != "" {
		return r.Attempt.Commit
	}
	return r.Commit
}

// Load reads the records of an environment, by unit id. Where some cannot be
// read it returns the others, and an error that names each.
func Load(ctx context.Context, s Store, environment string) (map[string]Record, error) {
	if err := stack.CheckEnvironmentName(environment); err != nil {
		return nil, err
	}
	files, err := s.GetMany(ctx, prefix(environment))
	if err != nil {
		return nil, err
	}
	records := make(map[string]Record, len(files))
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(key, ".json") {
			continue
		}
		r, err := parse(key, environment, files[key])
		if err != nil {
			errs = append(errs, err)
			continue
		}
		records[r.Unit] = r
	}
	return records, errors.Join(errs...)
}

// Get reads the record of a unit. The error wraps fs.ErrNotExist if there is
// none.
func Get(ctx context.Context, s Store, environment, unit string) (Record, error) {
	key, err := Key(environment, unit)
	if err != nil {
		return Record{}, err
	}
	data, err := s.Get(ctx, key)
	if err != nil {
		return Record{}, err
	}
	return parse(key, environment, data)
}

// Begin notes that an apply begins, before it does: a run that is killed then
// leaves a trace. What was known of the last success stays. The unit's Commit,
// Closure, Values, Tools, Run and Time are the attempt's.
func Begin(ctx context.Context, s Store, r Record) error {
	next, err := Get(ctx, s, r.Environment, r.Unit)
	if errors.Is(err, fs.ErrNotExist) {
		next, err = r, nil
		next.Commit, next.Closure, next.WithLock, next.Values, next.Outputs, next.Tools, next.Result, next.Run, next.Time = "", "", "", nil, nil, nil, "", "", time.Time{}
	}
	if err != nil {
		return err
	}
	next.Path, next.Needs, next.Backend = r.Path, r.Needs, r.Backend
	next.Attempt = &Attempt{Commit: r.Commit, Closure: r.Closure, Values: r.Values, Tools: r.Tools, Run: r.Run, Time: r.Time.UTC(), Open: r.Open}
	return put(ctx, s, next)
}

// Save keeps the record of a success, in place of what was there. An apply that
// another run has begun meanwhile stays noted: how it ends is not known yet.
func Save(ctx context.Context, s Store, r Record) error {
	r.Attempt = nil
	was, err := Get(ctx, s, r.Environment, r.Unit)
	if err == nil && was.Attempt != nil && was.Attempt.Run != r.Run && !was.Attempt.Time.Before(r.Started) {
		r.Attempt = was.Attempt
	}
	return put(ctx, s, r)
}

// Learn adds digests of outputs that nobody read when the unit was deployed.
// Where nothing is known of the unit it does nothing.
func Learn(ctx context.Context, s Store, environment, unit string, outputs map[string]string) error {
	r, err := Get(ctx, s, environment, unit)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (r.Closure == "" || r.Attempt != nil) {
		return nil
	}
	if err != nil {
		return err
	}
	if r.Outputs == nil {
		r.Outputs = make(map[string]string)
	}
	maps.Copy(r.Outputs, outputs)
	return put(ctx, s, r)
}

// Forget removes the record of a unit, readable or not. The error wraps
// fs.ErrNotExist if there is none.
func Forget(ctx context.Context, s Store, environment, unit string) error {
	key, err := Key(environment, unit)
	if err != nil {
		return err
	}
	return s.Delete(ctx, key)
}

// Key is where the record of a unit is in the store.
func Key(environment, unit string) (string, error) {
	if err := stack.CheckEnvironmentName(environment); err != nil {
		return "", err
	}
	name, env, ok := stack.CutID(unit)
	if !ok || env != environment || name == "" {
		return "", fmt.Errorf("%q is no unit of %s: a unit is layer[/instance]@region:environment", unit, environment)
	}
	return prefix(environment) + stack.Slug(unit) + ".json", nil
}

func prefix(environment string) string { return "records/" + environment + "/" }

// unitOf is the id whose slug a key names. No part of an id holds +, @ or :.
func unitOf(key string) string {
	name := strings.TrimSuffix(key[strings.LastIndexByte(key, '/')+1:], ".json")
	if unit, environment, ok := cutLast(name, "@"); ok {
		name = unit + ":" + environment
	}
	return strings.ReplaceAll(name, "+", "/")
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func put(ctx context.Context, s Store, r Record) error {
	key, err := Key(r.Environment, r.Unit)
	if err != nil {
		return err
	}
	r.Schema = Schema
	r.Time = r.Time.UTC()
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return s.Put(ctx, key, append(data, '\n'))
}
