package terraform

import (
	"runtime"
	"strings"
	"testing"
)

func TestParseVersion(t *testing.T) {
	host := runtime.GOOS + "_" + runtime.GOARCH
	for name, test := range map[string]struct {
		data string
		want Version
	}{
		"Terraform": {`{"terraform_version":"1.11.4","platform":"linux_arm64","provider_selections":{},"terraform_outdated":true}`, Version{"1.11.4", "linux_arm64"}},
		"OpenTofu":  {`{"terraform_version":"1.9.0","platform":"darwin_arm64","provider_selections":{}}`, Version{"1.9.0", "darwin_arm64"}},
		"no system": {`{"terraform_version":"1.6.0"}`, Version{"1.6.0", host}},
	} {
		if got, err := ParseVersion([]byte(test.data)); err != nil || got != test.want {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	for name, test := range map[string]struct{ data, want string }{
		"no JSON":    {"Terraform v0.11.14", "read `version -json`: invalid character"},
		"no version": {`{"version":"1.2.3"}`, `it names no version: {"version":"1.2.3"}`},
		"empty":      {"", "unexpected end of JSON input"},
	} {
		if _, err := ParseVersion([]byte(test.data)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want one with %q", name, err, test.want)
		}
	}
}

func TestVersionCheck(t *testing.T) {
	for _, test := range []struct{ version, constraint, want string }{
		{"1.6.0", "", ""},
		{"1.11.4", "", ""},
		{"1.11.4", "~> 1.11.0", ""},
		{"1.11.4", "1.11.4", ""},
		{"1.9.0", ">= 1.6, < 2", ""},
		{"1.6.0-beta1", "", ""},
		{"1.12.0-rc1", "1.12.0-rc1", ""},
		{"2.0.0", "", ""},
		{"1.5.7", "", "terraform is version 1.5.7, Strata needs 1.6 or newer: install a newer one, or name another with `terraform.binary` in strata.yaml or --binary"},
		{"0.11.14", ">= 0.11", "terraform is version 0.11.14, Strata needs 1.6 or newer: install a newer one, or name another with `terraform.binary` in strata.yaml or --binary"},
		{"1.11.4", "~> 1.10.0", "terraform is version 1.11.4, strata.yaml asks for ~> 1.10.0 (terraform.version)"},
		{"1.12.0-rc1", ">= 1.6", "terraform is version 1.12.0-rc1, strata.yaml asks for >= 1.6 (terraform.version)"},
		{"1.11.4", "newest", `strata.yaml: terraform.version "newest": `},
		{"what", "", `terraform says it is version "what": `},
	} {
		err := Version{Number: test.version}.Check("terraform", test.constraint)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s, %q: %v", test.version, test.constraint, err)
		case test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)):
			t.Errorf("%s, %q: got %v\nwant %s", test.version, test.constraint, err, test.want)
		}
	}
}

func TestParseOutputs(t *testing.T) {
	got, err := ParseOutputs([]byte(`{"big":{"sensitive":false,"type":"number","value":12345678901234567890123},"s":{"sensitive":true,"type":"string","value":"a${b}\"<"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if v := got["big"]; string(v.Value) != "12345678901234567890123" || v.Sensitive {
		t.Errorf("big: %+v", v)
	}
	if v := got["s"]; string(v.Value) != `"a${b}\"<"` || !v.Sensitive {
		t.Errorf("s: %+v", v)
	}
	if got, err := ParseOutputs([]byte("{}")); err != nil || len(got) != 0 {
		t.Errorf("none: %v, %v", got, err)
	}
	if _, err := ParseOutputs([]byte("Error")); err == nil || !strings.HasPrefix(err.Error(), "read `output -json`: ") {
		t.Errorf("no JSON: %v", err)
	}
}
