// Package report holds the one result model of a run and what renders it: a
// table for people, Markdown for pull requests, JSON for machines, and the
// progress of a run that is under way.
package report

import (
	"encoding/json"
	"time"
)

// Schema names the version of the JSON document that a run is written as.
const Schema = "strata.run/v1"

// Result is how a unit, or a whole run, ended.
type Result string

// Results of units. Succeeded, Failed, Refused and Interrupted are those of
// runs too.
const (
	Succeeded   Result = "succeeded"   // a run of which every unit came out well
	Planned     Result = "planned"     // the plan holds changes
	Provisional Result = "provisional" // planned with values of a need that is itself about to change
	Deferred    Result = "deferred"    // cannot be planned: a value it reads does not exist yet
	Unchanged   Result = "unchanged"   // nothing to do
	Applied     Result = "applied"
	Destroyed   Result = "destroyed"
	Failed      Result = "failed"
	NotRun      Result = "not run" // a need failed, or the run was stopping
	Refused     Result = "refused" // a gate or a safety rule said no
	Interrupted Result = "interrupted"

	// Of units that were compared with what is really there:
	InSync         Result = "in sync"
	Drifted        Result = "drifted"             // what is there differs from what was deployed
	Pending        Result = "pending"             // its code is not what was deployed
	DriftedPending Result = "drifted and pending" // both
	Unmanaged      Result = "unmanaged"           // a record without a folder
)

// Run is the result of one invocation.
type Run struct {
	Schema      string    `json:"schema"`
	ID          string    `json:"id"`
	Verb        string    `json:"verb"`
	Environment string    `json:"environment"`
	Commit      string    `json:"commit,omitempty"` // that is checked out; what is deployed are the files as they lie there
	Started     time.Time `json:"started"`
	Seconds     float64   `json:"seconds"`
	Result      Result    `json:"result"`
	Error       string    `json:"error,omitempty"` // why the run as a whole did not start or ended early
	Notes       []string  `json:"notes,omitempty"` // on the run as a whole: what was left out, and why
	Warnings    []string  `json:"warnings,omitempty"`
	Checks      []Check   `json:"checks,omitempty"` // of the gates: what scanners and policies told
	Units       []Unit    `json:"units"`
	Logs        string    `json:"logs,omitempty"` // the folder given with --out

	// Of a comparison with what an earlier run found: that run's id, and the
	// differences that are there no more. Known ones are only counted, in a note.
	Since string     `json:"since,omitempty"`
	Gone  []Vanished `json:"gone,omitempty"`
}

// Vanished is a difference that an earlier run found and this one did not.
type Vanished struct {
	Unit    string `json:"unit"`
	Address string `json:"address"`
	Path    string `json:"path,omitempty"` // of the attribute; "" for the resource as a whole
}

// Unit is the result of one unit of a run.
type Unit struct {
	ID          string       `json:"id"`
	Path        string       `json:"path"`
	Layer       string       `json:"layer"`
	Region      string       `json:"region"`
	Instance    string       `json:"instance,omitempty"`
	Needs       []string     `json:"needs,omitempty"`
	Selected    []string     `json:"selected,omitempty"` // why it runs, where it was not named
	Result      Result       `json:"result"`
	Reason      string       `json:"reason,omitempty"`  // why it has this result, in a line
	Changes     *Changes     `json:"changes,omitempty"` // nil where no plan was made
	Resources   []Resource   `json:"resources,omitempty"`
	Outputs     []Attribute  `json:"outputs,omitempty"` // outputs that change
	Drift       []Difference `json:"drift,omitempty"`   // what is there differs from what was deployed
	Ignored     []Difference `json:"ignored,omitempty"` // differences that are accepted, or mean nothing
	State       *State       `json:"state,omitempty"`   // as the plan read it
	Diagnostics []Diagnostic `json:"diagnostics,omitempty"`
	// Orphans are addresses that an apply was working on when it was cut off:
	// they may exist without being in state.
	Orphans []string `json:"orphans,omitempty"`
	Seconds float64  `json:"seconds"`
	Log     string   `json:"log,omitempty"`  // its log file below the --out folder
	Diff    string   `json:"diff,omitempty"` // Terraform's own words on the plan, redacted; only where a report wants it
}

// Changes counts a plan's changes. A replacement counts as one replace, and
// not as an add and a destroy.
type Changes struct {
	Add     int `json:"add"`
	Change  int `json:"change"`
	Replace int `json:"replace"`
	Destroy int `json:"destroy"`
	Import  int `json:"import"`
	Move    int `json:"move"`
	Forget  int `json:"forget"`
	Outputs int `json:"outputs"`
}

// Resource is one resource that a plan changes.
type Resource struct {
	Address    string      `json:"address"`
	Action     string      `json:"action"`           // create, update, replace, delete, forget, move, import, read
	From       string      `json:"from,omitempty"`   // its address before a move
	Reason     string      `json:"reason,omitempty"` // why it is replaced or deleted, in Terraform's words
	Attributes []Attribute `json:"attributes,omitempty"`
}

// Attribute is one value that changes. Sensitive values are never in it.
type Attribute struct {
	Path      string          `json:"path"`
	Before    json.RawMessage `json:"before,omitempty"`
	After     json.RawMessage `json:"after,omitempty"`
	Sensitive bool            `json:"sensitive,omitempty"` // Before and After are left out
	Unknown   bool            `json:"unknown,omitempty"`   // known only after apply
	Replaces  bool            `json:"replaces,omitempty"`  // this change forces the replacement
}

// Difference is one resource that is not as it was deployed.
type Difference struct {
	Address  string `json:"address"`
	Action   string `json:"action"`             // changed or deleted
	Severity string `json:"severity,omitempty"` // high, medium or low: the highest of its attributes
	// Attributes hold what was deployed (before) and what is there (after).
	Attributes []Attribute `json:"attributes,omitempty"`
	// Why says, of an ignored one, why it is.
	Why string `json:"why,omitempty"`
}

// State is the size of a unit's state.
type State struct {
	Bytes     int64 `json:"bytes"`
	Serial    int64 `json:"serial"`
	Resources int   `json:"resources"` // instances
}

// Diagnostic is an error or a warning of a tool.
type Diagnostic struct {
	Severity string `json:"severity"` // error or warning
	Summary  string `json:"summary"`
	Detail   string `json:"detail,omitempty"`
	Address  string `json:"address,omitempty"`
	File     string `json:"file,omitempty"` // relative to the repository's root
	Line     int    `json:"line,omitempty"`
	Advice   string `json:"advice,omitempty"` // what to do next, in Strata's words
}

// Counts returns how many units have each result.
func (r *Run) Counts() map[Result]int {
	counts := make(map[Result]int)
	for i := range r.Units {
		counts[r.Units[i].Result]++
	}
	return counts
}
