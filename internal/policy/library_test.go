package policy

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/finding"
)

func plans() []string { return []string{"plans/unit00.json", "plans/unit02.json", "plans/unit04.json"} }

// TestPasses has real plans that the library lets pass: also what is unknown in
// them is nothing that it asks for.
func TestPasses(t *testing.T) {
	deny, warn := query(t, "data.terraform.deny"), query(t, "data.terraform.warn")
	modules := parse(t, V1, library)
	s := serve(t, V1, library)
	s.load(t, deny, warn)
	for _, name := range plans() {
		for _, environment := range []string{"production", "staging"} {
			plan := recorded(t, name)
			results, err := s.Evaluate(t.Context(), Input{Unit: "u", Plan: plan, Strata: map[string]string{"environment": environment}})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results {
				if !r.Defined || len(r.Messages) > 0 {
					t.Errorf("%s, %s: %s: defined %v, %q", name, environment, r.Query, r.Defined, texts(r.Messages))
				}
				if got := Analyse(r.Query, modules).Undetermined(readPlan(t, plan), r.Messages); len(got) > 0 {
					t.Errorf("%s, %s: %s: undetermined %v", name, environment, r.Query, got)
				}
			}
		}
	}
}

// edit changes one resource of a plan.
func edit(t testing.TB, plan []byte, address string, change func(rc, after, unknown map[string]any)) []byte {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(plan, &tree); err != nil {
		t.Fatal(err)
	}
	for _, one := range tree["resource_changes"].([]any) {
		rc := one.(map[string]any)
		if rc["address"] != address {
			continue
		}
		c := rc["change"].(map[string]any)
		change(rc, c["after"].(map[string]any), c["after_unknown"].(map[string]any))
		data, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	t.Fatalf("there is no %s", address)
	return nil
}

// TestMutations makes a plan that passes one that does not, one change at a time.
func TestMutations(t *testing.T) {
	type fields = map[string]any
	q := query(t, "data.terraform.deny")
	a, s := Analyse(q, parse(t, V1, library)), serve(t, V1, library)
	s.load(t, q)
	set := func(name string, value any) func(rc, after, unknown fields) {
		return func(_, after, _ fields) { after[name] = value }
	}
	forget := func(name string, mask any) func(rc, after, unknown fields) {
		return func(_, after, unknown fields) { delete(after, name); unknown[name] = mask }
	}
	actions := func(list ...any) func(rc, after, unknown fields) {
		return func(rc, _, _ fields) { rc["change"].(fields)["actions"] = list }
	}
	const bucket = `module.bucket["logs"].aws_s3_bucket.this`
	for name, test := range map[string]struct {
		address string
		change  func(rc, after, unknown fields)
		deny    string // the message and its file
		unknown string
	}{
		"an open port": {
			"aws_security_group_rule.office", set("cidr_blocks", []any{"0.0.0.0/0"}),
			"aws_security_group_rule.office adds a rule that lets 0.0.0.0/0 in to tcp port 22 (public_ingress.rego, terraform.deny/no-public-ingress-rule)", "",
		},
		"an open port in a block": {
			"aws_security_group.database", func(_, after, _ fields) { after["ingress"].([]any)[0].(fields)["cidr_blocks"] = []any{"0.0.0.0/0"} },
			"aws_security_group.database lets 0.0.0.0/0 in to tcp port 5432 (public_ingress.rego, terraform.deny/no-public-ingress)", "",
		},
		"an open port of the newer rules": {
			"aws_vpc_security_group_ingress_rule.office", set("cidr_ipv4", "0.0.0.0/0"),
			"aws_vpc_security_group_ingress_rule.office opens tcp port 9100 to 0.0.0.0/0 (public_ingress.rego, terraform.deny/no-public-vpc-ingress-rule)", "",
		},
		"a database without encryption": {
			"aws_db_instance.main", set("storage_encrypted", nil),
			"aws_db_instance.main keeps its data without encryption (encryption.rego, terraform.deny/encrypted-database)", "",
		},
		"a volume without encryption": {
			"aws_ebs_volume.data", set("encrypted", false),
			"aws_ebs_volume.data is a volume without encryption (encryption.rego, terraform.deny/encrypted-volume)", "",
		},
		"a root volume without encryption": {
			"aws_instance.web[1]", set("root_block_device", []any{fields{"encrypted": false}}),
			"aws_instance.web[1] has a root volume without encryption (encryption.rego, terraform.deny/encrypted-root-volume)", "",
		},
		"a bucket without encryption": {
			bucket, func(rc, _, _ fields) { rc["name"] = "other" },
			bucket + " has no aws_s3_bucket_server_side_encryption_configuration beside it (encryption.rego, terraform.deny/encrypted-bucket)", "",
		},
		"a tag that is gone": {
			"aws_vpc.main", set("tags_all", fields{"Owner": "a"}),
			"aws_vpc.main lacks the tag CostCenter (tags.rego, terraform.deny/required-tags)", "",
		},
		"no protection from being deleted": {
			"aws_dynamodb_table.locks", set("deletion_protection_enabled", false),
			"aws_dynamodb_table.locks can be deleted: set deletion_protection_enabled (deletion_protection.rego, terraform.deny/deletion-protection)", "",
		},
		"what keeps data is replaced": {
			"aws_ebs_volume.data", actions("delete", "create"),
			"aws_ebs_volume.data would be destroyed in production (destroy.rego, terraform.deny/no-destroy)", "",
		},
		"a load balancer without protection": {
			"aws_lb.web", set("enable_deletion_protection", false),
			"aws_lb.web can be deleted: set enable_deletion_protection (deletion_protection.rego, terraform.deny/deletion-protection)", "",
		},
		"a database that is destroyed": {
			"aws_db_instance.main", func(rc, after, _ fields) {
				rc["change"] = fields{"actions": []any{"delete"}, "before": after, "after": nil, "after_unknown": fields{}}
			},
			"aws_db_instance.main would be destroyed in production (destroy.rego, terraform.deny/no-destroy)", "",
		},
		"a port that may be open": {"aws_security_group.web", set("ingress", []any{fields{"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": []any{"0.0.0.0/0"}, "ipv6_cidr_blocks": []any{}}}), "", ""},
		"an unknown block":        {"aws_security_group.web", forget("ingress", true), "", "aws_security_group.web: ingress (public_ingress.rego)"},
		"an unknown list in a block": {
			"aws_security_group.web", func(_, after, unknown fields) {
				delete(after["ingress"].([]any)[0].(fields), "cidr_blocks")
				unknown["ingress"].([]any)[0].(fields)["cidr_blocks"] = true
			}, "", "aws_security_group.web: ingress[0].cidr_blocks (public_ingress.rego)",
		},
		"unknown encryption":                       {"aws_ebs_volume.data", forget("encrypted", true), "", "aws_ebs_volume.data: encrypted (encryption.rego)"},
		"an unknown tag":                           {"aws_vpc.main", func(_, _, unknown fields) { unknown["tags_all"] = fields{"Owner": true} }, "", "aws_vpc.main: tags_all.Owner (tags.rego)"},
		"an unknown other tag":                     {"aws_vpc.main", func(_, _, unknown fields) { unknown["tags_all"] = fields{"Name": true} }, "", ""},
		"an unknown other attribute of a database": {"aws_db_instance.main", forget("identifier", true), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			plan := edit(t, recorded(t, "plans/unit00.json"), test.address, test.change)
			results, err := s.Evaluate(t.Context(), Input{Unit: "u", Plan: plan, Strata: production()})
			if err != nil {
				t.Fatal(err)
			}
			judge(t, a, readPlan(t, plan), results[0].Messages, test.deny, test.unknown)
			if diff := cmp.Diff(ownMessages(t, plan), texts(results[0].Messages)); diff != "" {
				t.Errorf("-opa's own +got:\n%s", diff)
			}
		})
	}
}

// ownMessages are what `opa eval` says of a plan by itself, sorted.
func ownMessages(t *testing.T, plan []byte) []string {
	t.Helper()
	strata, err := json.Marshal(map[string]any{"strata": production()})
	if err != nil {
		t.Fatal(err)
	}
	inputs := policies(t, map[string]string{"plan.json": string(plan), "strata.json": string(strata)})
	out := run(t, library, "eval", "--format", "raw", "--data", ".", "--data", filepath.Join(inputs, "strata.json"),
		"--input", filepath.Join(inputs, "plan.json"), "data.terraform.deny")
	var messages []string
	if err := json.Unmarshal(out.stdout, &messages); err != nil || out.code != 0 {
		t.Fatalf("exit code %d, %v: %s%s", out.code, err, out.stdout, out.stderr)
	}
	slices.Sort(messages)
	return messages
}

// judge compares what is found and what is undetermined.
func judge(t *testing.T, a *Analysis, p *Plan, messages []Message, deny, unknown string) {
	t.Helper()
	var said, open []string
	for _, f := range a.Findings("u", p, messages) {
		said = append(said, fmt.Sprintf("%s (%s, %s)", f.Title, f.File, f.Rule))
		if f.Line == 0 || f.Unit != "u" || f.Tool != "opa" || f.Severity != finding.High || !strings.HasPrefix(f.Title, f.Resource) || f.Resource == "" {
			t.Errorf("%+v", f)
		}
	}
	for _, u := range a.Undetermined(p, messages) {
		open = append(open, fmt.Sprintf("%s: %s (%s)", u.Address, strings.Join(u.Attributes, " "), u.File))
	}
	if diff := cmp.Diff(deny, strings.Join(said, "; ")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(unknown, strings.Join(open, "; ")); diff != "" {
		t.Errorf("undetermined: -want +got:\n%s", diff)
	}
}
