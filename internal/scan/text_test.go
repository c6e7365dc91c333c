package scan

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInFile(t *testing.T) {
	for address, want := range map[string]string{
		"":                          "",
		"aws_s3_bucket.this":        "aws_s3_bucket.this",
		"aws_s3_bucket.this[0]":     "aws_s3_bucket.this",
		`aws_s3_bucket.this["a.b"]`: "aws_s3_bucket.this",
		"aws_db_instance.main.publicly_accessible": "aws_db_instance.main",
		"aws_instance.x[1].root_block_device":      "aws_instance.x",
		"data.aws_iam_policy_document.d":           "data.aws_iam_policy_document.d",
		"data.aws_iam_policy_document.d.statement": "data.aws_iam_policy_document.d",
		"module.logs":                    "",
		`module.logs["a.b"]`:             "",
		"module.logs.aws_s3_bucket.this": "aws_s3_bucket.this",
		`module.a["x.y"].module.b[0].data.aws_ami.this["z"]`: "data.aws_ami.this",
		"module.a.module.b": "",
		"vpc":               "vpc", // checkov's name of a module block
	} {
		if got := inFile(address); got != want {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, test := range []struct{ root, file, want string }{
		{"/repo", "/repo/a/b.tf", "a/b.tf"},
		{"/repo/", "/repo/a/b.tf", "a/b.tf"},
		{"/repo", "a/./b.tf", "a/b.tf"},
		{"/repo", "/repository/b.tf", "/repository/b.tf"},
		{"/repo", `/repo/a/x\..\..\evil.tf`, filepath.ToSlash(`a/x\..\..\evil.tf`)},
		{"", "/a/b.tf", "a/b.tf"},
	} {
		if got := within(test.root, test.file); got != test.want {
			t.Errorf("%s in %s: got %s, want %s", test.file, test.root, got, test.want)
		}
	}
}

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"one\n\ttwo\r\n":              "one two",
		"\x1b[31mred\x1b[0m \x07bell": "red bell",
		strings.Repeat("ä", 300):      strings.Repeat("ä", 250) + " …",
	} {
		if diff := cmp.Diff(want, line(text)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

func TestAddresses(t *testing.T) {
	for name, test := range map[string]struct {
		message string
		want    []string
	}{
		"none":     {"Forcefully failing the scenario on something", nil},
		"contains": {"module.data.aws_s3_bucket.this (aws_s3_bucket) does not have Name property.", []string{"module.data.aws_s3_bucket.this"}},
		"several": {
			"storage_encrypted property in aws_db_instance.main resource does not match with ^true$ case insensitive regex. It is set to False." +
				"\n\t  Failure:  storage_encrypted property in aws_db_instance.other resource does not match with ^true$ case insensitive regex. It is set to False.",
			[]string{"aws_db_instance.main", "aws_db_instance.other"},
		},
		"coloured":       {"\x1b[31maws_db_instance.main (aws_db_instance) does not have Name property.\x1b[39m", []string{"aws_db_instance.main"}},
		"twice":          {"x property in aws_a_b.c resource does\n\t  Failure:  y property in aws_a_b.c resource does", []string{"aws_a_b.c"}},
		"security group": {"tcp/22 port is defined within 0.0.0.0/0 network in aws_security_group.open.", []string{"aws_security_group.open"}},
		"instance":       {`x property in module.a["k"].aws_a_b.c["x.y"] resource does`, []string{`module.a["k"].aws_a_b.c["x.y"]`}},
		"a value":        {"password property in it is wrong. It is set to aws_secret.thing in the plan", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, addresses(test.message)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
