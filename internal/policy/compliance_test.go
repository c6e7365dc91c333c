package policy

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestComplianceRules runs the same library in terraform-compliance's language
// over the same plans: one that passes, and changes of it that do not.
func TestComplianceRules(t *testing.T) {
	tool, err := exec.LookPath("terraform-compliance")
	if err != nil {
		t.Skip("needs terraform-compliance on PATH: pip install terraform-compliance")
	}
	rules, err := filepath.Abs("../../testdata/compliance-rules")
	if err != nil {
		t.Fatal(err)
	}
	plan := recorded(t, "plans/unit00.json")
	type fields = map[string]any
	attribute := func(address, name string, value any) func([]byte) []byte {
		return func(plan []byte) []byte {
			return edit(t, plan, address, func(_, after, _ fields) { after[name] = value })
		}
	}
	group := func(rule fields) func([]byte) []byte {
		return attribute("aws_security_group.web", "ingress", []any{rule})
	}
	open := func(protocol string, from, to int, cidr4, cidr6 []string) fields {
		return fields{"protocol": protocol, "from_port": from, "to_port": to, "cidr_blocks": cidr4, "ipv6_cidr_blocks": cidr6, "self": false}
	}
	everybody, everybody6 := []string{"0.0.0.0/0"}, []string{"::/0"}
	for name, test := range map[string]struct {
		changes []func([]byte) []byte
		want    []string
	}{
		"nothing":                 {nil, nil},
		"a port that may be open": {[]func([]byte) []byte{group(open("tcp", 443, 443, everybody, nil))}, nil},
		"an open port":            {[]func([]byte) []byte{group(open("tcp", 22, 22, everybody, nil))}, []string{"Security groups let nobody in by any other port"}},
		"a range around one":      {[]func([]byte) []byte{group(open("tcp", 80, 443, everybody, nil))}, []string{"Security groups let nobody in by any other port"}},
		"all ports":               {[]func([]byte) []byte{group(open("-1", 0, 0, everybody, nil))}, []string{"Security groups let nobody in by any other port"}},
		"an open port as a rule":  {[]func([]byte) []byte{attribute("aws_security_group_rule.office", "cidr_blocks", everybody)}, []string{"Rules of security groups let nobody in", "Security groups let nobody in by any other port"}},
		"an open port of IPv6":    {[]func([]byte) []byte{attribute("aws_security_group_rule.office", "ipv6_cidr_blocks", everybody6)}, []string{"Rules of security groups let nobody in"}},
		"all that one plan can have": {[]func([]byte) []byte{
			attribute("aws_vpc_security_group_ingress_rule.office", "cidr_ipv4", "0.0.0.0/0"),
			attribute("aws_db_instance.main", "storage_encrypted", nil),
			attribute("aws_db_instance.main", "publicly_accessible", true),
			attribute("aws_ebs_volume.data", "encrypted", false),
			attribute("aws_instance.web[0]", "root_block_device", []any{fields{"encrypted": false}}),
			attribute("aws_vpc.main", "tags_all", fields{"Owner": "a"}),
			attribute("aws_lb.web", "enable_deletion_protection", false),
			attribute(`module.bucket["logs"].aws_s3_bucket_public_access_block.this`, "block_public_acls", false),
			func(plan []byte) []byte {
				return edit(t, plan, "aws_dynamodb_table.locks", func(rc, _, _ fields) {
					rc["change"].(fields)["actions"] = []any{"delete", "create"}
				})
			},
		}, []string{
			"Buckets keep the public out", "Databases and load balancers are protected", "Databases and volumes are encrypted",
			"Databases cannot be reached from the internet", "Instances encrypt their root volume", "Newer rules let nobody in",
			"Nothing of these types is replaced", "What can have tags has them",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			changed := plan
			for _, change := range test.changes {
				changed = change(changed)
			}
			if diff := cmp.Diff(test.want, compliance(t, tool, rules, changed)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// compliance lists the scenarios that a plan breaks.
func compliance(t *testing.T, tool, rules string, plan []byte) []string {
	t.Helper()
	var one bytes.Buffer // the tool takes a plan of several lines for no JSON
	if err := json.Compact(&one, plan); err != nil {
		t.Fatal(err)
	}
	dir := policies(t, map[string]string{"plan.json": one.String()})
	cmd := exec.Command(tool, "--features", rules, "--planfile", "plan.json", "--silent", "--no-ansi", "--cucumber-json=out.json")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PYTHONWARNINGS=ignore", "GIT_ALLOW_PROTOCOL=none")
	printed, err := cmd.CombinedOutput()
	data, readErr := os.ReadFile(filepath.Join(dir, "out.json"))
	if readErr != nil {
		t.Fatalf("%v, %v: %s", err, readErr, printed)
	}
	var features []struct {
		Elements []struct {
			Name  string `json:"name"`
			Steps []struct {
				Result struct {
					Status string `json:"status"`
				} `json:"result"`
			} `json:"steps"`
		} `json:"elements"`
	}
	if err := json.Unmarshal(data, &features); err != nil {
		t.Fatal(err)
	}
	var broken []string
	for _, f := range features {
		for _, e := range f.Elements {
			for _, s := range e.Steps {
				if s.Result.Status == "failed" {
					name, _, _ := strings.Cut(e.Name, " - row ")
					broken = append(broken, name)
				}
			}
		}
	}
	slices.Sort(broken)
	return slices.Compact(broken)
}
