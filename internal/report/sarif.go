package report

import (
	"cmp"
	"io"
	"slices"

	"github.com/strata-tf/strata/internal/finding"
)

// SARIF writes what the tools of a run found, and nothing else of it, as a SARIF
// 2.1.0 log of one run for each tool; where no tool was asked, of one without
// results, since readers want one. The same findings are the same bytes.
func SARIF(w io.Writer, run *Run) error {
	folders := make(map[string]string, len(run.Units))
	for i := range run.Units {
		folders[run.Units[i].ID] = run.Units[i].Path
	}
	var runs []finding.Run
	for i := range run.Checks {
		c := &run.Checks[i]
		at := slices.IndexFunc(runs, func(r finding.Run) bool { return r.Tool == c.Tool })
		if at < 0 {
			at = len(runs)
			runs = append(runs, finding.Run{Tool: c.Tool, Folders: folders})
		}
		r := &runs[at]
		r.Version = cmp.Or(r.Version, c.Version)
		r.Findings = slices.Concat(r.Findings, c.Findings, c.Known)
		r.Undetermined = slices.Concat(r.Undetermined, c.Undetermined)
		r.Errors = slices.Concat(r.Errors, c.Errors)
	}
	if len(runs) == 0 || run.Error != "" {
		none := finding.Run{Tool: "strata"}
		if run.Error != "" {
			none.Errors = []string{run.Error}
		}
		runs = append(runs, none)
	}
	return finding.SARIF(w, runs)
}
