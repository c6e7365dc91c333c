package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/finding"
)

const told = `package terraform

# METADATA
# title: Names & owners!
deny contains msg if {
	some rc in input.resource_changes
	rc.change.after.arn == "x"
	msg := sprintf("%s has a bad arn", [rc.address])
}

deny contains {"msg": concat("", ["the arn of ", rc.address, " is short"]), "id": "ARN-2", "severity": "info"} if {
	some rc in input.resource_changes
	count(rc.change.after.arn) < 9
}

deny contains "an arn is long" if {
	some rc in input.resource_changes
	count(rc.change.after.arn) > 9
}

deny contains $"{rc.address} is odd at 100%" if {
	some rc in input.resource_changes
	rc.type == "x_bucket"
	rc.change.after.logging
}
`

// TestFired has messages of rules, and what is undetermined besides.
func TestFired(t *testing.T) {
	dir := policies(t, map[string]string{"a.rego": told, "b.rego": "package terraform\n\ndeny contains other if other := input.others[_]\n"})
	a := Analyse(query(t, "data.terraform.deny"), parse(t, V1, dir))
	plan := readPlan(t, []byte(judged))
	const (
		first  = "5 x_bucket.a, 5 " + database + ", 5 x_group.c"
		second = "11 x_bucket.a, 11 " + database + ", 11 x_group.c"
		third  = "16 x_bucket.a, 16 " + database + ", 16 x_group.c"
		fourth = "21 x_bucket.a"
	)
	for _, test := range []struct {
		given, found string
		open         []string
	}{
		{`[]`, "", []string{first, second, third, fourth}},
		{`["x_group.c has a bad arn"]`, "high terraform.deny/names-owners a.rego:5 x_group.c", []string{"5 x_bucket.a, 5 " + database, second, third, fourth}},
		{`[{"msg": "the arn of module.m[\"k\"].x_database.b is short", "id": "ARN-2", "severity": "info"}]`, "high terraform.deny/ARN-2 a.rego:11 " + database, []string{first, "11 x_bucket.a, 11 x_group.c", third, fourth}},
		{`["an arn is long"]`, "high terraform.deny/an-arn-is-long a.rego:16 ", []string{first, second, fourth}},
		{`["x_bucket.a is odd at 100%"]`, "high terraform.deny/is-odd-at-100 a.rego:21 x_bucket.a", []string{first, second, third}},
		{`[{"msg": "of the other file", "severity": "critical", "resource": "x.z"}]`, "critical terraform.deny/320d5b3f b.rego:3 x.z", []string{first, second, third, fourth}},
	} {
		messages, err := Messages(a.query, []byte(test.given))
		if err != nil {
			t.Fatal(err)
		}
		var found, open []string
		for _, f := range a.Findings("u", plan, messages) {
			found = append(found, fmt.Sprintf("%s %s %s:%d %s", f.Severity, f.Rule, f.File, f.Line, f.Resource))
			if !f.Names("terraform.deny") {
				t.Errorf("%s is not terraform.deny", f.Rule)
			}
		}
		if diff := cmp.Diff(test.found, strings.Join(found, "; ")); diff != "" {
			t.Errorf("%s: -want +got:\n%s", test.given, diff)
		}
		for _, u := range a.Undetermined(plan, messages) {
			open = append(open, fmt.Sprintf("%d %s", u.Line, u.Address))
		}
		if diff := cmp.Diff(sortedList(strings.Join(test.open, ", ")), sortedList(strings.Join(open, ", "))); diff != "" {
			t.Errorf("%s: undetermined: -want +got:\n%s", test.given, diff)
		}
	}
}

func sortedList(text string) string { return sorted(strings.ReplaceAll(text, ", ", "; ")) }

// TestUntold has rules whose messages cannot be told apart.
func TestUntold(t *testing.T) {
	dir := policies(t, map[string]string{
		"a.rego": "package terraform\n\ndeny contains \"same\" if input.a\n",
		"b.rego": "package terraform\n\ndeny contains \"same\" if input.b\n\nwarn contains msg if msg := input.c[_]\n\nwarn contains msg if msg := input.d[_]\n",
	})
	modules := parse(t, V1, dir)
	list := Analyse(query(t, "data.terraform.deny"), modules).Findings("u", nil, []Message{said("same")})
	if len(list) != 1 || list[0].File != "" || list[0].Rule == "terraform.deny" {
		t.Errorf("got %+v", list)
	}
	warn := query(t, "data.terraform.warn")
	warn.Warn = true
	list = Analyse(warn, modules).Findings("u", nil, []Message{said("one"), said("another")})
	if len(list) != 2 || list[0].File != "b.rego" || list[0].Line != 0 || list[0].Severity != finding.Low || list[0].Rule == list[1].Rule {
		t.Errorf("got %+v", list)
	}
}

// TestOlder reads policies of Rego v0 of several packages.
func TestOlder(t *testing.T) {
	dir := policies(t, map[string]string{
		"main.rego": `package main

import data.lib.tf as tf
import input as plan

deny[msg] {
	r := tf.resources["x_bucket"][_]
	not r.change.after.logging
	msg := sprintf("%s does not log", [r.address])
}

deny[msg] {
	r = plan.resource_changes[_]
	tf.is(r, "x_database")
	tf.attribute(r, "arn", "") == "x"
	msg = "an arn"
} {
	plan.never.there
	msg = "never"
}
`,
		"lib/tf.rego": `package lib.tf

resources[type] = all {
	type := input.resource_changes[_].type
	all := [r | r := input.resource_changes[_]; r.type == type]
}

is(r, type) {
	r.type == type
}

attribute(r, name, otherwise) = value {
	value := r.change.after[name]
} else = otherwise
`,
	})
	a := Analyse(query(t, "data.main.deny[_]"), parse(t, V0, dir))
	if got, want := undetermined(a.Undetermined(readPlan(t, []byte(judged)), nil)), "x_bucket.a: logging; "+database+": arn"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
