package report

import (
	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/stack"
)

// Check is what one tool told of a run's code or plans.
type Check struct {
	Tool    string `json:"tool"`
	Version string `json:"version,omitempty"`
	Mode    string `json:"mode"` // enforce or warn
	// Severity is how grave a finding must be at least to be listed; Below is how
	// many were less.
	Severity finding.Severity `json:"severity"`
	Below    int              `json:"below,omitempty"`
	// Looked is at how many files, plans or rules it has looked, as far as it
	// tells; Ignored is how many findings it left out for comments in the code.
	Looked  int     `json:"looked"`
	Ignored int     `json:"ignored,omitempty"`
	Seconds float64 `json:"seconds"`
	Cached  bool    `json:"cached,omitempty"` // nothing that it reads has changed since it ran
	// Errors say why it told nothing, of the whole or of a unit: that is never
	// "no findings".
	Errors   []string          `json:"errors,omitempty"`
	Findings []finding.Finding `json:"findings"` // that count
	// Undetermined are rules that read a value which is known only after the
	// apply. Unknown says what follows: deny or warn.
	Undetermined []finding.Finding `json:"undetermined,omitempty"`
	Unknown      string            `json:"unknown,omitempty"`
	Known        []finding.Finding `json:"known,omitempty"` // that do not count, each with why
}

// Refuses is how many of the findings refuse what they are about, those that are
// undetermined among them.
func (c *Check) Refuses() int {
	if c.Mode != stack.Enforce {
		return 0
	}
	if c.Unknown == stack.Deny {
		return len(c.Findings) + len(c.Undetermined)
	}
	return len(c.Findings)
}

// Fails says whether the tool had to tell something and did not.
func (c *Check) Fails() bool { return c.Mode == stack.Enforce && len(c.Errors) > 0 }
