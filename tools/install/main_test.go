package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestParseVersion(t *testing.T) {
	for name, tc := range map[string]struct {
		out, want string
		fails     bool
	}{
		"terraform":       {`{"terraform_version":"1.11.4","platform":"linux_amd64"}`, "1.11.4", false},
		"after a warning": {"Warning: no such file\n{\"terraform_version\": \"1.6.0\"}", "1.6.0", false},
		"no JSON":         {"Terraform v0.11.0", "", true},
	} {
		got, err := parseVersion([]byte(tc.out))
		if got != tc.want || (err != nil) != tc.fails {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestNewEnough(t *testing.T) {
	for version, want := range map[string]bool{
		"1.6.0": true, "1.11.4": true, "1.13.0-rc1": true, "2.0.0": true,
		"1.5.7": false, "0.15.5": false, "": false, "x.y.z": false,
	} {
		if got := newEnough(version); got != want {
			t.Errorf("newEnough(%q) = %v", version, got)
		}
	}
}

func TestWriteEnv(t *testing.T) {
	t.Setenv("STRATA_BINARY", "")
	dir := t.TempDir()
	file := filepath.Join(dir, "env")
	for name, tc := range map[string]struct {
		bin, path string
		dirs      []string
		want      string
	}{
		"all on PATH": {"/r/bin", "/usr/bin/terraform", nil, "# Written by make tools.\n"},
		"built tofu": {"/it's/bin", "/it's/bin/tofu", nil,
			"# Written by make tools.\nPATH='/it'\\''s/bin':$PATH\nexport PATH\nSTRATA_BINARY='tofu'\nexport STRATA_BINARY\n"},
		"installed terraform and opa": {"/r/bin", "/r/bin/terraform", []string{"/r/opa/bin"},
			"# Written by make tools.\nPATH='/r/bin':'/r/opa/bin':$PATH\nexport PATH\n"},
		"installed scanners": {"/r/bin", "/usr/bin/terraform", []string{"/r/opa/bin", "/r/checkov/bin"},
			"# Written by make tools.\nPATH='/r/opa/bin':'/r/checkov/bin':$PATH\nexport PATH\n"},
	} {
		if err := writeEnv(file, tc.bin, tool{path: tc.path}, tc.dirs); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != tc.want {
			t.Errorf("%s:\n got %q\nwant %q", name, got, tc.want)
		}
		if left, _ := filepath.Glob(file + ".new*"); len(left) > 0 {
			t.Errorf("%s: it left %v", name, left)
		}
	}
}
