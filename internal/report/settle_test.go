package report

import (
	"testing"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/stack"
)

func TestSettleAndExitCode(t *testing.T) {
	units := func(results ...Result) []Unit {
		list := make([]Unit, len(results))
		for i, result := range results {
			list[i].Result = result
		}
		return list
	}
	drifted := func(results ...Result) []Unit {
		list := units(results...)
		for i := range list {
			list[i].Drift = []Difference{{Address: "aws_vpc.main", Action: "changed"}}
		}
		return list
	}
	checks := func(list ...Check) []Check { return list }
	some := []finding.Finding{{Rule: "r"}}
	tests := []struct {
		name     string
		run      Run
		result   Result
		code     int
		detailed int
	}{
		{"no units", Run{}, Succeeded, 0, 0},
		{"checks without findings", Run{Checks: checks(Check{Mode: stack.Enforce}, Check{Mode: stack.Warn})}, Succeeded, 0, 0},
		{"a finding that refuses", Run{Checks: checks(Check{Mode: stack.Warn}, Check{Mode: stack.Enforce, Findings: some})}, Refused, 3, 3},
		{"a finding that warns", Run{Checks: checks(Check{Mode: stack.Warn, Findings: some})}, Succeeded, 0, 0},
		{"a finding that does not count", Run{Checks: checks(Check{Mode: stack.Enforce, Below: 2, Ignored: 1, Known: some})}, Succeeded, 0, 0},
		{"undetermined, denied", Run{Checks: checks(Check{Mode: stack.Enforce, Unknown: stack.Deny, Undetermined: some})}, Refused, 3, 3},
		{"undetermined, told", Run{Checks: checks(Check{Mode: stack.Enforce, Unknown: stack.Warn, Undetermined: some})}, Succeeded, 0, 0},
		{"undetermined, denied where findings warn", Run{Checks: checks(Check{Mode: stack.Warn, Unknown: stack.Deny, Undetermined: some})}, Succeeded, 0, 0},
		{"a tool that had to tell failed", Run{Checks: checks(Check{Mode: stack.Enforce, Errors: []string{"no"}})}, Failed, 1, 1},
		{"a tool that warns failed", Run{Checks: checks(Check{Mode: stack.Warn, Errors: []string{"no"}})}, Succeeded, 0, 0},
		{"one tool refuses and one failed", Run{Checks: checks(Check{Mode: stack.Enforce, Errors: []string{"no"}}, Check{Mode: stack.Enforce, Findings: some})}, Failed, 1, 1},
		{"a tool failed and refuses", Run{Checks: checks(Check{Mode: stack.Enforce, Errors: []string{"no"}, Findings: some})}, Failed, 1, 1},
		{"a finding refuses what changes", Run{Units: units(Planned), Checks: checks(Check{Mode: stack.Enforce, Findings: some})}, Refused, 3, 3},
		{"a finding warns of what changes", Run{Units: units(Planned), Checks: checks(Check{Mode: stack.Warn, Findings: some})}, Succeeded, 0, 2},
		{"a finding refuses, and a unit failed", Run{Units: units(Failed), Checks: checks(Check{Mode: stack.Enforce, Findings: some})}, Failed, 1, 1},
		{"a finding refuses, and a unit was not run", Run{Units: units(Applied, NotRun), Checks: checks(Check{Mode: stack.Enforce, Findings: some})}, Refused, 3, 3},
		{"a finding refuses, and interrupted", Run{Units: units(Interrupted), Checks: checks(Check{Mode: stack.Enforce, Findings: some})}, Interrupted, 130, 130},
		{"a finding refuses, and the run has an error", Run{Error: "disk full", Checks: checks(Check{Mode: stack.Enforce, Findings: some})}, Failed, 1, 1},
		{"all well", Run{Units: units(Applied, Destroyed, Unchanged)}, Succeeded, 0, 0},
		{"planned", Run{Units: units(Planned, Unchanged)}, Succeeded, 0, 2},
		{"provisional", Run{Units: units(Provisional)}, Succeeded, 0, 2},
		{"deferred", Run{Units: units(Deferred)}, Succeeded, 0, 2},
		{"one failed", Run{Units: units(Applied, Failed, NotRun, Planned)}, Failed, 1, 1},
		{"refused", Run{Units: units(Applied, Refused, NotRun)}, Refused, 3, 3},
		{"failed and refused", Run{Units: units(Refused, Failed)}, Failed, 1, 1},
		{"interrupted wins", Run{Units: units(Refused, Failed, Interrupted)}, Interrupted, 130, 130},
		{"an error without units", Run{Error: "no environment x"}, Failed, 1, 1},
		{"an error after a result that was too good", Run{Result: Succeeded, Error: "disk full"}, Failed, 1, 1},
		{"refused as a whole", Run{Result: Refused, Error: "production needs approval"}, Refused, 3, 3},
		{"interrupted before any unit ran", Run{Result: Interrupted, Units: units(NotRun)}, Interrupted, 130, 130},
		{"not run although nothing failed", Run{Units: units(Applied, NotRun)}, Failed, 1, 1},
		{"a unit without a result", Run{Units: units(Applied, "")}, Failed, 1, 1},
		{"in sync", Run{Units: units(InSync)}, Succeeded, 0, 0},
		{"pending", Run{Units: units(Pending, InSync)}, Succeeded, 0, 2},
		{"unmanaged", Run{Units: units(Unmanaged)}, Succeeded, 0, 0},
		{"drifted", Run{Units: drifted(Drifted, InSync)}, Succeeded, 2, 2},
		{"drifted and pending", Run{Units: drifted(DriftedPending)}, Succeeded, 2, 2},
		{"drifted, and one failed", Run{Units: drifted(Failed, Drifted, NotRun)}, Failed, 2, 2},
		{"drifted, and one was refused", Run{Units: drifted(Drifted, Refused)}, Refused, 2, 2},
		{"drifted, and the run has an error", Run{Error: "no ledger", Units: drifted(Drifted)}, Failed, 2, 2},
		{"drifted, and interrupted", Run{Units: drifted(Drifted, Interrupted)}, Interrupted, 130, 130},
		{"drifted, and interrupted as a whole", Run{Result: Interrupted, Units: drifted(Drifted)}, Interrupted, 130, 130},
		{"pending, and one failed", Run{Units: units(Pending, Failed)}, Failed, 1, 1},
		{"errors alone", Run{Units: units(Failed, InSync)}, Failed, 1, 1},
		{"refused, the rest is in sync", Run{Units: units(Refused, InSync)}, Refused, 3, 3},
		{"drift that nothing says of", Run{Units: units(Drifted)}, Succeeded, 2, 2},
		{"drift that is known", Run{Since: "r1", Units: units(Drifted)}, Succeeded, 0, 0},
		{"drift that is known, and pending", Run{Since: "r1", Units: units(DriftedPending)}, Succeeded, 0, 2},
		{"new drift beside what is known", Run{Since: "r1", Units: append(units(Drifted), drifted(Drifted)...)}, Succeeded, 2, 2},
		{"drift that is set back", Run{Units: drifted(Applied)}, Succeeded, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			run := test.run
			for range 2 { // settled twice, it is the same
				if code := ExitCode(&run, false); code != test.code {
					t.Errorf("exit code %d, want %d", code, test.code)
				}
				if code := ExitCode(&run, true); code != test.detailed {
					t.Errorf("detailed exit code %d, want %d", code, test.detailed)
				}
				run.Settle()
				if run.Result != test.result {
					t.Errorf("result %q, want %q", run.Result, test.result)
				}
			}
		})
	}
}
