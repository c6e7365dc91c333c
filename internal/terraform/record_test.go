package terraform

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What the tests read was printed by a real Terraform:
//
//	go test ./internal/terraform -run TestRecord -record
//
// records it anew. The scenarios whose name begins with aws- also need the AWS
// provider in a folder of filesystem-mirror layout, and an AWS API server such
// as moto; without them these recordings stay as they are:
//
//	moto_server -p 5555 &
//	STRATA_TEST_PROVIDER_MIRROR=DIR STRATA_TEST_AWS_ENDPOINT=http://127.0.0.1:5555 \
//	    go test ./internal/terraform -run TestRecord -record
var record = flag.Bool("record", false, "record testdata with the terraform on PATH")

const (
	mirrorVar   = "STRATA_TEST_PROVIDER_MIRROR"
	endpointVar = "STRATA_TEST_AWS_ENDPOINT"
)

// planScenario is a change of configuration whose plan is recorded.
type planScenario struct {
	name          string
	before, after string
	args          []string // of the plan besides -out
	touch         func(recorder)
}

var planScenarios = []planScenario{
	{name: "create", after: `
resource "terraform_data" "network" {
  input = { cidr = "10.0.0.0/16", subnets = ["a", "b"], big = 12345678901234567890123, note = null }
}
resource "terraform_data" "each" {
  for_each         = toset(["mtn-ghana", "ezra"])
  input            = each.key
  triggers_replace = [1, "two"]
}
module "inner" {
  source = "./inner"
  count  = 2
  name   = "n${count.index}"
}
output "id" { value = terraform_data.network.id }
output "cidr" { value = "10.0.0.0/16" }
output "partly" { value = { id = terraform_data.network.id, cidr = "10.0.0.0/16" } }
output "nothing" { value = null }
`},
	{name: "update", before: `
resource "terraform_data" "x" {
  input = { list = ["a", "b"], keep = "same", gone = "old", big = 9007199254740993 }
}
output "list" { value = terraform_data.x.output }
`, after: `
resource "terraform_data" "x" {
  input = { list = ["a", "c"], keep = "same", new = "<&>", big = 9007199254740995 }
}
output "list" { value = terraform_data.x.output }
`},
	{name: "replace", before: `
resource "terraform_data" "x" { triggers_replace = ["one"] }
resource "terraform_data" "asked" { input = "i" }
resource "terraform_data" "cbd" {
  triggers_replace = { v = 1 }
  lifecycle { create_before_destroy = true }
}
output "id" { value = terraform_data.x.id }
`, after: `
resource "terraform_data" "x" { triggers_replace = ["two"] }
resource "terraform_data" "asked" { input = "i" }
resource "terraform_data" "cbd" {
  triggers_replace = { v = 2 }
  lifecycle { create_before_destroy = true }
}
output "id" { value = terraform_data.x.id }
`, args: []string{"-replace=terraform_data.asked"}},
	{name: "delete", before: `
resource "terraform_data" "gone" { input = "i" }
resource "terraform_data" "counted" {
  count = 2
  input = count.index
}
resource "terraform_data" "each" {
  for_each = toset(["a", "b"])
  input    = each.key
}
output "gone" { value = terraform_data.gone.output }
`, after: `
resource "terraform_data" "counted" {
  count = 1
  input = count.index
}
resource "terraform_data" "each" {
  for_each = toset(["a"])
  input    = each.key
}
`},
	{name: "destroy", before: `
resource "terraform_data" "x" { input = "i" }
output "x" { value = terraform_data.x.output }
`, after: `
resource "terraform_data" "x" { input = "i" }
output "x" { value = terraform_data.x.output }
`, args: []string{"-destroy"}},
	{name: "import", after: `
import {
  to = terraform_data.x
  id = "11111111-2222-3333-4444-555555555555"
}
resource "terraform_data" "x" {}
import {
  to = terraform_data.changed
  id = "66666666-7777-8888-9999-000000000000"
}
resource "terraform_data" "changed" { input = "i" }
`},
	{name: "move", before: `
resource "terraform_data" "old" { input = "i" }
resource "terraform_data" "old_too" { input = "i" }
`, after: `
resource "terraform_data" "new" { input = "i" }
moved {
  from = terraform_data.old
  to   = terraform_data.new
}
resource "terraform_data" "new_too" { input = "changed" }
moved {
  from = terraform_data.old_too
  to   = terraform_data.new_too
}
`},
	{name: "forget", before: `resource "terraform_data" "x" { input = "i" }`, after: `
removed {
  from = terraform_data.x
  lifecycle { destroy = false }
}
`},
	{name: "outputs-only", before: `
output "changed" { value = "a" }
output "removed" { value = "a" }
output "same" { value = "a" }
`, after: `
output "changed" { value = { now = ["a", "map"] } }
output "added" { value = true }
output "same" { value = "a" }
`},
	{name: "no-change", before: `
resource "terraform_data" "x" { input = "i" }
output "x" { value = terraform_data.x.output }
`, after: `
resource "terraform_data" "x" { input = "i" }
output "x" { value = terraform_data.x.output }
`},
	{name: "sensitive", before: sensitiveConfig("planted-before-secret", "kept-secret-value"), after: sensitiveConfig("planted-after-secret", "kept-secret-value") + `
resource "terraform_data" "copy" { input = nonsensitive(terraform_data.secret.input.password) }
`},
	{name: "read", after: `
resource "terraform_data" "x" { input = "i" }
data "terraform_remote_state" "later" {
  backend  = "local"
  config   = { path = "none.tfstate" }
  defaults = { a = terraform_data.x.id }
}
`},
	{name: "aws-create", after: awsConfig("10.0.0.0/8", "planted-db-password")},
	{name: "aws-change", before: awsConfig("10.0.0.0/8", "planted-db-password"), after: awsConfig("172.16.0.0/12", "planted-new-password")},
	{name: "aws-drift", before: awsConfig("10.0.0.0/8", "planted-db-password"), after: awsConfig("10.0.0.0/8", "planted-db-password"), touch: func(r recorder) {
		r.request(http.MethodPut, "/strata-record-bucket?tagging", `<Tagging><TagSet><Tag><Key>team</Key><Value>someone</Value></Tag></TagSet></Tagging>`)
	}},
}

func sensitiveConfig(changing, kept string) string {
	return fmt.Sprintf(`
variable "password" {
  type      = string
  sensitive = true
  default   = %q
}
variable "kept" {
  type      = string
  sensitive = true
  default   = %q
}
resource "terraform_data" "secret" {
  input = { password = var.password, name = "shown" }
}
resource "terraform_data" "kept" {
  input            = var.kept
  triggers_replace = [var.password]
}
output "password" {
  value     = var.password
  sensitive = true
}
output "kept" {
  value     = var.kept
  sensitive = true
}
output "name" { value = "shown" }
`, changing, kept)
}

func awsConfig(cidr, password string) string {
	return fmt.Sprintf(`
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
variable "endpoint" { type = string }
provider "aws" {
  region                      = "us-east-1"
  access_key                  = "planted-access-key"
  secret_key                  = "planted-secret-key"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
  endpoints {
    ec2 = var.endpoint
    s3  = var.endpoint
    ssm = var.endpoint
  }
}
resource "aws_security_group" "web" {
  name        = "strata-record"
  description = "web"
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = [%q]
  }
}
resource "aws_ssm_parameter" "password" {
  name  = "/strata-record/password"
  type  = "SecureString"
  value = %q
}
resource "aws_s3_bucket" "logs" {
  bucket        = "strata-record-bucket"
  force_destroy = true
  tags          = { team = "web" }
}
output "group" { value = aws_security_group.web.id }
`, cidr, password)
}

const innerModule = `
variable "name" { type = string }
resource "terraform_data" "named" { input = { nested = { name = var.name } } }
`

// TestRecord records what Terraform prints.
func TestRecord(t *testing.T) {
	if !*record {
		t.Skip("only with -record")
	}
	for _, s := range planScenarios {
		t.Run(s.name, func(t *testing.T) { recordPlan(t, s) })
	}
	t.Run("streams", recordStreams)
	t.Run("faults", recordFaults)
}

func recordPlan(t *testing.T, s planScenario) {
	r := newRecorder(t, strings.HasPrefix(s.name, "aws-"))
	defer r.clean()
	if s.before != "" {
		r.write("main.tf", s.before)
		r.must("init", "-input=false")
		r.must("apply", "-auto-approve", "-input=false")
	}
	if s.touch != nil {
		s.touch(r)
	}
	r.write("main.tf", s.after)
	r.must("init", "-input=false")
	out, code := r.run(append([]string{"plan", "-json", "-input=false", "-detailed-exitcode", "-out=plan.tfplan"}, s.args...)...)
	if code != 0 && code != 2 {
		t.Fatalf("plan: exit code %d:\n%s", code, out)
	}
	r.save("streams/plan-"+s.name+".jsonl", out)
	r.save("plans/"+s.name+".json", indent(t, r.must("show", "-json", "plan.tfplan")))
	if strings.HasPrefix(s.name, "aws-") {
		r.must("destroy", "-auto-approve", "-input=false")
	}
}

func recordStreams(t *testing.T) {
	t.Run("apply", func(t *testing.T) {
		r := newRecorder(t, false)
		r.write("main.tf", sensitiveConfig("planted-secret", "kept-secret-value")+`
resource "terraform_data" "slow" {
  provisioner "local-exec" { command = "echo said by a provisioner; sleep 11" }
}
check "failing" {
  assert {
    condition     = terraform_data.slow.id == "never"
    error_message = "the check says no"
  }
}
`)
		r.must("init", "-input=false")
		r.must("plan", "-input=false", "-out=plan.tfplan")
		r.save("streams/apply.jsonl", r.must("apply", "-json", "-input=false", "plan.tfplan"))
		stale, code := r.run("apply", "-json", "-input=false", "plan.tfplan")
		if code == 0 {
			t.Fatal("a stale plan was applied")
		}
		r.save("streams/apply-stale.jsonl", stale)
	})
	t.Run("apply-failed", func(t *testing.T) {
		r := newRecorder(t, false)
		r.write("main.tf", `
resource "terraform_data" "fine" {}
resource "terraform_data" "fails" {
  depends_on = [terraform_data.fine]
  provisioner "local-exec" { command = "exit 3" }
}
resource "terraform_data" "after" { depends_on = [terraform_data.fails] }
`)
		r.must("init", "-input=false")
		out, code := r.run("apply", "-json", "-input=false", "-auto-approve")
		if code != 1 {
			t.Fatalf("exit code %d", code)
		}
		r.save("streams/apply-failed.jsonl", out)
	})
	t.Run("apply-interrupted", func(t *testing.T) {
		r := newRecorder(t, false)
		r.write("main.tf", `
resource "terraform_data" "fine" {}
resource "terraform_data" "slow" {
  depends_on = [terraform_data.fine]
  provisioner "local-exec" { command = "touch started; exec sleep 60" }
}
`)
		r.must("init", "-input=false")
		cmd, out := r.start("apply", "-json", "-input=false", "-auto-approve")
		r.waitFor("started")
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		r.save("streams/apply-interrupted.jsonl", out.String())
	})
	t.Run("plan-invalid", func(t *testing.T) {
		r := newRecorder(t, false)
		r.write("main.tf", "resource \"terraform_data\" \"x\" {\n  input = var.none\n}\n")
		out, _ := r.run("plan", "-json", "-input=false")
		r.save("streams/plan-invalid.jsonl", out)
	})
}

func recordFaults(t *testing.T) {
	hold := "resource \"terraform_data\" \"slow\" {\n  provisioner \"local-exec\" { command = \"touch started; exec sleep 60\" }\n}\n"
	locked := func(t *testing.T, name string, r recorder) {
		r.must("init", "-input=false")
		cmd, out := r.start("apply", "-json", "-input=false", "-auto-approve")
		defer func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() }()
		r.waitFor("started")
		if t.Failed() {
			t.Log(out.String())
		}
		r.write("terraform.tfstate.pushed", `{"version":4,"terraform_version":"1.6.0","serial":1,"lineage":"","outputs":{},"resources":[]}`)
		stream, _ := r.run("plan", "-json", "-input=false", "-lock-timeout=2s")
		r.save("streams/"+name+".jsonl", stream)
		text, _ := r.run(PushArgs("terraform.tfstate.pushed", 0)...)
		r.save("faults/"+name+".txt", text)
	}
	t.Run("locked-local", func(t *testing.T) {
		r := newRecorder(t, false)
		r.write("main.tf", hold)
		locked(t, "locked-local", r)
	})
	for _, kind := range []string{"use_lockfile = true", `dynamodb_table = "strata-record-locks"`} {
		name := "locked-s3-" + strings.Fields(kind)[0]
		t.Run(name, func(t *testing.T) {
			r := newRecorder(t, true)
			r.request(http.MethodPut, "/strata-record-states", "")
			r.dynamoTable()
			r.write("main.tf", hold+fmt.Sprintf(`
terraform {
  backend "s3" {
    bucket                      = "strata-record-states"
    key                         = "%s.tfstate"
    region                      = "us-east-1"
    access_key                  = "planted-access-key"
    secret_key                  = "planted-secret-key"
    skip_credentials_validation = true
    skip_requesting_account_id  = true
    skip_metadata_api_check     = true
    use_path_style              = true
    endpoints = {
      s3       = %q
      dynamodb = %q
    }
    %s
  }
}
`, name, r.endpoint, r.endpoint, kind))
			locked(t, name, r)
		})
	}
	fault := func(name string, prepare func(r *recorder) []string) {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(t, false)
			args := prepare(&r)
			out, code := r.run(args...)
			if code == 0 {
				t.Fatalf("it went well: %s", out)
			}
			ext := "txt"
			if strings.HasPrefix(out, "{") {
				ext = "jsonl"
			}
			r.save("faults/"+name+"."+ext, out)
		})
	}
	plan := []string{"plan", "-json", "-input=false"}
	initArgs := []string{"init", "-input=false", "-no-color"}
	fault("init-backend-missing", func(r *recorder) []string {
		r.write("main.tf", `terraform { 
  backend "local" { path = "x.tfstate" } 
}`)
		return plan
	})
	fault("init-module-missing", func(r *recorder) []string {
		r.write("main.tf", `module "inner" { 
  source = "./inner"
  name = "n"
}`)
		return plan
	})
	fault("init-provider-missing", func(r *recorder) []string {
		r.write("main.tf", `terraform { 
  required_providers { x = { source = "example.com/acme/x" } } 
}
resource "x_y" "z" {}`)
		return plan
	})
	fault("backend-changed", func(r *recorder) []string {
		r.write("main.tf", "terraform {\n  backend \"local\" { path = \"x.tfstate\" }\n}\nresource \"terraform_data\" \"x\" {}\n")
		r.must("init", "-input=false")
		r.must("apply", "-auto-approve", "-input=false")
		r.write("main.tf", "terraform {\n  backend \"local\" { path = \"y.tfstate\" }\n}\n")
		return initArgs
	})
	fault("backend-changed-plan", func(r *recorder) []string {
		r.write("main.tf", "terraform {\n  backend \"local\" { path = \"x.tfstate\" }\n}\nresource \"terraform_data\" \"x\" {}\n")
		r.must("init", "-input=false")
		r.write("main.tf", "terraform {\n  backend \"local\" { path = \"y.tfstate\" }\n}\n")
		return plan
	})
	fault("lock-file-lacks-provider", func(r *recorder) []string {
		r.write("main.tf", "terraform {\n  required_providers { x = { source = \"example.com/acme/x\" } }\n}\n")
		r.mirrorOf("example.com/acme/x", "1.0.0")
		r.write(".terraform.lock.hcl", "")
		return append(initArgs, "-lockfile=readonly")
	})
	fault("lock-file-checksum", func(r *recorder) []string {
		r.write("main.tf", "terraform {\n  required_providers { x = { source = \"example.com/acme/x\" } }\n}\n")
		r.mirrorOf("example.com/acme/x", "1.0.0")
		r.write(".terraform.lock.hcl", "provider \"example.com/acme/x\" {\n  version = \"1.0.0\"\n  hashes = [\"h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"]\n}\n")
		return initArgs
	})
	fault("not-in-mirror", func(r *recorder) []string {
		r.write("main.tf", "terraform {\n  required_providers { x = { source = \"example.com/acme/x\" } }\n}\n")
		r.mirrorOf("example.com/acme/other", "1.0.0")
		return initArgs
	})
	fault("registry-no-host", func(r *recorder) []string {
		r.write("main.tf", "terraform {\n  required_providers { x = { source = \"registry.invalid/acme/x\" } }\n}\n")
		return initArgs
	})
	fault("registry-refused", func(r *recorder) []string {
		r.write("main.tf", "terraform {\n  required_providers { x = { source = \"localhost:1/acme/x\" } }\n}\n")
		return initArgs
	})
	fault("required-version", func(r *recorder) []string {
		r.write("main.tf", "terraform {\n  required_version = \"< 1.0\"\n}\n")
		return plan
	})
	fault("state-list-none", func(r *recorder) []string {
		r.write("main.tf", "")
		return StateListArgs()
	})
}

// recorder runs Terraform in a folder of its own.
type recorder struct {
	t        *testing.T
	dir      string
	env      []string
	endpoint string
}

func newRecorder(t *testing.T, aws bool) recorder {
	r := recorder{t: t, dir: t.TempDir(), endpoint: os.Getenv(endpointVar)}
	r.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1"}
	r.write("inner/main.tf", innerModule)
	if aws {
		mirror := os.Getenv(mirrorVar)
		if mirror == "" || r.endpoint == "" {
			t.Skipf("needs %s and %s", mirrorVar, endpointVar)
		}
		r.config(mirror)
		r.env = append(r.env, "TF_VAR_endpoint="+r.endpoint)
	}
	return r
}

// config makes Terraform take providers from the mirror.
func (r *recorder) config(mirror string) {
	r.write("mirror.tfrc", fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror))
	r.env = append(r.env, "TF_CLI_CONFIG_FILE="+filepath.Join(r.dir, "mirror.tfrc"))
}

// mirrorOf makes a mirror that holds one provider, which is no program.
func (r *recorder) mirrorOf(source, version string) {
	platform := strings.TrimSpace(r.must("version"))
	platform = platform[strings.LastIndex(platform, "on ")+3:]
	folder, _, _ := strings.Cut(platform, "\n")
	r.write(filepath.Join("mirror", source, version, folder, "terraform-provider-"+filepath.Base(source)), "none")
	r.config(filepath.Join(r.dir, "mirror"))
}

func (r recorder) write(name, content string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r recorder) command(args ...string) *exec.Cmd {
	cmd := exec.Command("terraform", args...)
	cmd.Dir, cmd.Env = r.dir, r.env
	return cmd
}

func (r recorder) run(args ...string) (string, int) {
	r.t.Helper()
	cmd := r.command(args...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		r.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (r recorder) must(args ...string) string {
	r.t.Helper()
	out, code := r.run(args...)
	if code != 0 {
		r.t.Fatalf("terraform %s: exit code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

func (r recorder) start(args ...string) (*exec.Cmd, *bytes.Buffer) {
	r.t.Helper()
	var out bytes.Buffer
	cmd := r.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	return cmd, &out
}

func (r recorder) waitFor(name string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	for {
		if _, err := os.Stat(filepath.Join(r.dir, name)); err == nil {
			return
		}
		select {
		case <-ctx.Done():
			r.t.Errorf("%s did not appear", name)
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (r recorder) request(method, path, body string, headers ...string) {
	r.t.Helper()
	req, err := http.NewRequest(method, r.endpoint+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=planted-access-key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode >= 300 && !bytes.Contains(answer, []byte("already exists")) {
		r.t.Fatalf("%s %s: %s\n%s", method, path, resp.Status, answer)
	}
}

func (r recorder) dynamoTable() {
	r.request(http.MethodPost, "/", `{"TableName":"strata-record-locks","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"LockID","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"LockID","AttributeType":"S"}]}`,
		"X-Amz-Target", "DynamoDB_20120810.CreateTable", "Content-Type", "application/x-amz-json-1.0",
		"Authorization", "AWS4-HMAC-SHA256 Credential=planted-access-key/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=none")
}

// clean removes what a failed recording left on the AWS API server.
func (r recorder) clean() {
	if r.t.Failed() && r.endpoint != "" {
		r.run("destroy", "-auto-approve", "-input=false")
	}
}

var nameServer = regexp.MustCompile(`on [0-9.]+:53`)

// save writes a recording; the folder it was made in and the server's address
// are those of nobody.
func (r recorder) save(name, content string) {
	r.t.Helper()
	content = strings.ReplaceAll(content, r.dir, "/unit")
	if r.endpoint != "" {
		content = strings.ReplaceAll(content, r.endpoint, "http://aws.test")
	}
	if host, err := os.Hostname(); err == nil && host != "" {
		content = strings.ReplaceAll(content, "@"+host, "@host")
	}
	content = nameServer.ReplaceAllString(content, "on 192.0.2.53:53")
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}
