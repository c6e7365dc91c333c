package report

import "testing"

func TestSettleAndExitCode(t *testing.T) {
	units := func(results ...Result) []Unit {
		list := make([]Unit, len(results))
		for i, result := range results {
			list[i].Result = result
		}
		return list
	}
	tests := []struct {
		name     string
		run      Run
		result   Result
		code     int
		detailed int
	}{
		{"no units", Run{}, Succeeded, 0, 0},
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
