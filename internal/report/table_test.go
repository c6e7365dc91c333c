package report

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func tableOf(t *testing.T, run *Run, opts TableOptions) string {
	t.Helper()
	return render(t, func(b *bytes.Buffer) error { return Table(b, run, opts) })
}

func TestTableGolden(t *testing.T) {
	tests := []struct {
		name string
		run  *Run
		opts TableOptions
	}{
		{"table_deploy.golden", deployed(), TableOptions{}},
		{"table_deploy_narrow.golden", deployed(), TableOptions{Width: 80}},
		{"table_deploy_color.golden", deployed(), TableOptions{Width: 120, Color: true}},
		{"table_plan.golden", planned(), TableOptions{Width: 120}},
		{"table_many.golden", many(1000), TableOptions{Width: 120}},
		{"table_hostile.golden", hostile(), TableOptions{}},
		{"table_refused.golden", &Run{Verb: "deploy", Environment: "x", Result: Failed, Error: "no environment x; there are:\nstaging\nproduction"}, TableOptions{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { golden(t, test.name, tableOf(t, test.run, test.opts)) })
	}
}

func TestTableFoldsOnlyWhatIsUnchanged(t *testing.T) {
	run := many(1000)
	run.Units[0].Changes = &Changes{Outputs: 1} // unchanged by name, not by counts
	got := tableOf(t, run, TableOptions{})
	for i := range run.Units {
		u := &run.Units[i]
		if shown := strings.Contains(got, u.ID); shown == quiet(u) {
			t.Errorf("%s (%s): shown is %v", u.ID, u.Result, shown)
		}
	}
	if !strings.Contains(got, "989 units unchanged\n") {
		t.Error("the unchanged units are not counted")
	}
	if small := tableOf(t, &Run{Units: run.Units[20:50]}, TableOptions{}); !strings.Contains(small, "client-0033") {
		t.Error("30 unchanged units are folded")
	}
}

// A large plan is not listed, but nobody may miss what it destroys.
func TestTableOfALargePlan(t *testing.T) {
	run := planned()
	for i := range 500 {
		run.Units[0].Resources = append(run.Units[0].Resources, Resource{Address: fmt.Sprintf("aws_x.y[%d]", i), Action: "create"})
	}
	run.Units[1].Resources = append(run.Units[1].Resources, Resource{Address: "aws_db_instance.main", Action: "delete"})
	got := tableOf(t, run, TableOptions{})
	if strings.Contains(got, "aws_x.y[3]") {
		t.Error("all resources of a large plan are listed")
	}
	if !strings.Contains(got, "aws_db_instance.main") || !strings.Contains(got, "aws_instance.bastion") {
		t.Errorf("what is destroyed is not listed:\n%s", got)
	}
}

func TestTableIsSafe(t *testing.T) {
	for _, run := range []*Run{hostile(), hostileDrift(), hostileChecks()} {
		for _, width := range []int{0, 20, 80} {
			got := tableOf(t, run, TableOptions{Width: width})
			if strings.ContainsAny(got, "\x1b\x07\r\x7f") || strings.ContainsRune(got, '\u009b') || strings.ContainsRune(got, '\u202e') || !utf8.ValidString(got) {
				t.Errorf("control characters came through: %q", got)
			}
			commands(t, got)
		}
		colored := tableOf(t, run, TableOptions{Color: true})
		if rest := regexp.MustCompile(`\x1b\[(0|1|2|31|32|33)m`).ReplaceAllString(colored, ""); strings.Contains(rest, "\x1b") {
			t.Errorf("escapes that are not ours came through: %q", rest)
		}
	}
}

func TestTableSaysSharedErrorsOnce(t *testing.T) {
	got := tableOf(t, many(1000), TableOptions{})
	if n := strings.Count(got, "Error: No valid credential"); n != 1 {
		t.Errorf("one error of many units is said %d times", n)
	}
}

func TestTableShowsAllOrphans(t *testing.T) {
	run := deployed()
	for i := range 200 {
		run.Units[1].Orphans = append(run.Units[1].Orphans, fmt.Sprintf("aws_x.y[%d]", i))
	}
	if got := tableOf(t, run, TableOptions{}); strings.Count(got, "  aws_x.y[") != 200 {
		t.Error("orphans are left out")
	}
}
