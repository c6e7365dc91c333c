package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// drifting is a run that looked for drift and found of everything.
func drifting() *Run {
	return &Run{
		Schema: Schema, ID: "20250302T060000Z-77aa", Verb: "drift", Environment: "production", Commit: "8d3f2a1",
		Started: time.Date(2025, 3, 2, 6, 0, 0, 0, time.UTC), Seconds: 95.2, Result: Failed, Since: "20250301T060000Z-11bb",
		Notes: []string{"2 differences are known since 20250301T060000Z-11bb or before, not listed: drift without --since lists them"},
		Gone:  []Vanished{{Unit: "foundation@us-east-1:production", Address: "aws_eip.nat[0]"}, {Unit: "platform@us-east-1:production", Address: "aws_eks_cluster.main", Path: "tags.Owner"}},
		Units: []Unit{
			{ID: "foundation@us-east-1:production", Path: "regions/us-east-1/layers/01-foundation/production", Layer: "foundation", Region: "us-east-1",
				Result: Drifted, Seconds: 31.2, State: &State{Bytes: 48213, Serial: 41, Resources: 63}, Log: "foundation/log.txt",
				Drift: []Difference{
					{Address: "aws_vpc.main", Action: "changed", Severity: "low", Attributes: []Attribute{
						{Path: "tags.Owner", Before: raw(`"platform"`), After: raw(`"ops <night>"`)}, {Path: "tags.Old", Before: raw(`"x"`)}}},
					{Address: "aws_db_instance.audit", Action: "deleted", Severity: "high"},
					{Address: `aws_security_group.web["a|b"]`, Action: "changed", Severity: "high", Attributes: []Attribute{
						{Path: "ingress[0].cidr_blocks[0]", Before: raw(`"10.0.0.0/8"`), After: raw(`"0.0.0.0/0"`)},
						{Path: "ingress[0].from_port", Before: raw("443"), After: raw("0")},
						{Path: "description", Before: raw(`"web, opened by hand during the incident"`), After: raw(`"web, opened by hand during the incident of the night and never set back since"`)},
						{Path: "token", Sensitive: true}}},
				},
				Ignored: []Difference{
					{Address: "aws_vpc.main", Action: "changed", Why: "accepted until 2025-06-01 by ops: the scanner tags it", Attributes: []Attribute{{Path: "tags.Scanned", After: raw(`"1"`)}}},
					{Address: "aws_iam_policy.ci", Action: "changed", Why: "the same elements in another order", Attributes: []Attribute{{Path: "a"}, {Path: "b"}, {Path: "c"}, {Path: "d"}}}},
			},
			{ID: "platform@us-east-1:production", Layer: "platform", Region: "us-east-1", Path: "regions/us-east-1/layers/02-platform/production",
				Result: DriftedPending, Reason: "main.tf changed in 8d3f2a1", Seconds: 12.9,
				Drift: []Difference{{Address: "aws_eks_cluster.main", Action: "changed", Severity: "medium", Attributes: []Attribute{{Path: "version", Before: raw(`"1.31"`), After: raw(`"1.32"`)}}}}},
			{ID: "databases@us-east-1:production", Layer: "databases", Region: "us-east-1", Path: "regions/us-east-1/layers/03-databases/production",
				Result: Pending, Reason: "shared/modules/rds changed in 8d3f2a1", Seconds: 7},
			{ID: "applications@us-east-1:production", Layer: "applications", Region: "us-east-1", Path: "regions/us-east-1/layers/04-applications/production",
				Result: Failed, Reason: "no valid credential sources found", Seconds: 1,
				Diagnostics: []Diagnostic{{Severity: "error", Summary: "No valid credential sources found", File: "main.tf", Line: 4, Advice: "Log in, then run again."}}},
			{ID: "foundation@eu-west-1:production", Layer: "foundation", Region: "eu-west-1", Path: "regions/eu-west-1/layers/01-foundation/production",
				Result: Drifted, Seconds: 14},
			{ID: "platform@eu-west-1:production", Layer: "platform", Region: "eu-west-1", Path: "regions/eu-west-1/layers/02-platform/production",
				Result: InSync, Changes: &Changes{}, Seconds: 9.4, Ignored: []Difference{{Address: "aws_eks_cluster.main", Action: "changed", Why: "the provider computes it, and the code does not set it", Attributes: []Attribute{{Path: "endpoint"}}}}},
			{ID: "clients/ezra@eu-west-1:production", Layer: "clients", Region: "eu-west-1", Instance: "ezra", Path: "regions/eu-west-1/clients/ezra/production",
				Result: NotRun, Reason: "the run was stopping"},
			{ID: "clients/mtn-ghana@eu-west-1:production", Layer: "clients", Region: "eu-west-1", Instance: "mtn-ghana", Path: "regions/eu-west-1/clients/mtn-ghana/production",
				Result: Applied, Reason: "drift is set back", Changes: &Changes{Change: 1}, Seconds: 22},
			{ID: "clients/old@eu-west-1:production", Layer: "clients", Region: "eu-west-1", Instance: "old", Path: "regions/eu-west-1/clients/old/production",
				Result: Unmanaged, Reason: "its folder is gone since 4f1c"},
		},
	}
}

// drifts is a run of n units, of which every tenth drifted in many places, and
// every thousandth severely.
func drifts(n int) *Run {
	run := &Run{Verb: "drift", Environment: "production", Result: Succeeded, Seconds: 754, Logs: "out"}
	for i := range n {
		u := Unit{ID: fmt.Sprintf("clients/client-%04d@us-east-1:production", i), Layer: "clients", Region: "us-east-1", Result: InSync, Seconds: 2}
		if i%10 == 7 {
			u.Result = Drifted
			for k := range 12 {
				d := Difference{Address: fmt.Sprintf("aws_x.y[%d]", k), Action: "changed", Severity: "low", Attributes: []Attribute{{Path: "tags.a", Before: raw("1"), After: raw("2")}}}
				if k == 11 && i%1000 == 997 {
					d = Difference{Address: "aws_db_instance.main", Action: "deleted", Severity: "high"}
				}
				u.Drift = append(u.Drift, d)
			}
			u.Ignored = u.Drift[:1]
			run.Gone = append(run.Gone, Vanished{Unit: u.ID, Address: "aws_z.z"})
		}
		run.Units = append(run.Units, u)
	}
	return run
}

// hostileDrift is a run that looked for drift, in which every foreign text is an
// attack.
func hostileDrift() *Run {
	d := Difference{Address: evil, Action: evil, Severity: evil, Why: evil, Attributes: []Attribute{
		{Path: evil, Before: raw(`"` + "```|" + `"`), After: raw("{")}, {Path: evil, Before: raw(`"]]>\u0001</failure>` + "\x7f" + `"`)}, {Path: evil, Sensitive: true}}}
	return &Run{
		Verb: driftVerb, Environment: evil, Result: Succeeded, Since: evil, Notes: []string{evil},
		Gone: []Vanished{{Unit: evil, Address: evil, Path: evil}},
		Units: []Unit{
			{ID: evil, Layer: evil, Result: Drifted, Drift: []Difference{d, {Address: evil, Action: "deleted", Severity: "high"}}, Ignored: []Difference{d}},
			{ID: evil, Result: Pending, Reason: evil},
			{ID: evil, Result: evil},
		},
	}
}

func TestTableOfDrift(t *testing.T) {
	all := &Run{Verb: "drift", Environment: "production", Result: Succeeded, Units: []Unit{
		{ID: "foundation@us-east-1:production", Result: InSync, Seconds: 4, Changes: &Changes{}}, {ID: "platform@us-east-1:production", Result: InSync, Seconds: 5}}}
	tests := []struct {
		name string
		run  *Run
		opts TableOptions
	}{
		{"table_drift.golden", drifting(), TableOptions{}},
		{"table_drift_color.golden", drifting(), TableOptions{Width: 100, Color: true}},
		{"table_drift_none.golden", all, TableOptions{}},
		{"table_drift_many.golden", drifts(1000), TableOptions{Width: 120}},
		{"table_drift_hostile.golden", hostileDrift(), TableOptions{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { golden(t, test.name, tableOf(t, test.run, test.opts)) })
	}
}

// However much drifted: the severe is listed, the rest is counted.
func TestTableListsTheSevereFirst(t *testing.T) {
	run := drifts(5000)
	got := tableOf(t, run, TableOptions{})
	if n := strings.Count(got, "aws_db_instance.main  deleted"); n != 5 {
		t.Errorf("%d of 5 severe differences are listed", n)
	}
	if want := "… and 5,940 more: 5,940 low\n"; !strings.Contains(got, want) {
		t.Errorf("%q is missing", want)
	}
	for i := range run.Units {
		for k := range run.Units[i].Drift {
			run.Units[i].Drift[k].Severity = "high"
		}
	}
	if got, want := tableOf(t, run, TableOptions{}), "… and 5,940 more: 5,940 high\n"; !strings.Contains(got, want) {
		t.Errorf("%q is missing", want)
	}
}

// What makes a difference severe may be any of its attributes.
func TestTableListsMoreAttributesOfTheSevere(t *testing.T) {
	for severity, shown := range map[string]int{"high": 30, "": 30, "low": 6} {
		d := Difference{Address: "a.b", Action: "changed", Severity: severity}
		for i := range 40 {
			d.Attributes = append(d.Attributes, Attribute{Path: fmt.Sprint("at", i)})
		}
		got := tableOf(t, &Run{Verb: "drift", Units: []Unit{{ID: "u", Result: Drifted, Drift: []Difference{d}}}}, TableOptions{})
		if n := strings.Count(got, ": null → null"); n != shown || !strings.Contains(got, fmt.Sprintf("… %d more attributes", 40-shown)) {
			t.Errorf("%q: %d attributes are shown, want %d", severity, n, shown)
		}
	}
}

func TestMarkdownOfDrift(t *testing.T) {
	tests := []struct {
		name  string
		run   *Run
		limit int
	}{
		{"markdown_drift.golden.md", drifting(), 0},
		{"markdown_drift_short.golden.md", drifting(), 3800},
		{"markdown_drift_many.golden.md", drifts(300), 12000},
		{"markdown_drift_compact.golden.md", drifts(5000), 6000},
		{"markdown_drift_hostile.golden.md", hostileDrift(), 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { golden(t, test.name, markdownOf(t, test.run, test.limit)) })
	}
}

// Where there is room for few details, they are the severest.
func TestMarkdownShowsTheSevereFirst(t *testing.T) {
	for _, limit := range []int{8000, CommentLimit} {
		got := markdownOf(t, drifts(5000), limit)
		sound(t, got, limit)
		if n := strings.Count(got, "client-0997@"); n == 0 {
			t.Errorf("limit %d: a unit that drifted severely is not named", limit)
		}
	}
	got := markdownOf(t, drifts(1000), 15000)
	if strings.Count(got, "<details") < 2 || !strings.Contains(got, "**high** `aws_db_instance.main` deleted") {
		t.Errorf("the severest details are not shown:\n%s", got)
	}
}

func TestVerdict(t *testing.T) {
	one := Difference{Severity: "high"}
	tests := []struct {
		run  Run
		want string
	}{
		{Run{}, "succeeded"},
		{Run{Units: []Unit{{Result: InSync}}}, "in sync"},
		{Run{Units: []Unit{{Result: InSync}, {Result: Pending}}}, "pending"},
		{Run{Units: []Unit{{Result: InSync}, {Result: Unmanaged}}}, "unmanaged"},
		{Run{Units: []Unit{{Result: Drifted, Drift: []Difference{one}}}}, "drifted (high)"},
		{Run{Units: []Unit{{Result: Drifted, Drift: []Difference{{Severity: "low"}}}, {Result: Failed}}}, "failed, drifted"},
		{Run{Since: "r", Units: []Unit{{Result: Drifted}}}, "drifted, nothing new"},
		{Run{Units: []Unit{{Result: Failed}, {Result: InSync}}}, "failed"},
		{Run{Result: Refused, Error: "no"}, "refused"},
	}
	for _, test := range tests {
		test.run.Verb = "drift"
		if got := verdict(&test.run); got != test.want {
			t.Errorf("%+v: %q, want %q", test.run, got, test.want)
		}
	}
}

// Drift is no failure.
func TestProgressCountsDrift(t *testing.T) {
	var live live
	live.tracker.begin("drift", "production", 9)
	for _, u := range drifting().Units {
		live.tracker.note(&Event{Kind: UnitFinished, Unit: &u})
	}
	if got, want := live.header(live.tracker.start), "drift production · 9/9 done · 1 failed · 3 drifted · 0s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestOutcomeOfDrift(t *testing.T) {
	units := drifting().Units
	want := []string{
		"drifted: 2 changed, 1 deleted (high) in 31s",
		"drifted and pending: 1 changed (medium) in 13s: main.tf changed in 8d3f2a1",
		"pending in 7.0s: shared/modules/rds changed in 8d3f2a1",
	}
	colors := []string{"31", "33", "33", "31", "33", "32"}
	for i := range colors {
		if i < len(want) {
			if got := Outcome(&units[i]); got != want[i] {
				t.Errorf("%q, want %q", got, want[i])
			}
		}
		var b bytes.Buffer
		p := NewPlain(&b, PlainOptions{Color: true})
		p.Event(Event{Kind: UnitFinished, Unit: &units[i]})
		p.Stop()
		if !strings.Contains(b.String(), "\x1b["+colors[i]+"m"+Outcome(&units[i])) {
			t.Errorf("%s is not in colour %s: %q", units[i].Result, colors[i], b.String())
		}
	}
}
