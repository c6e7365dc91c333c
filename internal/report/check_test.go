package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/stack"
)

// gated is a plan that gates looked at, with findings of every kind.
func gated() *Run {
	const network, client = "foundation@eu-west-1:production", "clients/ezra@eu-west-1:production"
	users := []string{network, "databases@eu-west-1:production", "platform@eu-west-1:production", client, "clients/mtn@eu-west-1:production"}
	return &Run{
		Schema: Schema, ID: "20250303T081500Z-2c9e", Verb: "plan", Environment: "production", Commit: "8d3f2a1",
		Started: time.Date(2025, 3, 3, 8, 15, 0, 0, time.UTC), Seconds: 63.7, Result: Failed, Logs: "out",
		Notes: []string{"gates, limits, policies and suppressions are those of 11bb22c (the merge base with main)"},
		Units: []Unit{
			{ID: network, Path: "regions/eu-west-1/layers/01-foundation/production", Layer: "foundation", Region: "eu-west-1",
				Result: Refused, Reason: "checkov and opa refuse it (4 findings)", Changes: &Changes{Add: 2, Change: 1}, Seconds: 7.3},
			{ID: client, Path: "regions/eu-west-1/clients/ezra/production", Layer: "clients", Region: "eu-west-1", Instance: "ezra",
				Result: Planned, Changes: &Changes{Change: 1}, Seconds: 6.9},
		},
		Checks: []Check{checkovCheck(users), trivyCheck(), complianceCheck(client), opaCheck(network, client),
			{Tool: "terraform", Version: "1.11.4", Mode: stack.Enforce, Looked: 41, Seconds: 2.2, Findings: nil},
			{Tool: "tfsec", Version: "1.28.14", Mode: stack.Enforce, Severity: finding.High, Errors: []string{"it is not installed\ninstall it with: go install github.com/aquasecurity/tfsec/cmd/tfsec@v1.28.14"}},
			{Tool: "strata", Mode: stack.Warn, Looked: 2, Findings: []finding.Finding{
				{Tool: "strata", Rule: "gates-changed", Severity: finding.High, Title: "a file that gates read is changed (modified)", File: "policies/tags.rego", Help: "it takes effect once it is merged: see that somebody who answers for the gates has agreed"}}},
		},
	}
}

// checkovCheck refuses, and has findings that do not count for each reason.
func checkovCheck(users []string) Check {
	group := finding.Finding{Tool: "checkov", Rule: "CKV_AWS_24", Aliases: []string{"AVD-AWS-0107"}, Severity: finding.Critical, Title: "Ensure no security groups allow ingress from 0.0.0.0:0 to port 22",
		File: "shared/modules/network/main.tf", Line: 22, End: 31, Resource: "aws_security_group.open", Units: users, Help: "https://docs.prismacloud.io/en/policy-reference/networking-1-port-security"}
	bucket := finding.Finding{Tool: "checkov", Rule: "CKV_AWS_18", Severity: finding.High, Title: "Ensure the S3 bucket has access logging enabled", File: "shared/modules/logs/main.tf", Line: 3, Resource: "aws_s3_bucket.logs", Units: users[:1]}
	again := bucket
	again.Line, again.Title = 9, ""
	all := finding.Number([]finding.Finding{bucket, again, group,
		{Tool: "checkov", Rule: "CKV_AWS_7", Severity: finding.High, Title: "Ensure rotation of keys is enabled", File: "shared/modules/keys/main.tf", Line: 5, Resource: "aws_kms_key.main"},
		{Tool: "checkov", Rule: "CKV_AWS_21", Severity: finding.Medium, Title: "Ensure the S3 bucket has versioning enabled", File: "shared/modules/logs/main.tf", Line: 3, Resource: "aws_s3_bucket.logs"},
		{Tool: "checkov", Rule: "CKV_AWS_16", Severity: finding.Medium, Title: "Ensure the database is encrypted", File: "shared/modules/rds/main.tf", Line: 1, Resource: "aws_db_instance.main"}})
	keys := stack.Date{Year: 2025, Month: 6, Day: 1}
	counted, suppressed, _ := finding.Suppress(all, []finding.Suppression{{Rule: "CKV_AWS_7", Reason: "rotated by hand", Owner: "ops", Until: keys}}, time.Date(2025, 3, 3, 0, 0, 0, 0, time.UTC))
	counted, baseline := finding.Baseline{Findings: []finding.BaselineEntry{{Fingerprint: find(all, "CKV_AWS_21").Fingerprint()}}}.Apply(counted)
	counted = append(counted, finding.Finding{Tool: "trivy", Rule: "CKV_AWS_16", Severity: finding.High, File: "shared/modules/rds/main.tf", Line: 1})
	counted, duplicates := finding.Duplicates(counted, "checkov", "trivy")
	counted = slices.DeleteFunc(counted, func(f finding.Finding) bool { return f.Tool != "checkov" })
	return Check{Tool: "checkov", Version: "3.2.334", Mode: stack.Enforce, Severity: finding.Medium, Below: 12, Looked: 120, Ignored: 3, Seconds: 31.4,
		Findings: counted, Known: slices.Concat(suppressed, baseline, duplicates, []finding.Finding{{Tool: "checkov", Rule: "CKV_AWS_9", Severity: finding.Low, Known: "a reason of another kind"}})}
}

func find(list []finding.Finding, rule string) finding.Finding {
	return list[slices.IndexFunc(list, func(f finding.Finding) bool { return f.Rule == rule })]
}

// trivyCheck only warns, and was not run again.
func trivyCheck() Check {
	return Check{Tool: "trivy", Version: "0.74.0", Mode: stack.Warn, Severity: finding.Low, Looked: 1200, Seconds: 8, Cached: true, Findings: finding.Number([]finding.Finding{
		{Tool: "trivy", Rule: "AWS-0107", Severity: finding.Critical, Title: evil, File: "regions/eu-west-1/" + evil + ".tf", Line: 7, Resource: `aws_x.y["` + evil + `"]`, Help: evil, Units: []string{evil}},
		{Tool: "trivy", Rule: "AWS-0132", Severity: finding.Medium, Title: "Bucket does not encrypt data with a customer managed key", File: "shared/modules/logs/main.tf", Line: 3, End: 3, Resource: "aws_s3_bucket.logs", Help: "https://avd.aquasec.com/misconfig/aws-0132?x=1#a_b"},
		{Tool: "trivy", Rule: "AWS-0089", Severity: finding.Low, Title: "AWS-0089", File: "shared/modules/logs/main.tf"},
		{Tool: "trivy", Rule: "AWS-0001", Severity: finding.Info, Title: "Something to know"}})}
}

// complianceCheck looks at plans, of which it could not read one.
func complianceCheck(unit string) Check {
	return Check{Tool: "terraform-compliance", Version: "1.3.52", Mode: stack.Warn, Severity: finding.Info, Looked: 6, Seconds: 4.1,
		Errors: []string{"foundation@eu-west-1:production: exit code 2: " + evil},
		Findings: []finding.Finding{{Tool: "terraform-compliance", Rule: "tags/Ensure all resources have tags", Severity: finding.Medium, Title: "aws_vpc.main has no tag Owner",
			Unit: unit, Units: []string{unit}, File: "regions/eu-west-1/clients/ezra/production", Resource: "module.network[\"a|b\"].aws_vpc.main"}}}
}

// opaCheck refuses, also what it cannot decide.
func opaCheck(network, client string) Check {
	return Check{Tool: "opa", Version: "1.7.1", Mode: stack.Enforce, Looked: 9, Seconds: 0.8, Unknown: stack.Deny,
		Findings: []finding.Finding{{Tool: "opa", Rule: "no_public_ip", Severity: finding.Medium, Title: "the instance has a public address", Unit: network, Units: []string{network}, Resource: "aws_instance.bastion", Help: "put it behind the load balancer"}},
		Undetermined: []finding.Finding{
			{Tool: "opa", Rule: "deny", Severity: finding.High, Title: "reads aws_vpc.main.arn, which is known after the apply", Unit: client, Units: []string{client}},
			{Tool: "opa", Rule: "deny", Severity: finding.Medium, Title: "reads aws_vpc.main.id, which is known after the apply", Unit: network, Units: []string{network}}}}
}

// warned is a gated plan of which all only warns.
func warned() *Run {
	run := gated()
	for i := range run.Checks {
		run.Checks[i].Mode, run.Checks[i].Unknown = stack.Warn, stack.Warn
	}
	for i := range run.Units {
		run.Units[i].Result, run.Units[i].Reason = Planned, ""
	}
	run.Result = Succeeded
	return run
}

// scanned is a scan of code with n findings.
func scanned(n int) *Run {
	run := &Run{Verb: "scan", Environment: "production", Seconds: 44, Result: Refused, Logs: "out", Checks: []Check{
		{Tool: "checkov", Version: "3.2.334", Mode: stack.Enforce, Severity: finding.Info, Looked: n, Seconds: 31},
		{Tool: "trivy", Version: "0.74.0", Mode: stack.Warn, Severity: finding.Info, Looked: n, Seconds: 8}}}
	for i := range n {
		c := &run.Checks[i%2]
		c.Findings = append(c.Findings, finding.Finding{
			Tool: c.Tool, Rule: fmt.Sprintf("RULE-%d", i%40), Severity: finding.Severities()[i/2%5], Title: fmt.Sprintf("Something is wrong in %d", i),
			File: fmt.Sprintf("shared/modules/m%d/main.tf", i/10), Line: 1 + i%10, Resource: fmt.Sprintf("aws_x.y%d", i), Units: []string{"a@r:production", "b@r:production"}, Help: "https://example.com/help",
		})
	}
	return run
}

// hostileChecks is a scan in which every foreign text is an attack.
func hostileChecks() *Run {
	f := finding.Finding{Tool: evil, Rule: evil, Aliases: []string{evil}, Severity: evil, Title: evil, Unit: evil, Units: []string{evil, evil}, File: evil, Line: 3, Resource: evil, Help: evil, Known: evil}
	code := f
	code.Unit = ""
	return &Run{Verb: "scan", Checks: []Check{
		{Tool: evil, Version: evil, Mode: stack.Enforce, Severity: evil, Below: 1, Errors: []string{evil, ""}, Findings: []finding.Finding{f, code}, Undetermined: []finding.Finding{f}, Unknown: evil, Known: []finding.Finding{f}},
		{Tool: evil, Mode: evil, Errors: []string{evil}},
	}}
}

func TestTableOfChecks(t *testing.T) {
	clean := &Run{Verb: "scan", Environment: "production", Seconds: 4, Result: Succeeded, Checks: []Check{
		{Tool: "trivy", Version: "0.74.0", Mode: stack.Enforce, Looked: 12, Seconds: 3.2}, {Tool: "opa", Version: "1.7.1", Mode: stack.Warn, Looked: 0, Cached: true}}}
	tests := []struct {
		name string
		run  *Run
		opts TableOptions
	}{
		{"table_checks.golden", gated(), TableOptions{}},
		{"table_checks_narrow.golden", gated(), TableOptions{Width: 80}},
		{"table_checks_color.golden", gated(), TableOptions{Width: 120, Color: true}},
		{"table_checks_told.golden", warned(), TableOptions{Width: 100, Color: true}},
		{"table_checks_none.golden", clean, TableOptions{Width: 80}},
		{"table_checks_hostile.golden", hostileChecks(), TableOptions{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { golden(t, test.name, tableOf(t, test.run, test.opts)) })
	}
}

// In a run about findings all are listed; elsewhere those that refuse, and some
// of the others.
func TestTableListsFindings(t *testing.T) {
	for verb, warnings := range map[string]int{"scan": 2500, "policy": 2500, "validate": 2500, "plan": 20, "deploy": 20} {
		run := scanned(5000)
		run.Verb = verb
		got := tableOf(t, run, TableOptions{Width: 80})
		if n := strings.Count(got, "(checkov): Something"); n != 2500 {
			t.Errorf("%s: %d of 2500 findings that refuse are listed", verb, n)
		}
		if n := strings.Count(got, "(trivy): Something"); n != warnings {
			t.Errorf("%s: %d findings that warn are listed, want %d", verb, n, warnings)
		}
		const more = "  … and 2,480 more: 480 critical, 500 high, 500 medium, 500 low, 500 info"
		if strings.Contains(got, more) != (warnings == 20) {
			t.Errorf("%s: it is not said right how many are left out", verb)
		}
	}
}

// The table of tools fits a terminal, whatever they told.
func TestTableOfChecksIsNarrow(t *testing.T) {
	got := tableOf(t, gated(), TableOptions{Width: 80})
	_, tools, found := strings.Cut(got, "\nTOOL")
	tools, _, ended := strings.Cut(tools, "\n\n")
	if !found || !ended {
		t.Fatalf("no table of tools:\n%s", got)
	}
	for line := range strings.Lines("TOOL" + tools) {
		if columns().StringWidth(strings.TrimSuffix(line, "\n")) > 80 {
			t.Errorf("wider than 80: %q", line)
		}
	}
}

func TestMarkdownOfChecks(t *testing.T) {
	clean := &Run{Verb: "scan", Environment: "production", Seconds: 4, Result: Succeeded, Checks: []Check{{Tool: "trivy", Version: "0.74.0", Mode: stack.Enforce, Looked: 12, Seconds: 3.2}}}
	tests := []struct {
		name  string
		run   *Run
		limit int
	}{
		{"markdown_checks.golden.md", gated(), 0},
		{"markdown_checks_short.golden.md", gated(), 7300},
		{"markdown_checks_compact.golden.md", gated(), 4000},
		{"markdown_checks_told.golden.md", warned(), 0},
		{"markdown_checks_many.golden.md", scanned(5000), 9000},
		{"markdown_checks_none.golden.md", clean, 0},
		{"markdown_checks_hostile.golden.md", hostileChecks(), 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { golden(t, test.name, markdownOf(t, test.run, test.limit)) })
	}
}

// However many findings: the counts of all are there, and those that refuse are
// the last to go.
func TestMarkdownOfManyFindings(t *testing.T) {
	run := scanned(5000)
	refusing := 0
	for _, limit := range []int{9000, 20000, CommentLimit, 400_000, 4_000_000} {
		got := markdownOf(t, run, limit)
		sound(t, got, limit)
		for _, want := range []string{
			"2,500 findings refuse, 2,500 warn",
			"| checkov 3.2.334 | enforce | 2,500 | 500 | 500 | 500 | 500 | 500 | 5,000 | 31s |\n| trivy 0.74.0 | warn | 2,500 | 500 | 500 | 500 | 500 | 500 | 5,000 | 8.0s |\n",
			"### Findings that refuse: 500 critical, 500 high, 500 medium, 500 low, 500 info\n",
			"<summary>Findings that only warn: 500 critical, 500 high, 500 medium, 500 low, 500 info</summary>\n",
			"**info**: 500 checkov\n", "**critical**: 500 trivy\n",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("limit %d: %q is missing", limit, want)
			}
		}
		refuse, warn := strings.Count(got, "` checkov | "), strings.Count(got, "` trivy | ")
		if refuse < refusing || refuse == 0 || warn > 0 && refuse < 2500 {
			t.Errorf("limit %d: %d findings that refuse are listed, %d that warn", limit, refuse, warn)
		}
		if refusing = refuse; limit == 4_000_000 && (refuse != 2500 || warn != 2500 || strings.Contains(got, "no room")) {
			t.Errorf("%d and %d are listed where there is room for all", refuse, warn)
		}
		if limit < 400_000 && (strings.Count(got, "|\n\n… and ") != 1 || !strings.Contains(got, "\n500 not listed\n") || !strings.Contains(got, "There was no room for ")) {
			t.Errorf("limit %d: it is not said what is left out", limit)
		}
	}
}

// Neither thousands of units nor thousands of findings push the others out.
func TestMarkdownOfManyUnitsAndFindings(t *testing.T) {
	run := many(5000)
	run.Checks = scanned(5000).Checks
	got := markdownOf(t, run, 0)
	sound(t, got, CommentLimit)
	if n := strings.Count(got, "`clients/client-"); n != 50 {
		t.Errorf("%d of 50 units are in the table", n)
	}
	if n := strings.Count(got, "` checkov | "); n < 50 {
		t.Errorf("%d findings are listed", n)
	}
	for i := range run.Units {
		run.Units[i].Result = Applied
	}
	got = markdownOf(t, run, 0)
	sound(t, got, CommentLimit)
	listed := strings.Count(got, "\napplied ")
	refusing := strings.Count(got, "\ncritical ") + strings.Count(got, "\nhigh ")
	for _, want := range []string{
		fmt.Sprintf("Further %s units, together `", thousands(5000-listed)), fmt.Sprintf("Further %s findings refuse.", thousands(2500-refusing)),
		"| checkov 3.2.334 | enforce | 2,500 | 500 |", "2,500 findings refuse, 2,500 warn",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if listed < 200 || refusing < 200 {
		t.Errorf("%d units and %d findings are listed", listed, refusing)
	}
}

// What failed stands before what was found, which stands before what only warns.
func TestMarkdownKeepsRefusingFindings(t *testing.T) {
	run := gated()
	run.Units[1].Diff = strings.Repeat("  + x = 1\n", 20000)
	run.Checks[1].Findings = scanned(4000).Checks[1].Findings
	got := markdownOf(t, run, 0)
	sound(t, got, CommentLimit)
	for _, want := range []string{"put it behind the load balancer", "which is known after the apply", "`CKV_AWS_24` checkov", "`no_public_ip` opa"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if !strings.Contains(got, "no room for") {
		t.Error("nothing was left out: the test proves nothing")
	}
}

func TestJUnitOfChecks(t *testing.T) {
	clean := &Run{Verb: "scan", Environment: "production", Seconds: 4, Checks: []Check{{Tool: "trivy", Version: "0.74.0", Mode: stack.Enforce, Looked: 12, Seconds: 3.2, Below: 2, Severity: finding.High}}}
	for name, run := range map[string]*Run{
		"junit_checks.golden.xml": gated(), "junit_checks_told.golden.xml": warned(), "junit_checks_none.golden.xml": clean, "junit_checks_hostile.golden.xml": hostileChecks(),
	} {
		t.Run(name, func(t *testing.T) {
			got := junitOf(t, run)
			shaped(t, got)
			golden(t, name, got)
		})
	}
}

// Viewers take cases of one name for one, and compare them with those of the run
// before: lines are not in them.
func TestJUnitNamesFindings(t *testing.T) {
	list := finding.Number([]finding.Finding{
		{Tool: "trivy", Rule: "deny", Title: "a", File: "f.tf", Line: 1}, {Tool: "trivy", Rule: "deny", Title: "b", File: "f.tf", Line: 2},
		{Tool: "trivy", Rule: "deny", Unit: "u@r:e", Resource: "a.b"}})
	open := []finding.Finding{{Tool: "trivy", Rule: "deny", Title: "c", Unit: "u@r:e"}, {Tool: "trivy", Rule: "deny", Title: "d", Unit: "u@r:e"}}
	suite := junitCheck(&Run{}, &Check{Tool: "trivy", Mode: stack.Enforce, Findings: list, Undetermined: open})
	var names []string
	for _, c := range suite.Cases {
		names = append(names, c.Name)
	}
	want := []string{"deny u@r:e a.b", "deny f.tf", "deny f.tf #2", "deny u@r:e", "deny u@r:e (2)"}
	if !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

func TestSARIFOfChecks(t *testing.T) {
	sarifOf := func(run *Run) string { return render(t, func(b *bytes.Buffer) error { return SARIF(b, run) }) }
	golden(t, "checks.golden.sarif", sarifOf(gated()))
	other := gated()
	other.ID, other.Started, other.Seconds = "other", time.Now(), 1
	for i := range other.Checks {
		c := &other.Checks[i]
		c.Seconds, c.Cached, c.Looked = 1, !c.Cached, 1
		slices.Reverse(c.Findings)
		slices.Reverse(c.Known)
	}
	if sarifOf(other) != sarifOf(gated()) {
		t.Error("the same findings are not the same bytes")
	}
	plain := &Run{Units: []Unit{{ID: "u@r:e", Path: "regions/r/u"}}, Checks: []Check{{Tool: "strata", Findings: []finding.Finding{{Rule: "limits/destroy", Unit: "u@r:e"}}}}}
	if got := sarifOf(plain); !strings.Contains(got, `"uri": "regions/r/u"`) {
		t.Errorf("a finding about a unit has no file: %s", got)
	}
	if got := sarifOf(hostileChecks()); strings.ContainsAny(got, "\x1b\x7f\r\u009b\u202e") {
		t.Errorf("control characters came through: %q", got)
	}
}

func TestSummaryOfChecks(t *testing.T) {
	some := func(n int) []finding.Finding { return make([]finding.Finding, n) }
	tests := []struct {
		checks []Check
		want   string
	}{
		{[]Check{{Mode: stack.Enforce}, {Mode: stack.Warn}}, "no findings in 0.0s"},
		{[]Check{{Mode: stack.Enforce, Findings: some(3)}, {Mode: stack.Warn, Findings: some(5)}}, "3 findings refuse, 5 warn in 0.0s"},
		{[]Check{{Mode: stack.Enforce, Findings: some(1)}, {Mode: stack.Warn, Findings: some(1)}}, "1 finding refuses, 1 warns in 0.0s"},
		{[]Check{{Mode: stack.Warn, Findings: some(1)}}, "1 finding warns in 0.0s"},
		{[]Check{{Mode: stack.Enforce, Unknown: stack.Deny, Findings: some(1), Undetermined: some(2)}}, "3 findings refuse (2 undetermined) in 0.0s"},
		{[]Check{{Mode: stack.Enforce, Unknown: stack.Warn, Findings: some(1), Undetermined: some(2)}}, "1 finding refuses, 2 warn (2 undetermined) in 0.0s"},
		{[]Check{{Mode: stack.Warn, Unknown: stack.Deny, Undetermined: some(1)}}, "1 finding warns (1 undetermined) in 0.0s"},
		{[]Check{{Mode: stack.Warn, Errors: []string{"no", "no"}}, {Mode: stack.Enforce}}, "1 tool failed in 0.0s"},
		{[]Check{{Mode: stack.Enforce, Errors: []string{"no"}, Findings: some(2000)}}, "2,000 findings refuse, 1 tool failed in 0.0s"},
		{nil, "no units in 0.0s"},
	}
	for _, test := range tests {
		if got := Summary(&Run{Checks: test.checks}); got != test.want {
			t.Errorf("%+v: %q, want %q", test.checks, got, test.want)
		}
	}
	if got, want := Summary(gated()), "1 planned, 1 refused; 6 findings refuse, 6 warn (2 undetermined), 2 tools failed in 1m04s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// What tools found is summed up although the run ended early.
func TestTableOfChecksAndAnError(t *testing.T) {
	got := tableOf(t, &Run{Verb: "scan", Error: "disk full", Checks: []Check{{Tool: "trivy", Mode: stack.Warn, Findings: []finding.Finding{{Tool: "trivy", Rule: "r"}}}}}, TableOptions{})
	if !strings.HasSuffix(got, "\nError: disk full\n1 finding warns in 0.0s\n") {
		t.Errorf("got:\n%s", got)
	}
}
