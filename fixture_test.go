//go:build aliases

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/strata-tf/strata/internal/dagger"
	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/store"
)

// fixture is a repository, a scripted engine and a fake Terraform.
type fixture struct {
	*scripted
	t        *testing.T
	tf       *fakeTerraform
	repo     map[string]string
	commands map[string]func(*execution) outcome // what else runs, by its name

	records *store.Store // which the pipeline takes for the one it opens
	stores  []string     // the URLs of the stores it has opened

	installErrors []string // what the next installations of providers say, each failing
}

const (
	foundation = "regions/us-east-1/layers/01-foundation/staging"
	platform   = "regions/us-east-1/layers/02-platform/staging"
	client     = "regions/us-east-1/clients/acme/staging"

	foundationID = "foundation@us-east-1:staging"
	platformID   = "platform@us-east-1:staging"
	clientID     = "clients/acme@us-east-1:staging"

	vpcID          = "vpc-0123456789"
	clusterToken   = "sensitive-cluster-token"
	dbPassword     = "planted-db-password"
	terraformImage = "hashicorp/terraform:1.11.4"
)

const awsLock = `provider "registry.terraform.io/hashicorp/aws" {
  version = "5.0.0"
  hashes  = ["h1:abc"]
}
`

// unitCode is a unit's code, but for its state's backend and what it reads and
// gives.
func unitCode(key, more string) string {
	return fmt.Sprintf(`terraform {
  backend "s3" {
    bucket = "states"
    key    = %q
    region = "us-east-1"
  }
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
%s`, key, more)
}

// newFixture makes a repository of three units, each needing the one before:
// the foundation gives the platform a plain value; the platform gives the
// client a sensitive one, and the client has a secret besides and no lock file.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{scripted: connect(t), t: t, tf: newTerraform(t), commands: make(map[string]func(*execution) outcome)}
	f.repo = map[string]string{
		"strata.yaml": `version: 1
layers:
  - {name: foundation, path: "regions/{region}/layers/01-foundation/{env}"}
  - {name: platform, path: "regions/{region}/layers/02-platform/{env}", needs: [foundation]}
  - {name: clients, path: "regions/{region}/clients/{instance}/{env}", needs: [platform], secrets: [db_password]}
`,
		foundation + "/main.tf":     unitCode("foundation", "output \"vpc_id\" {\n  value = \"x\"\n}\n"),
		foundation + "/" + lockFile: awsLock,
		platform + "/main.tf":       unitCode("platform", "variable \"foundation_vpc_id\" {\n  type = string\n}\noutput \"token\" {\n  value     = \"x\"\n  sensitive = true\n}\n"),
		platform + "/" + lockFile:   awsLock,
		client + "/main.tf":         unitCode("clients/acme", "variable \"platform_token\" {\n  type      = string\n  sensitive = true\n}\nvariable \"db_password\" {\n  type      = string\n  sensitive = true\n}\n"),
	}
	f.tf.unit(foundation).outputs["vpc_id"] = fakeOutput{value: vpcID}
	f.tf.unit(platform).outputs["token"] = fakeOutput{value: clusterToken, sensitive: true}
	f.secrets["env://DB_PASSWORD"] = dbPassword
	f.run = f.command
	f.keepRecords()
	return f
}

// keepRecords keeps records in a folder, whatever store they belong into.
func (f *fixture) keepRecords() {
	url, err := store.FolderURL(f.t.TempDir())
	if err == nil {
		f.records, err = store.Open(f.t.Context(), url)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	before := openRecords
	openRecords = func(_ context.Context, url string, _ *store.Surroundings) (pipeline.Memory, error) {
		f.stores = append(f.stores, url)
		return f.records, nil
	}
	f.t.Cleanup(func() { openRecords = before })
}

// command runs what the module runs.
func (f *fixture) command(ctx context.Context, x *execution) outcome {
	if _, there := x.Read(x.Command[0]); strings.Contains(x.Command[0], "/") && !there {
		return outcome{Code: 127, Stderr: x.Command[0] + ": not found"}
	}
	if x.Workdir == "/providers" && len(f.installErrors) > 0 {
		words := f.installErrors[0]
		f.installErrors = f.installErrors[1:]
		return diagnosed(false, words)
	}
	if do := f.commands[x.Name()]; do != nil {
		return do(x)
	}
	if x.Name() == "terraform" || x.Name() == "tofu" {
		return f.tf.run(ctx, x)
	}
	if result, ok := coreutils(x); ok {
		return result
	}
	f.t.Errorf("nobody expects the command %q in %s", x.Args, x.Image)
	return outcome{Code: 127}
}

// module is the module made for the repository, with the client's secret.
func (f *fixture) module() *Strata {
	f.t.Helper()
	return f.bare().WithSecret("db_password", dag.Secret("env://DB_PASSWORD"))
}

// bare is the module without any secret.
func (f *fixture) bare() *Strata {
	f.t.Helper()
	s, err := New(f.t.Context(), dag.CurrentWorkspace(), f.source(), "staging")
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// source is the repository as it is now.
func (f *fixture) source() *dagger.Directory {
	name := fmt.Sprintf("live-%d", len(f.host))
	f.host[name] = tree(f.repo)
	return dag.Host().Directory(name)
}

// call calls a verb with some of its arguments: name, value, name, value…
func call[A, R any](ctx context.Context, verb func(context.Context, A) (R, error), args ...any) (R, error) {
	var a A
	for i := 0; i < len(args); i += 2 {
		reflect.ValueOf(&a).Elem().FieldByName(args[i].(string)).Set(reflect.ValueOf(args[i+1]))
	}
	return verb(ctx, a)
}

// deploy deploys the whole environment, which must go well.
func (f *fixture) deploy(s *Strata, args ...any) string {
	f.t.Helper()
	text, err := call(f.t.Context(), s.Deploy, append([]any{"All", true}, args...)...)
	if err != nil {
		f.t.Fatal(err)
	}
	return text
}

// terraformSteps are the commands of Terraform in units, in order.
func (f *fixture) terraformSteps() []*execution {
	var out []*execution
	for _, x := range slices.Concat(f.ran("terraform"), f.ran("tofu")) {
		if x.Command[1] != "version" && x.Workdir != "/providers" {
			out = append(out, x)
		}
	}
	return out
}

// step finds the one run of a command in a unit's folder.
func (f *fixture) step(command, dir string) *execution {
	f.t.Helper()
	var found []*execution
	for _, x := range f.terraformSteps() {
		if x.Command[1] == command && x.Workdir == sourceDir+"/"+dir {
			found = append(found, x)
		}
	}
	if len(found) != 1 {
		f.t.Fatalf("%s ran %d times in %s", command, len(found), dir)
	}
	return found[0]
}

// exitCode is what dagger call ends with for an error.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	var coded *gqlerror.Error
	if !errors.As(err, &coded) || coded.Extensions["_type"] != "EXEC_ERROR" {
		return 1
	}
	return coded.Extensions["exitCode"].(int)
}

// wantError wants an exit code and words.
func wantError(t *testing.T, err error, code int, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with exit code %d and %q", code, words)
	}
	if got := exitCode(err); got != code {
		t.Errorf("exit code %d, want %d: %v", got, code, err)
	}
	wantText(t, err.Error(), words...)
}

func wantText(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is missing in:\n%s", word, text)
		}
	}
}

func wantNoText(t *testing.T, where, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if i := strings.Index(text, word); i >= 0 {
			t.Errorf("%q is in %s: …%s", word, where, text[max(0, i-200):min(len(text), i+len(word)+50)])
		}
	}
}

// localFiles is all that a function has left in its own folder.
func localFiles(t *testing.T) map[string]string {
	t.Helper()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	found, err := diskFiles(wd)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	for name := range maps.Keys(found) {
		out[name] = found[name].data
	}
	return out
}
