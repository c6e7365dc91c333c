package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMirrorConfig(t *testing.T) {
	const installation = "provider_installation {\n  filesystem_mirror {\n    path = \"/mirror\"\n  }\n}\n"
	for name, test := range map[string]struct{ own, want string }{
		"none": {"", "\n" + installation},
		"credentials stay": {
			"credentials \"app.terraform.io\" {\n  token = \"t\"\n}\n",
			"credentials \"app.terraform.io\" {\n  token = \"t\"\n}\n\n" + installation,
		},
		"installation is replaced": {
			"disable_checkpoint = true\nprovider_installation {\n  direct {}\n}\ncredentials_helper \"x\" {\n}\n",
			"disable_checkpoint = true\ncredentials_helper \"x\" {\n}\n\n" + installation,
		},
	} {
		if got := string(MirrorConfig([]byte(test.own), "/mirror")); got != test.want {
			t.Errorf("%s: %s", name, cmp.Diff(test.want, got))
		}
	}
}

func TestProviderMirror(t *testing.T) {
	unpacked := "registry.terraform.io/hashicorp/null/3.2.1/linux_amd64/terraform-provider-null_v3.2.1"
	packed := "registry.terraform.io/hashicorp/null/terraform-provider-null_3.2.1_linux_amd64.zip"
	for name, test := range map[string]struct {
		file   string
		folder string // of the mirror, below the one of the test
		config string
		err    string
	}{
		"unpacked":                       {file: unpacked},
		"packed":                         {file: packed},
		"a name with brackets":           {file: "[mirror]/" + unpacked, folder: "[mirror]"},
		"a folder too high":              {file: "providers/" + unpacked, folder: "", err: "no HOST/NAMESPACE/TYPE/VERSION/PLATFORM folder"},
		"a folder too low":               {file: unpacked, folder: "registry.terraform.io", err: "no HOST/NAMESPACE/TYPE/VERSION/PLATFORM folder"},
		"empty":                          {file: "x", err: "no packed provider is in it: fill one with `terraform providers mirror DIR`"},
		"none":                           {folder: "none", err: "no HOST/NAMESPACE/TYPE/VERSION/PLATFORM folder"},
		"a configuration that is broken": {file: unpacked, config: "credentials {{{", err: "provider mirror: Terraform's CLI configuration, to which it is added, cannot be read: "},
	} {
		t.Run(name, func(t *testing.T) {
			private(t)
			dir := t.TempDir()
			if test.file != "" {
				writeFile(t, filepath.Join(dir, filepath.FromSlash(test.file)), "")
			}
			config := filepath.Join(t.TempDir(), "my.tfrc")
			if test.config == "" {
				test.config = "credentials \"x.test\" {\n  token = \"kept\"\n}\n"
			}
			writeFile(t, config, test.config)
			h, err := NewHost(HostOptions{Root: t.TempDir(), Environ: append(os.Environ(), "TF_CLI_CONFIG_FILE="+config), ProviderMirror: filepath.Join(dir, test.folder)})
			if test.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), "provider mirror") || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v, want one with %q", err, test.err)
				}
				if left, _ := filepath.Glob(filepath.Join(os.TempDir(), scratchPrefix+"*")); len(left) > 0 {
					t.Errorf("left over: %v", left)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			w, err := h.Open(t.Context(), Spec{ID: "u"})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			result, err := w.Run(t.Context(), selfStep("env", "TF_CLI_CONFIG_FILE"))
			if err != nil {
				t.Fatal(err)
			}
			_, file, _ := strings.Cut(strings.TrimSpace(string(result.Stdout)), "=")
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{`token = "kept"`, filepath.ToSlash(filepath.Join(dir, test.folder))} {
				if !strings.Contains(string(data), part) {
					t.Errorf("it lacks %q:\n%s", part, data)
				}
			}
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("mode of the configuration: %v, %v", info.Mode(), err)
			}
		})
	}
}

// TestUsableConfig: a TF_CLI_CONFIG_FILE that is not there is not handed on.
func TestUsableConfig(t *testing.T) {
	there := filepath.Join(t.TempDir(), "there.tfrc")
	writeFile(t, there, "")
	for name, test := range map[string]struct{ environ, want []string }{
		"not set":            {[]string{"A=b"}, []string{"A=b"}},
		"there":              {[]string{"A=b", "TF_CLI_CONFIG_FILE=" + there}, []string{"A=b", "TF_CLI_CONFIG_FILE=" + there}},
		"missing":            {[]string{"TF_CLI_CONFIG_FILE=/none/x", "A=b"}, []string{"A=b"}},
		"the last one holds": {[]string{"TF_CLI_CONFIG_FILE=" + there, "TF_CLI_CONFIG_FILE=/none/x"}, []string{}},
	} {
		before := append([]string(nil), test.environ...)
		if diff := cmp.Diff(test.want, usableConfig(test.environ)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
		if !cmp.Equal(before, test.environ) {
			t.Errorf("%s: the given environment was changed", name)
		}
	}
	private(t)
	w, _ := newTestWorkspace(t, "TF_CLI_CONFIG_FILE=/none/x.tfrc")
	result, err := w.Run(t.Context(), selfStep("env", "TF_CLI_CONFIG_FILE"))
	if err != nil || string(result.Stdout) != "TF_CLI_CONFIG_FILE=\n" {
		t.Errorf("a step sees %q, %v", result.Stdout, err)
	}
}

func TestRequiredProviders(t *testing.T) {
	const lock = `# This file is maintained automatically by "terraform init".
# Manual edits may be lost in future updates.

provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.100.0"
  constraints = ">= 5.0.0, ~> 5.40"
  hashes = [
    "h1:Ijt7pOlB7Tr7maGQIqtsLFbl7pSMIj06TVdkoSBcYOw=",
    "zh:054b8dd49f0549c9a7cc27d159e45327b7b65cf404da5e5a20da154b90b8a644",
  ]
}

provider "registry.terraform.io/hashicorp/random" {
  version = "3.7.2"
  hashes = [
    "h1:0hcNr59VEJbhZYwuDE/ysmyTS0evkfcLarlni+zATPM=",
  ]
}
`
	const want = `terraform {
  required_providers {
    p0 = {
      source = "registry.terraform.io/hashicorp/aws"
      version = "5.100.0"
    }
    p1 = {
      source = "registry.terraform.io/hashicorp/random"
      version = "3.7.2"
    }
  }
}
`
	got, err := RequiredProviders([]byte(lock))
	if err != nil {
		t.Fatal(err)
	}
	// How it is laid out is nobody's concern.
	if fields := strings.Fields(string(got)); !cmp.Equal(fields, strings.Fields(want)) {
		t.Errorf("got\n%s", got)
	}
	if got, err := RequiredProviders([]byte("# empty\n")); err != nil || !strings.Contains(string(got), "required_providers") {
		t.Errorf("an empty one: %s, %v", got, err)
	}
	if _, err := RequiredProviders([]byte("provider {{{")); err == nil {
		t.Error("a broken one is read")
	}
}
