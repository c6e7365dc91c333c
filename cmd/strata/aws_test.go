//go:build unix

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/strata-tf/strata/internal/report"
)

// needMirror skips a test that has no AWS provider.
func needMirror(t *testing.T) string {
	t.Helper()
	needLockFile(t)
	said := os.Getenv("STRATA_TEST_PROVIDER_MIRROR")
	if said != "" {
		if !holdsAWS(said) {
			t.Fatalf("STRATA_TEST_PROVIDER_MIRROR=%s: it holds no hashicorp/aws", said)
		}
		return said
	}
	for _, dir := range configuredMirrors() {
		if holdsAWS(dir) {
			return dir
		}
	}
	t.Skip("needs hashicorp/aws in a filesystem mirror: STRATA_TEST_PROVIDER_MIRROR names none, and Terraform's own settings none either")
	return ""
}

func holdsAWS(mirror string) bool {
	found, err := filepath.Glob(filepath.Join(mirror, "*", "hashicorp", "aws", "*"))
	return err == nil && len(found) > 0
}

// configuredMirrors are the mirrors that Terraform's own settings name.
func configuredMirrors() []string {
	config := os.Getenv("TF_CLI_CONFIG_FILE")
	if home, err := os.UserHomeDir(); config == "" && err == nil {
		config = filepath.Join(home, ".terraformrc")
	}
	text, err := os.ReadFile(config)
	if err != nil {
		return nil
	}
	var dirs []string
	for _, match := range regexp.MustCompile(`filesystem_mirror\s*\{[^}]*\bpath\s*=\s*"([^"]+)"`).FindAllSubmatch(text, -1) {
		dirs = append(dirs, string(match[1]))
	}
	return dirs
}

const awsProvider = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region                      = "us-east-1"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}
`

// calls says whether a request is of this operation.
func calls(operation string) func(*http.Request) bool {
	return func(r *http.Request) bool { return strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+operation) }
}

func TestAWSUnitsSideBySide(t *testing.T) {
	t.Parallel()
	mirror := needMirror(t)
	a := newAWS(t)
	a.bucket(t, "side-by-side")
	r := newRepo(t, map[string]string{
		"strata.yaml": `
layers:
  - {name: settings, path: "settings/{env}", secrets: [db_password]}
  - {name: files, path: "files/{env}"}
`,
		"settings/staging/main.tf": awsProvider + `
variable "db_password" {
  sensitive = true
}
resource "aws_ssm_parameter" "password" {
  name  = "/staging/password"
  type  = "SecureString"
  value = var.db_password
}
resource "aws_ssm_parameter" "plain" {
  name        = "/staging/plain"
  type        = "String"
  description = "of ${nonsensitive(var.db_password)}"
  value       = "plain"
}
`,
		"files/staging/main.tf": awsProvider + `
resource "aws_s3_bucket" "files" {
  bucket = "files-of-staging"
}
output "arn" {
  value = aws_s3_bucket.files.arn
}
`,
	})
	r.onS3(a, "side-by-side", "settings/staging", "files/staging")
	const secret = `p4ss"word\of<staging>`
	r.write("../cli.tfrc", "provider_installation {\n  filesystem_mirror {\n    path = \""+mirror+"\"\n  }\n}\n")
	r.env = append(r.env, "AWS_ENDPOINT_URL="+a.URL, "STRATA_SECRET_DB_PASSWORD="+secret)
	hides := func(p *process) {
		t.Helper()
		logs, err := tree(r.path(".strata/logs"))
		if err != nil {
			t.Fatal(err)
		}
		logs["the output"] = p.String()
		for name, text := range logs {
			for _, form := range secretForms(secret) {
				if strings.Contains(text, form) {
					t.Errorf("%s shows the secret as %q", name, form)
				}
			}
		}
	}

	// Both install the provider at once, into the cache that they share, as the
	// user's own Terraform settings say.
	r.env = append(r.env, "TF_CLI_CONFIG_FILE="+r.path("../cli.tfrc"))
	p := r.deploy().exits(0)
	for _, id := range []string{"settings@global:staging", "files@global:staging"} {
		p.result(id, report.Applied)
		missing := func(d report.Diagnostic) bool {
			return d.Severity == "warning" && strings.HasPrefix(d.Summary, ".terraform.lock.hcl is missing")
		}
		if !slices.ContainsFunc(p.unit(id).Diagnostics, missing) {
			t.Errorf("%s: no warning of the lock file that is missing", id)
		}
	}
	hides(p)
	cached, err := filepath.Glob(r.path("../home/.cache/strata/plugins/*/hashicorp/aws/*"))
	if err != nil || len(cached) != 1 {
		t.Errorf("the plugin cache holds %q, %v", cached, err)
	}

	// From a mirror that is said, with the lock files that init has written: in a
	// checkout without data folders, and then with them.
	for _, folder := range []string{"settings/staging", "files/staging"} {
		if err := os.RemoveAll(r.path(folder + "/.terraform")); err != nil {
			t.Fatal(err)
		}
	}
	p = r.deploy("--provider-mirror", mirror).exits(0)
	for _, id := range []string{"settings@global:staging", "files@global:staging"} {
		p.result(id, report.Unchanged)
		if d := p.unit(id).Diagnostics; len(d) > 0 {
			t.Errorf("%s: %v", id, d)
		}
	}
	hides(p)

	// A provider that the mirror does not have.
	r.write("files/staging/other.tf", "resource \"random_id\" \"a\" {\n  byte_length = 4\n}\n")
	p = r.start("plan", "--env", "staging", "--only", "files", "--provider-mirror", mirror).exits(1)
	p.says("hashicorp/random")
}

// The answer to a request that makes something does not come before the run is
// interrupted twice: what may exist without being in state is named.
func TestAWSInterruptedApply(t *testing.T) {
	t.Parallel()
	mirror := needMirror(t)
	a := newAWS(t)
	a.bucket(t, "interrupted")
	r := newRepo(t, map[string]string{
		"strata.yaml": "layers:\n  - {name: settings, path: \"settings/{env}\"}\n",
		"settings/staging/main.tf": awsProvider + `
resource "aws_ssm_parameter" "slow" {
  name  = "/interrupted/slow"
  type  = "String"
  value = "x"
}
`,
	})
	r.onS3(a, "interrupted", "settings/staging")
	r.env = append(r.env, "AWS_ENDPOINT_URL="+a.URL)
	a.holding(calls("PutParameter"))
	p := r.deploy("--binary", recorderName, "--provider-mirror", mirror)
	select {
	case <-a.held:
	case <-p.done:
		t.Fatalf("it ended\n%s", p)
	}
	p.signal(syscall.SIGINT)
	p.untilSays("running applies finish")
	p.signal(syscall.SIGINT)
	p.exits(130)
	close(a.free)
	p.result("settings@global:staging", report.Interrupted)
	if n := signalsIn(r.recorded()); n != 1 {
		t.Errorf("Terraform got %d signals", n)
	}
	if got := p.unit("settings@global:staging").Orphans; !slices.Equal(got, []string{"aws_ssm_parameter.slow"}) {
		t.Errorf("orphans %v", got)
	}
	// The way out.
	a.holding(nil)
	r.env = append(r.env, "STRATA_PROVIDER_MIRROR="+mirror)
	r.start("exec", "settings@global:staging", "--", "import", "aws_ssm_parameter.slow", "/interrupted/slow").exits(0)
	r.start("exec", "settings@global:staging", "--", "state", "list").exits(0).says("aws_ssm_parameter.slow")
}
