package ledger

import (
	"cmp"
	"slices"
	"time"
)

// History is what entries tell together.
type History struct {
	Environment string       `json:"environment"`
	Runs        []RunSummary `json:"runs"` // newest first
	Total       int          `json:"total"`
	Verbs       []VerbStats  `json:"verbs"` // by name
	Drift       []DriftPoint `json:"drift"` // oldest first
	Growth      []Growth     `json:"growth"`
	Unread      []string     `json:"unread,omitempty"` // what could not be read, and is missing from all this
}

// RunSummary is a run in short.
type RunSummary struct {
	Run      string         `json:"run"`
	Verb     string         `json:"verb"`
	Started  time.Time      `json:"started"`
	Seconds  float64        `json:"seconds"`
	Result   string         `json:"result"`
	ExitCode int            `json:"exitCode"`
	Who      string         `json:"who,omitempty"`
	Commit   string         `json:"commit,omitempty"`
	Link     string         `json:"link,omitempty"`
	Units    map[string]int `json:"units"` // how many, by result
}

// Compute tells the history of an environment from entries in any order.
func Compute(environment string, entries []Entry, unread []error) History {
	sorted := make([]*Entry, len(entries)) // oldest first
	for i := range entries {
		sorted[i] = &entries[i]
	}
	slices.SortStableFunc(sorted, func(a, b *Entry) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Run, b.Run))
	})
	h := History{
		Environment: environment, Total: len(entries), Runs: make([]RunSummary, 0, len(entries)),
		Verbs: verbs(sorted), Drift: drift(sorted), Growth: growth(sorted),
	}
	for _, e := range slices.Backward(sorted) {
		h.Runs = append(h.Runs, summary(e))
	}
	for _, err := range unread {
		h.Unread = append(h.Unread, err.Error())
	}
	return h
}

func summary(e *Entry) RunSummary {
	units := make(map[string]int)
	for i := range e.Units {
		units[e.Units[i].Result]++
	}
	return RunSummary{
		Run: e.Run, Verb: e.Verb, Started: e.Started, Seconds: e.Seconds, Result: e.Result, ExitCode: e.ExitCode,
		Who: e.Who, Commit: e.Commit, Link: e.Link, Units: units,
	}
}
