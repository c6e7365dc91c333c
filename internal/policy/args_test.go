package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommands(t *testing.T) {
	for name, test := range map[string]struct{ got, want []string }{
		"version":   {VersionArgs(), []string{"version"}},
		"format":    {FormatArgs(V1, "policies"), []string{"fmt", "--list", "policies"}},
		"format v0": {FormatArgs(V0, "policies"), []string{"fmt", "--list", "--v0-compatible", "policies"}},
		"check":     {CheckArgs(V1, "policies", "more"), []string{"check", "--format", "json", "policies", "more"}},
		"check v0":  {CheckArgs(V0, "policies"), []string{"check", "--format", "json", "--v0-compatible", "policies"}},
		"test":      {TestArgs(V1, "policies"), []string{"test", "--format", "json", "--timeout", "30s", "policies"}},
		"test v0":   {TestArgs(V0, "policies"), []string{"test", "--format", "json", "--timeout", "30s", "--v0-compatible", "policies"}},
		"parse":     {ParseArgs(V1, "a.rego"), []string{"parse", "--format", "json", "--json-include", "locations,-comments", "a.rego"}},
		"parse v0":  {ParseArgs(V0, "a.rego"), []string{"parse", "--format", "json", "--json-include", "locations,-comments", "--v0-compatible", "a.rego"}},
		"serve": {ServeArgs(Serve{Address: "unix:///tmp/x/s", Paths: []string{"policies"}}), []string{
			"run", "--server", "--addr", "unix:///tmp/x/s", "--unix-socket-perm", "600", "--log-level", "error", "--skip-version-check",
			"--shutdown-grace-period", "1", "--set", "server.decoding.max_length=2147483648", "policies",
		}},
		"serve v0": {ServeArgs(Serve{Address: "127.0.0.1:8181", Language: V0, Paths: []string{"policies", "shared"}}), []string{
			"run", "--server", "--addr", "127.0.0.1:8181", "--unix-socket-perm", "600", "--log-level", "error", "--skip-version-check",
			"--shutdown-grace-period", "1", "--set", "server.decoding.max_length=2147483648", "--v0-compatible", "policies", "shared",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseQuery(t *testing.T) {
	for text, want := range map[string]string{
		"data.terraform.deny":             "data.terraform.deny",
		" data.terraform.deny[_] ":        "data.terraform.deny",
		"data.terraform.deny[msg]":        "data.terraform.deny",
		`data.policies["aws-s3"].deny[_]`: `data.policies["aws-s3"].deny`,
		`data["main"]["deny"]`:            "data.main.deny",
		"data.terraform":                  "data.terraform",
	} {
		q, err := ParseQuery(text)
		if err != nil || q.String() != want {
			t.Errorf("%s: got %s, %v", text, q, err)
		}
	}
	for _, text := range []string{"", "data", "data.", "terraform.deny", "input.deny", "data.a-b", "data.a; data.b", `data.a["b`, "data[_]", "data.a[_].b", "data.strata_gate.q0", "datax.deny"} {
		if q, err := ParseQuery(text); err == nil {
			t.Errorf("%s is taken for %s", text, q)
		}
	}
}
