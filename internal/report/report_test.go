package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files again")

// golden compares what was rendered with a file below testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	compareFile(t, filepath.Join("testdata", name), got)
}

func compareFile(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); write it again with -update if that is meant:\n%s", path, diff)
	}
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

// deployed is a deploy that came out partly.
func deployed() *Run {
	return &Run{
		Schema: Schema, ID: "20250301T101500Z-4f1c", Verb: "deploy", Environment: "staging", Commit: "8d3f2a1",
		Started: time.Date(2025, 3, 1, 10, 15, 0, 0, time.UTC), Seconds: 130.4, Result: Failed, Logs: "out",
		Warnings: []string{"applications@us-east-1:staging has no lock file; versions of providers are not pinned"},
		Units: []Unit{
			{ID: "foundation@us-east-1:staging", Path: "regions/us-east-1/layers/01-foundation/staging", Layer: "foundation", Region: "us-east-1",
				Result: Applied, Changes: &Changes{Add: 14, Change: 1, Outputs: 2}, Seconds: 61.2, Log: "logs/foundation.log"},
			{ID: "platform@us-east-1:staging", Path: "regions/us-east-1/layers/02-platform/staging", Layer: "platform", Region: "us-east-1",
				Result: Failed, Reason: "aws_eks_cluster.main: creating EKS Cluster: AccessDeniedException", Changes: &Changes{Add: 3, Replace: 1}, Seconds: 42,
				Log: "logs/platform.log", Orphans: []string{"aws_eks_node_group.main[\"a\"]"},
				Diagnostics: []Diagnostic{{Severity: "error", Summary: "creating EKS Cluster (staging): AccessDeniedException", Detail: "User: arn:aws:sts::123456789012:assumed-role/ci is not authorized\nto perform: eks:CreateCluster", Address: "aws_eks_cluster.main",
					File: "regions/us-east-1/layers/02-platform/staging/main.tf", Line: 12, Advice: "Give the role eks:CreateCluster, then run `strata deploy --env staging` again: only what is left is done."},
					{Severity: "warning", Summary: "Argument is deprecated", Detail: "Use vpc_config instead.", File: "shared/modules/eks-cluster/main.tf", Line: 3}}},
			{ID: "databases@us-east-1:staging", Layer: "databases", Region: "us-east-1", Path: "regions/us-east-1/layers/03-databases/staging",
				Result: NotRun, Reason: "platform us-east-1 failed", Needs: []string{"platform@us-east-1:staging"}},
			{ID: "foundation@eu-west-1:staging", Layer: "foundation", Region: "eu-west-1", Path: "regions/eu-west-1/layers/01-foundation/staging",
				Result: Unchanged, Changes: &Changes{}, Seconds: 3.14,
				Diagnostics: []Diagnostic{{Severity: "warning", Summary: "Argument is deprecated", Detail: "Use vpc_config instead.", File: "shared/modules/eks-cluster/main.tf", Line: 3}}},
			{ID: "clients/mtn-ghana@eu-west-1:staging", Layer: "clients", Region: "eu-west-1", Instance: "mtn-ghana", Path: "regions/eu-west-1/clients/mtn-ghana/staging",
				Result: Refused, Reason: "2 destroys are more than the limit of 0", Changes: &Changes{Destroy: 2, Move: 1, Forget: 1, Import: 3}, Seconds: 9.4,
				Resources: []Resource{{Address: "aws_db_instance.main", Action: "delete", Reason: "it is not in the configuration"}}},
		},
	}
}

// planned is a small plan that came out well.
func planned() *Run {
	return &Run{
		Schema: Schema, ID: "20250301T101500Z-4f1c", Verb: "plan", Environment: "production", Commit: "8d3f2a1-dirty",
		Started: time.Date(2025, 3, 1, 10, 15, 0, 0, time.UTC), Seconds: 12.3, Result: Succeeded,
		Units: []Unit{
			{ID: "foundation@us-east-1:production", Path: "regions/us-east-1/layers/01-foundation/production", Layer: "foundation", Region: "us-east-1",
				Result: Planned, Changes: &Changes{Add: 1, Change: 1, Replace: 1, Move: 1, Outputs: 1}, Seconds: 6.4,
				Resources: []Resource{
					{Address: `aws_subnet.private["a|b"]`, Action: "create", Attributes: []Attribute{{Path: "cidr_block", After: raw(`"10.0.1.0/24"`)}}},
					{Address: "aws_vpc.main", Action: "update", Attributes: []Attribute{
						{Path: "tags.Owner", Before: raw(`"ops"`), After: raw(`"platform <team>"`)},
						{Path: "secret", Sensitive: true},
						{Path: "arn", Before: raw(`"arn:aws:x"`), Unknown: true}}},
					{Address: "aws_instance.bastion", Action: "replace", Reason: "cannot be updated in place", Attributes: []Attribute{
						{Path: "ami", Before: raw(`"ami-1"`), After: raw(`"ami-2"`), Replaces: true},
						{Path: "a1", Before: raw("1"), After: raw("2")}, {Path: "a2", Before: raw("1"), After: raw("2")}, {Path: "a3", Before: raw("1"), After: raw("2")},
						{Path: "a4", Before: raw("1"), After: raw("2")}, {Path: "a5", Before: raw("1"), After: raw("2")}, {Path: "a6", Before: raw("null"), After: raw(`{"x": [1, 2]}`)}}},
					{Address: "aws_eip.nat[0]", Action: "move", From: "aws_eip.nat"},
				},
				Outputs: []Attribute{{Path: "vpc_id", Before: raw(`"vpc-1"`), Unknown: true}},
				Diff:    "  # aws_vpc.main will be updated in-place\n  ~ resource \"aws_vpc\" \"main\" {\n      + tags = {\n          note = \"```\"\n        }\n      - old = 1\n    }\n-/+ resource \"aws_instance\" \"bastion\" {\n    }",
			},
			{ID: "platform@us-east-1:production", Path: "regions/us-east-1/layers/02-platform/production", Layer: "platform", Region: "us-east-1",
				Result: Provisional, Reason: "reads vpc_id, which foundation us-east-1 changes", Changes: &Changes{Change: 1}, Seconds: 5.2,
				Resources: []Resource{{Address: "aws_eks_cluster.main", Action: "update", Attributes: []Attribute{{Path: "vpc_id", Before: raw(`"vpc-1"`), Unknown: true}}}}},
			{ID: "databases@us-east-1:production", Layer: "databases", Region: "us-east-1", Path: "regions/us-east-1/layers/03-databases/production",
				Result: Deferred, Reason: "cluster_arn of platform us-east-1 does not exist yet"},
			{ID: "foundation@eu-west-1:production", Layer: "foundation", Region: "eu-west-1", Path: "regions/eu-west-1/layers/01-foundation/production",
				Result: Unchanged, Changes: &Changes{}, Seconds: 4.4},
		},
	}
}

// many is a run of n units of which few are not unchanged.
func many(n int) *Run {
	run := &Run{Verb: "deploy", Environment: "staging", Result: Failed, Seconds: 754, Logs: "out"}
	for i := range n {
		u := Unit{ID: fmt.Sprintf("clients/client-%04d@us-east-1:staging", i), Layer: "clients", Region: "us-east-1", Result: Unchanged, Changes: &Changes{}, Seconds: 2}
		switch {
		case i%200 == 7:
			u.Result, u.Changes = Applied, &Changes{Add: i, Outputs: 1}
		case i%200 == 11:
			u.Result, u.Reason = Failed, "no valid credential sources found"
			u.Diagnostics = []Diagnostic{{Severity: "error", Summary: "No valid credential sources found", File: "shared/modules/client/main.tf", Line: 4, Advice: "Log in, then run again."}}
		}
		run.Units = append(run.Units, u)
	}
	return run
}

const evil = "::set-env name=X::1\x1b[2J\x1b]0;title\x07\r\n::error::gone\n## ##[group]x | `a` ``` </details> <script> @octocat #1 \u202eabc\u202c \x9b31m \xff\xfe **b** \\| &lt;"

// hostile is a run in which every foreign text is an attack.
func hostile() *Run {
	return &Run{
		Verb: evil, Environment: evil, Commit: evil, ID: evil, Result: Failed, Error: evil, Logs: evil, Warnings: []string{evil},
		Units: []Unit{{
			ID: evil, Path: evil, Layer: evil, Region: evil, Result: Planned, Reason: evil, Changes: &Changes{Add: 1}, Log: evil, Diff: evil, Orphans: []string{evil},
			Resources:   []Resource{{Address: evil, Action: evil, From: evil, Reason: evil, Attributes: []Attribute{{Path: evil, Before: raw(`"` + "```|" + `"`), After: raw("{")}}}},
			Outputs:     []Attribute{{Path: evil, Sensitive: true}},
			Diagnostics: []Diagnostic{{Severity: "error", Summary: evil, Detail: evil, Address: evil, File: evil, Advice: evil}, {Severity: "warning", Summary: evil}},
		}},
	}
}

func render(t *testing.T, f func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// commands fails where a line of output would be a command to a log reader.
func commands(t *testing.T, output string) {
	t.Helper()
	for line := range strings.Lines(output) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
			t.Errorf("a line is a workflow command: %q", line)
		}
	}
}
