// Package pipeline is the only place that knows the order of things: what a
// run does before it starts, and which steps each unit takes. One file per
// verb; both the native command and the Dagger module call these.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/strata-tf/strata/internal/affected"
	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/ledger"
	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/stack"
)

// Options are what a verb may be told.
type Options struct {
	Source   fs.FS // the repository
	Runner   runner.Runner
	Store    Store
	Progress report.Progress
	Environ  []string // the environment that tools inherit ("NAME=value")
	Commit   string   // what is deployed, for the report

	// OpenRecords opens the store of the environment's records by its URL, Root
	// the repository's folder that a store in a folder is below. Without it
	// nothing is remembered.
	OpenRecords func(ctx context.Context, url string) (Memory, error)
	Root        string
	// NoPrune plans a unit that was selected for its needs alone although every
	// value it reads is as it was.
	NoPrune bool
	// DestroyDeleted makes a deploy by records also destroy the units whose
	// folders are gone. At returns what runs steps in other files than Source,
	// and what closes it.
	DestroyDeleted bool
	At             func(files *affected.Snapshot) (runner.Runner, func() error, error)

	// Repository is the git repository of Source, nil where there is none, for
	// the reason NoRepository where that is known.
	Repository   *affected.Repository
	NoRepository error
	// WorkingTree is what would be deployed: the files as they lie there,
	// committed or not, without what git ignores.
	WorkingTree func() (*affected.Snapshot, error)

	Select  stack.SelectOptions
	Ref     string  // a branch or ref whose environment is meant, where none is named
	Changes Changes // what selects units, where none is named

	Binary      string        // overrides terraform.binary
	Parallelism int           // units at once, whatever they do; 0: plans by CPU and memory, and 10 applies
	LockTimeout time.Duration // overrides terraform.lock-timeout; 0: not said
	VarFiles    []string      // in addition to the layer's; from the repository's root, or absolute
	Targets     []string
	Replace     []string
	Hide        []string // further values that must not be seen in what tools say
	FailFast    bool
	Diff        bool   // a report wants Terraform's own words on each plan
	Out         string // a folder for plans, redacted plan JSON, logs and run.json
	Logs        string // a folder for logs alone, where Out is empty; "" for none

	// What gates are told:
	Cache Cache // keeps what tools told of the same files; nil keeps nothing. Nobody who asks for a change may write it
	// Image is what a tool is run in instead of its own image, "" for that; nil where
	// nothing runs in images.
	Image     func(tool string) string
	GatesFrom string             // the revision that gates, limits, policies and suppressions are taken from
	Baselines []finding.Baseline // accepted findings, besides those that strata.yaml names
	Tools     []string           // of a scan: the scanners that are asked, whatever the environment says of them
	// WriteBaseline is given what makes a new baseline of an old one (empty where
	// there is none): all that was found is accepted then. Nil accepts nothing.
	WriteBaseline func(next func(old []byte) ([]byte, error)) error

	// Drift only:
	Fix   bool // set back what drifted, with the code it was deployed with
	Since bool // report only what the last report did not
	// Accept takes all that drifted into strata.yaml's baseline, whose text, new or
	// as it was, Write is given; nil accepts nothing.
	Accept *Acceptance
	Write  func(text []byte, changed bool) error

	Client  *http.Client // that notifications are sent with; nil for the usual one
	Version string       // Strata's own

	// Destroy only:
	Confirm string                                         // the environment's name, said beforehand
	Ask     func(question string) (answer string, ok bool) // asks a person; nil where nobody can be asked

	// Secret finds the value of a secret variable; nil where none is given.
	Secret func(variable string) (value string, given bool)
	Words  Words // how errors say what to do; Native where Exec is nil

	// Stop is cancelled by the first signal: no unit starts any more, plans
	// stop, running applies finish. The context a verb is called with is
	// cancelled by the second: applies are asked to stop too. Nil never stops.
	Stop context.Context
}

// check refuses values that have no meaning.
func (o *Options) check() error {
	var errs []error
	if o.Parallelism < 0 {
		errs = append(errs, fmt.Errorf("--parallelism %d: it is a number of units, 1 or more", o.Parallelism))
	}
	if o.LockTimeout < 0 {
		errs = append(errs, fmt.Errorf("--lock-timeout %s: it is a time to wait, such as 30s or 5m", o.LockTimeout))
	}
	return errors.Join(errs...)
}

// noRepository says why changes cannot be told.
func (o *Options) noRepository() error {
	if o.NoRepository != nil {
		return o.NoRepository
	}
	return affected.ErrNoRepository
}

// Store keeps what must not be lost between runs, by key.
type Store interface {
	Put(ctx context.Context, key string, data []byte) error
	Get(ctx context.Context, key string) ([]byte, error)
	Delete(ctx context.Context, key string) error
	// List returns the keys that begin with prefix, sorted.
	List(ctx context.Context, prefix string) ([]string, error)
}

// Cache keeps what can be had again.
type Cache interface {
	Put(ctx context.Context, key string, data []byte) error
	Get(ctx context.Context, key string) ([]byte, error)
}

// Memory is the store of records and of the ledger.
type Memory interface {
	record.Store
	ledger.Store
}

// RefusedError says that Strata will not do what it could: a safety rule or a
// gate says no. Its exit code is 3.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }
