//go:build aliases

package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var declaredOutput = regexp.MustCompile(`(?m)^output "(\w+)"`)

func TestDemoDeploysTheExampleTwiceChangesItAndDestroysIt(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	example, err := diskFiles(filepath.Join(here, "testdata", "live"))
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	f.scripted.module = files{}.with("testdata/live", example.filter(nil, slices.Concat(excluded, []string{"**/production", "**/development"})), false)
	for name, content := range example {
		for _, output := range declaredOutput.FindAllStringSubmatch(content.data, -1) {
			f.tf.unit(path.Dir(name)).outputs[output[1]] = fakeOutput{value: "value of " + output[1], sensitive: strings.Contains(output[1], "password")}
		}
	}
	var buckets []string
	f.commands["python3"] = func(x *execution) outcome {
		if x.Services[demoHost] == nil {
			t.Error("the bucket is made without the server")
		}
		buckets = append(buckets, x.Command[len(x.Command)-1])
		return outcome{}
	}
	text, err := f.bare().Demo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, text, "== graph --env staging", foundationID,
		"no unit has a record", "6 applied",
		"== records --env staging", "6 records",
		"again: all are as their records say", "0 of 6 units are not as their records say", "no units in",
		"after a change to the foundation", "unchanged contract", "1 applied, 5 unchanged",
		"== destroy --env staging --all", "6 destroyed")
	if strings.Join(buckets, " ") != "http://aws:5000/strata-demo" || len(f.started) != 1 || f.started[0] != images["moto"] {
		t.Errorf("buckets %v, services %v", buckets, f.started)
	}
	for _, x := range f.ran("terraform") {
		if s := x.Services[demoHost]; s == nil || !s.entrypoint {
			t.Errorf("%q does not reach the server", x.Command)
		}
		if x.Env["AWS_ENDPOINT_URL_S3"] != "http://aws:5000" {
			t.Errorf("%q uses %q", x.Command, x.Env["AWS_ENDPOINT_URL_S3"])
		}
	}
	wantNoText(t, "a query", f.sent(), "demo-password")
}
