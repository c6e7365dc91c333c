package stack

import (
	"testing"
	"time"
)

func TestBaselineExpires(t *testing.T) {
	b := Baseline{Until: Date{2027, 3, 31}}
	for now, want := range map[string]bool{
		"2026-12-31T00:00:00Z":      false,
		"2027-03-31T00:00:00Z":      false,
		"2027-03-31T23:59:59Z":      false,
		"2027-04-01T00:00:00Z":      true,
		"2027-03-31T23:00:00-02:00": true,
		"2027-04-01T01:00:00+02:00": false,
		"2030-01-01T00:00:00Z":      true,
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Expired(at); got != want {
			t.Errorf("%s: expired %v", now, got)
		}
	}
}

func TestBaselineMatches(t *testing.T) {
	unit := &Unit{Layer: "clients", Instance: "ezra", Region: "us-east-1", Environment: "production", Path: "regions/us-east-1/clients/ezra/production"}
	const logs = "aws_s3_bucket.logs"
	for _, test := range []struct {
		b                  Baseline
		address, attribute string
		want               bool
	}{
		{Baseline{Resource: logs}, logs, "acl", true},
		{Baseline{Resource: logs}, logs, "", true},
		{Baseline{Resource: logs, Attribute: "*"}, logs, "", false},
		{Baseline{Resource: logs, Attribute: "*"}, logs, "tags.a", true},
		{Baseline{Resource: logs, Attribute: "tags.*"}, logs, "tags.a/b.c", true},
		{Baseline{Resource: logs, Attribute: "tags.*"}, logs, "tags_all.a", false},
		{Baseline{Resource: logs, Attribute: "tags"}, logs, "tags.a", true},
		{Baseline{Resource: logs, Attribute: "tags"}, logs, "tags_all.a", false},
		{Baseline{Resource: logs, Attribute: "tag"}, logs, "tags.a", false},
		{Baseline{Resource: logs, Attribute: "ingress"}, logs, "ingress[0].cidr_blocks", true},
		{Baseline{Resource: logs, Attribute: "ingress[0]"}, logs, "ingress[0].cidr_blocks[1]", true},
		{Baseline{Resource: logs, Attribute: "ingress[0]"}, logs, "ingress[1]", false},
		{Baseline{Resource: logs}, "module.x." + logs, "acl", false},
		{Baseline{Resource: "*." + logs}, "module.x." + logs, "acl", true},
		{Baseline{Unit: "clients/*@*:production", Resource: logs}, logs, "acl", true},
		{Baseline{Unit: "clients", Resource: logs}, logs, "acl", true},
		{Baseline{Unit: "clients/ezra", Resource: logs}, logs, "acl", true},
		{Baseline{Unit: "regions/us-east-1/**", Resource: logs}, logs, "acl", true},
		{Baseline{Unit: "*:staging", Resource: logs}, logs, "acl", false},
		{Baseline{Unit: "platform", Resource: logs}, logs, "acl", false},
	} {
		if got := test.b.Matches(unit, test.address, test.attribute); got != test.want {
			t.Errorf("%+v, %s %s: %v", test.b, test.address, test.attribute, got)
		}
	}
}

func TestWildcard(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{`module.x["a"].b.c[0]`, `module.x["a"].b.c[0]`, true},
		{`module.x["a"].b.c[0]`, `module.x["a"].b.c0`, false},
		{`module.x["a"].b.c[*]`, `module.x["a"].b.c[10]`, true},
		{`module.x["?"].*`, `module.x["é"].b["/a/b"]`, true},
		{`module.x["?"]`, `module.x["ab"]`, false},
		{`x["{a,b}"]`, `x["a"]`, false},
		{`*`, ``, true},
		{`**`, `a/b`, true},
		{``, ``, true},
		{``, `a`, false},
		{`a*b*c`, `a-b-b-c`, true},
		{`a*b*c`, `a-c-b`, false},
		{`*a`, `ba`, true},
		{`*a`, `ab`, false},
		{`x["\*"]`, `x["*"]`, true},
		{`x["\*"]`, `x["a"]`, false},
		{`x["\*"]`, `x["\*"]`, true}, // the text itself
		{`x["\"*"]`, `x["\"a"]`, true},
		{`x["\\\*"]`, `x["\\*"]`, true},
		{`x["\\\*"]`, `x["\\a"]`, false},
	} {
		if got := wildcard(test.pattern, test.text); got != test.want {
			t.Errorf("%s, %s: %v", test.pattern, test.text, got)
		}
	}
}

func FuzzWildcard(f *testing.F) {
	f.Add(`module.x["*"].b.c[0]`)
	f.Add(`\\*\?`)
	f.Fuzz(func(t *testing.T, text string) {
		if !wildcard(text, text) || !wildcard(Literal(text), text) {
			t.Errorf("%q does not match itself", text)
		}
		if text != Literal(text) && wildcard(Literal(text), text+"x") {
			t.Errorf("%q matches more than itself", text)
		}
	})
}

func TestDriftSeverity(t *testing.T) {
	cfg, err := loadText(`drift:
  severity:
    - {type: "aws_sqs_*", attribute: policy, level: medium}
    - {type: aws_s3_bucket, level: low}
    - {attribute: "tags.owner", level: high}
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ resource, attribute, own, configured string }{
		{"aws_sqs_queue", "policy", High, Medium},
		{"aws_sqs_queue", "delay_seconds", Medium, Medium},
		{"aws_s3_bucket", "acl", High, Low},
		{"aws_s3_bucket", "", Medium, Low},
		{"aws_instance", "tags.owner", Low, High},
		{"aws_instance", "tags.policy", Low, Low},
		{"aws_instance", "tags_all.x", Low, Low},
		{"aws_instance", "instance_type", Medium, Medium},
		{"aws_instance", "", Medium, Medium},
		{"aws_instance", "vpc_security_group_ids[0]", High, High},
		{"aws_instance", "iam_instance_profile", High, High},
		{"aws_instance", "root_block_device[0].encrypted", High, High},
		{"aws_instance", "public_ip", Medium, Medium},
		{"aws_security_group", "ingress[0].from_port", High, High},
		{"aws_security_group", "description", Low, Low},
		{"aws_security_group", "tags.Name", Low, Low},
		{"aws_security_group_rule", "", High, High},
		{"aws_vpc_security_group_ingress_rule", "cidr_ipv4", High, High},
		{"aws_network_acl_rule", "rule_action", High, High},
		{"aws_iam_role", "assume_role_policy", High, High},
		{"aws_iam_user", "", High, High},
		{"aws_s3_bucket_policy", "", High, High},
		{"aws_appautoscaling_policy", "policy_type", Medium, Medium},
		{"aws_s3_bucket_public_access_block", "block_public_acls", High, High},
		{"aws_s3_bucket_server_side_encryption_configuration", "rule", High, High},
		{"aws_s3_bucket", "server_side_encryption_configuration[0].rule[0].x", High, Low},
		{"aws_db_instance", "publicly_accessible", High, High},
		{"aws_db_instance", "kms_key_id", High, High},
		{"aws_db_instance", "password", High, High},
		{"aws_db_instance", "iam_database_authentication_enabled", High, High},
		{"aws_db_instance", "allocated_storage", Medium, Medium},
		{"aws_dynamodb_table", "sse_specification[0].enabled", High, High},
		{"aws_lambda_function", "role", High, High},
		{"aws_lambda_function", "environment[0].variables.x", Medium, Medium},
		{"aws_vpc", "cidr_block", High, High},
		{"aws_eks_cluster", "vpc_config[0].public_access_cidrs[0]", High, High},
		{"aws_elasticache_replication_group", "auth_token", High, High},
		{"azurerm_network_security_rule", "access", High, High},
		{"azurerm_role_assignment", "", High, High},
		{"google_project_iam_member", "role", High, High},
		{"google_compute_firewall", "allow[0].ports", High, High},
		{"google_compute_instance", "tags[0]", High, High},
		{"google_compute_instance", "effective_labels.x", Low, Low},
		{"kubernetes_deployment", "metadata[0].labels.app", Low, Low},
		{"kubernetes_cluster_role_binding", "subject[0].name", High, High},
		{"terraform_data", "input", Medium, Medium},
	} {
		if got := Default().DriftSeverity(test.resource, test.attribute); got != test.own {
			t.Errorf("%s %s is %s, want %s", test.resource, test.attribute, got, test.own)
		}
		if got := cfg.DriftSeverity(test.resource, test.attribute); got != test.configured {
			t.Errorf("%s %s is %s as configured, want %s", test.resource, test.attribute, got, test.configured)
		}
	}
}
