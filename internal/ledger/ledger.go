// Package ledger keeps one entry per run, and computes the history from them.
package ledger

import (
	"context"
	"time"
)

// Schema names the format of an entry.
const Schema = "strata.ledger/v1"

// Entry is what the ledger holds of a run.
type Entry struct {
	Schema      string    `json:"schema"`
	Run         string    `json:"run"` // its id
	Verb        string    `json:"verb"`
	Environment string    `json:"environment"`
	Commit      string    `json:"commit,omitempty"`
	Who         string    `json:"who,omitempty"`
	Link        string    `json:"link,omitempty"`    // to the CI job
	Version     string    `json:"version,omitempty"` // Strata's
	Started     time.Time `json:"started"`
	Seconds     float64   `json:"seconds"`
	Result      string    `json:"result"`
	ExitCode    int       `json:"exitCode"`
	Error       string    `json:"error,omitempty"` // why the run as a whole did not start or ended early
	// Untold says that what the run found new could not be told to all who asked
	// for it: it is new once more.
	Untold bool   `json:"untold,omitempty"`
	Units  []Unit `json:"units"`
}

// Unit is what the ledger holds of a unit of a run.
type Unit struct {
	ID       string   `json:"id"`
	Path     string   `json:"path"`
	Layer    string   `json:"layer"`
	Region   string   `json:"region"`
	Instance string   `json:"instance,omitempty"`
	Result   string   `json:"result"`
	Reason   string   `json:"reason,omitempty"` // why it has this result, in a line
	Seconds  float64  `json:"seconds"`
	Changes  *Changes `json:"changes,omitempty"` // nil where no plan was made
	Looked   bool     `json:"looked,omitempty"`  // it was compared with what is there
	Drift    []Drift  `json:"drift,omitempty"`
	Ignored  int      `json:"ignored,omitempty"` // differences that are accepted, or mean nothing
	State    *State   `json:"state,omitempty"`   // as its plan saw it; nil where that is not known
}

// Changes counts what a plan holds. Zeros are not written: they are most of an
// entry, and a history reads thousands.
type Changes struct {
	Add     int `json:"add,omitempty"`
	Change  int `json:"change,omitempty"`
	Replace int `json:"replace,omitempty"`
	Destroy int `json:"destroy,omitempty"`
	Import  int `json:"import,omitempty"`
	Move    int `json:"move,omitempty"`
	Forget  int `json:"forget,omitempty"`
	Outputs int `json:"outputs,omitempty"`
}

// Drift says where reality differs from the state. It never holds a value.
type Drift struct {
	Address  string `json:"address"`
	Action   string `json:"action"`
	Path     string `json:"path,omitempty"` // of the attribute, empty for the resource as a whole
	Severity string `json:"severity,omitempty"`
	Value    string `json:"value,omitempty"`    // a keyed digest of what is there
	Absorbed bool   `json:"absorbed,omitempty"` // the state holds it now as it is: no later look finds it
}

// State is the size of a unit's state.
type State struct {
	Bytes     int64 `json:"bytes"`
	Serial    int64 `json:"serial"`
	Resources int   `json:"resources"`
}

// Store is what the ledger needs of a store.
type Store interface {
	PutNew(ctx context.Context, key string, data []byte) error
	Get(ctx context.Context, key string) ([]byte, error)
	List(ctx context.Context, prefix string) ([]string, error)
}
