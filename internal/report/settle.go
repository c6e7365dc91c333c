package report

import (
	"fmt"
	"slices"
)

// Exit codes of the command.
const (
	ExitDone        = 0
	ExitFailed      = 1
	ExitDifferences = 2
	ExitRefused     = 3
	ExitInterrupted = 130
)

// Settle computes the run's result from its units and its error. A result set
// before counts as one more vote, so that a run which was refused or
// interrupted before any unit ran stays so. Settling twice changes nothing.
func (r *Run) Settle() { r.Result = r.outcome() }

// outcome is the worst of what the units, the checks, the error and a result set
// before say: interrupted, then failed, then refused. What is unknown is never a
// success: a unit without a result, or one that was not run although nothing
// says why, makes the run a failure.
func (r *Run) outcome() Result {
	worst := vote(r.Result)
	if r.Result == "" {
		worst = 0
	}
	if r.Error != "" && worst == 0 {
		worst = vote(Failed)
	}
	for i := range r.Checks {
		switch c := &r.Checks[i]; {
		case c.Fails():
			worst = max(worst, vote(Failed))
		case c.Refuses() > 0:
			worst = max(worst, vote(Refused))
		}
	}
	notRun := false
	for i := range r.Units {
		if r.Units[i].Result == NotRun {
			notRun = true
			continue
		}
		worst = max(worst, vote(r.Units[i].Result))
	}
	if notRun && worst == 0 {
		worst = vote(Failed)
	}
	return [...]Result{Succeeded, Refused, Failed, Interrupted}[worst]
}

// vote ranks a result by how much it spoils a run.
func vote(result Result) int {
	switch result {
	case Succeeded, Planned, Provisional, Deferred, Unchanged, Applied, Destroyed, InSync, Drifted, Pending, DriftedPending, Unmanaged:
		return 0
	case Refused:
		return 1
	case Interrupted:
		return 3
	default:
		return 2
	}
}

// ExitCode is the exit code that tells how a run ended. With detailed, a run
// that came out well and found something to do says so with ExitDifferences.
// Drift always does, also where other units could not be looked at: a partial
// failure must not hide it.
func ExitCode(run *Run, detailed bool) int {
	code := run.ending()
	if code != ExitInterrupted && slices.ContainsFunc(run.Units, func(u Unit) bool { return run.drifts(&u) }) {
		return ExitDifferences
	}
	if detailed && code == ExitDone {
		for i := range run.Units {
			switch run.Units[i].Result {
			case Planned, Provisional, Deferred, Pending, DriftedPending:
				return ExitDifferences
			}
		}
	}
	return code
}

// What a look at units fails on, beside units that it could not look at.
const (
	OnDrift   = "drift"
	OnPending = "pending" // and code that is not deployed yet
	OnNothing = "never"
)

// DriftExitCode is the exit code of a look at units.
func DriftExitCode(run *Run, failOn string) int {
	if failOn == OnNothing {
		return run.ending()
	}
	return ExitCode(run, failOn == OnPending)
}

// CheckFailOn refuses what a look cannot fail on; "" is OnDrift.
func CheckFailOn(failOn string) error {
	switch failOn {
	case "", OnDrift, OnPending, OnNothing:
		return nil
	}
	return fmt.Errorf("--fail-on %q: it is drift, pending or never", failOn)
}

// OnFindings is what a look at code and plans fails on, where not OnNothing: findings
// that refuse.
const OnFindings = "findings"

// GatesExitCode is the exit code of a look at code and plans. A tool that failed
// always shows.
func GatesExitCode(run *Run, failOn string) int {
	if code := run.ending(); code != ExitRefused || failOn != OnNothing {
		return code
	}
	return ExitDone
}

// CheckGatesFailOn refuses what a look at code and plans cannot fail on; "" is
// OnFindings.
func CheckGatesFailOn(failOn string) error {
	switch failOn {
	case "", OnFindings, OnNothing:
		return nil
	}
	return fmt.Errorf("--fail-on %q: it is findings or never", failOn)
}

// ending is the exit code of how the run's units ended, whatever they found.
func (r *Run) ending() int {
	switch r.outcome() {
	case Interrupted:
		return ExitInterrupted
	case Failed:
		return ExitFailed
	case Refused:
		return ExitRefused
	}
	return ExitDone
}
