//go:build aliases

package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/strata-tf/strata/internal/dagger"
	"github.com/strata-tf/strata/internal/report"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

func TestNewTakesTheRepositoryInWhichDaggerIsCalled(t *testing.T) {
	f := newFixture(t)
	f.repo[".gitignore"] = "*.secret\n"
	git := newCheckout(t)
	commit := git.commit(f.repo)
	f.workspace = git.files()
	f.workspace["some.secret"] = file{data: "x"}
	for _, cwd := range []string{".", "regions/us-east-1"} {
		f.cwd = cwd
		s, err := New(t.Context(), dag.CurrentWorkspace(), nil, "staging")
		if err != nil {
			t.Fatal(err)
		}
		text, err := call(t.Context(), s.Deploy, "Only", []string{"foundation"}, "Format", "json")
		if err != nil {
			t.Fatal(err)
		}
		var run report.Run
		if err := json.Unmarshal([]byte(text), &run); err != nil {
			t.Fatal(err)
		}
		if run.Commit != commit || run.Units[0].ID != foundationID {
			t.Errorf("called in %s: commit %q, units %v", cwd, run.Commit, run.Units)
		}
		x := f.step("apply", foundation)
		if _, there := x.Read(sourceDir + "/strata.yaml"); !there {
			t.Error("the repository does not travel")
		}
		if _, there := x.Read(sourceDir + "/some.secret"); there {
			t.Error("a file that git ignores travels")
		}
		f.execs, f.tf.unit(foundation).applied = nil, ""
	}
}

func TestNewTakesARepositoryBelowTheGitRoot(t *testing.T) {
	f := newFixture(t)
	below := make(map[string]string)
	for name, content := range f.repo {
		below["infra/"+name] = content
	}
	git := newCheckout(t)
	commit := git.commit(below)
	f.workspace = git.files()
	f.cwd = "infra/regions"
	s, err := New(t.Context(), dag.CurrentWorkspace(), nil, "staging")
	if err != nil {
		t.Fatal(err)
	}
	text, err := call(t.Context(), s.Deploy, "Only", []string{"foundation"}, "Format", "json")
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, text, commit)
	f.step("apply", foundation)
}

func TestNewTakesAnotherRepository(t *testing.T) {
	f := newFixture(t)
	f.repo[".git/HEAD"] = "ref: refs/heads/main\n"
	f.repo[".git/packed-refs"] = "# pack-refs with: peeled fully-peeled sorted\n" + commit + " refs/heads/main\n"
	text, err := call(t.Context(), f.module().Plan, "Only", []string{"foundation"})
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, text.Json, commit)
	if strings.Contains(f.sent(), "currentWorkspace{") {
		t.Error("the folder that dagger is called in is looked at")
	}
}

func TestARepositoryWithoutGitHasNoCommit(t *testing.T) {
	f := newFixture(t)
	text, err := call(t.Context(), f.module().Plan, "Only", []string{"foundation"})
	if err != nil {
		t.Fatal(err)
	}
	wantNoText(t, "the plan", text.Json, `"commit"`)
}

// What a CI job's checkout writes into .git/config are its credentials.
func TestTheConfigurationOfGitStaysAtHome(t *testing.T) {
	f := newFixture(t)
	git := newCheckout(t)
	git.commit(f.repo)
	git.git("config", "http.extraheader", "AUTHORIZATION: basic planted-credential")
	f.deploy(f.here(git))
	for _, x := range f.ran("") {
		for name, content := range x.files {
			wantNoText(t, name, content.data, "planted-credential")
		}
	}
	for name, content := range localFiles(t) {
		wantNoText(t, name, content, "planted-credential")
	}
}

func TestTheEnvironmentGivenToNewIsTheDefault(t *testing.T) {
	f := newFixture(t)
	for name, content := range f.repo {
		if strings.Contains(name, "staging") {
			f.repo[strings.ReplaceAll(name, "staging", "production")] = strings.Replace(content, "key    = \"", "key    = \"production-", 1)
		}
	}
	for _, dir := range []string{foundation, platform} {
		f.tf.unit(strings.Replace(dir, "staging", "production", 1)).outputs = f.tf.unit(dir).outputs
	}
	s := f.module()
	wantText(t, f.deploy(s), foundationID)
	text := f.deploy(s, "Env", "production")
	wantText(t, text, "foundation@us-east-1:production")
	wantNoText(t, "the result", text, ":staging")

	units, err := s.Units(t.Context(), "", nil, "")
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, units, foundationID)
	drawn, err := s.Graph(t.Context(), "", nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, drawn, foundationID)
	wantNoText(t, "the graph", drawn, ":production")

	s, err = New(t.Context(), dag.CurrentWorkspace(), f.source(), "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = call(t.Context(), s.Deploy, "All", true)
	wantError(t, err, 1, "no environment given", "production, staging")
	units, err = s.Units(t.Context(), "", nil, "")
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, units, foundationID, "foundation@us-east-1:production")
}

func TestUnitsAndGraphRunNoTool(t *testing.T) {
	f := newFixture(t)
	s := f.bare()
	for format, words := range map[string][]string{"": {foundationID, client}, "table": {foundationID}, "json": {`"id"`, foundationID}} {
		text, err := s.Units(t.Context(), "staging", nil, format)
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, text, words...)
	}
	for format, words := range map[string][]string{
		"": {foundationID, platformID}, "text": {foundationID}, "mermaid": {"flowchart", "-->"}, "dot": {"digraph", "->"}, "json": {foundationID},
	} {
		text, err := s.Graph(t.Context(), "staging", nil, nil, format)
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, text, words...)
	}
	text, err := s.Graph(t.Context(), "staging", []string{"clients/*"}, []string{"us-east-1"}, "text")
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, text, clientID)
	wantNoText(t, "the graph of the clients", text, foundationID)
	_, err = s.Units(t.Context(), "", nil, "xml")
	wantError(t, err, 1, `"xml"`)
	_, err = s.Graph(t.Context(), "", nil, nil, "xml")
	wantError(t, err, 1, `"xml"`)
	for _, x := range f.ran("") {
		if !fetches(x) {
			t.Errorf("%q ran", x.Command)
		}
	}
}

func TestOnlyWhatStrataReadsIsBroughtToTheFunction(t *testing.T) {
	f := newFixture(t)
	f.repo["app/main.go"] = "package large"
	f.repo[client+"/terraform.tfvars.json"] = `{"a": 1}`
	if _, err := f.bare().Units(t.Context(), "", nil, ""); err != nil {
		t.Fatal(err)
	}
	contents := make(map[string]string)
	for name, content := range localFiles(t) {
		_, name, _ = strings.Cut(name, "/repository/")
		contents[name] = content
	}
	for name, content := range f.repo {
		if name == "app/main.go" {
			content = "" // known to be there
		}
		if got, there := contents[name]; !there || got != content {
			t.Errorf("%s: there %t, %q", name, there, got)
		}
	}
	var sizes []int
	for _, x := range f.ran("tar") {
		sizes = append(sizes, len(x.Below(sourceDir)))
	}
	if slices.Sort(sizes); !slices.Equal(sizes, []int{0, len(f.repo) - 1}) { // of git, which is not there, and of the code
		t.Errorf("archives of %v files", sizes)
	}
}

func TestABackendConfigurationFileOfAnyNameIsRead(t *testing.T) {
	f := newFixture(t)
	f.repo["strata.yaml"] = `version: 1
layers:
  - {name: one, path: one, environments: [staging], backend: {config: "state.tfbackend"}}
  - {name: two, path: two, environments: [staging], backend: {config: "state.tfbackend"}}
`
	f.repo["state.tfbackend"] = "bucket = \"states\"\nkey    = \"the-same\"\n"
	f.repo["one/main.tf"], f.repo["two/main.tf"] = "terraform {\n  backend \"s3\" {}\n}\n", "terraform {\n  backend \"s3\" {}\n}\n"
	_, err := call(t.Context(), f.bare().Deploy, "All", true)
	wantError(t, err, 1, "one@global:staging", "two@global:staging", "key=the-same")
}

func TestAProgramOfTheRepositoryIsRunFromThere(t *testing.T) {
	f := newFixture(t)
	f.repo["bin/terraform"] = "program"
	wantText(t, f.deploy(f.module(), "Binary", "bin/terraform"), "3 applied")
	if x := f.step("apply", foundation); x.Command[0] != sourceDir+"/bin/terraform" {
		t.Errorf("%q ran", x.Command)
	}
}

func TestEachWithReturnsACopy(t *testing.T) {
	f := newFixture(t)
	// With room in its lists, where appending would write into the original's.
	base := f.module().WithVariable("A", "1").WithVariable("B", "2").WithVariable("C", "3").WithImage("x", "1").WithImage("y", "2").WithImage("z", "3").WithSecret("s2", dag.Secret("env://X")).WithSecret("s3", dag.Secret("env://X"))
	secret := dag.Secret("env://TOKEN")
	for name, with := range map[string]func(*Strata, string) *Strata{
		"with-secret":          func(s *Strata, x string) *Strata { return s.WithSecret(x, secret) },
		"with-variable":        func(s *Strata, x string) *Strata { return s.WithVariable(x, x) },
		"with-secret-variable": func(s *Strata, x string) *Strata { return s.WithSecretVariable(x, secret) },
		"with-secret-file":     func(s *Strata, x string) *Strata { return s.WithSecretFile("/"+x, secret) },
		"with-service":         func(s *Strata, x string) *Strata { return s.WithService(x, dag.Container().From(x).AsService()) },
		"with-image":           func(s *Strata, x string) *Strata { return s.WithImage(x, x) },
		"with-aws-credentials": func(s *Strata, x string) *Strata { return s.WithAwsCredentials(secret, secret, secret, x) },
		"with-provider-mirror": func(s *Strata, x string) *Strata { return s.WithProviderMirror(dag.Host().Directory(x)) },
	} {
		before := *base
		one := with(base, "one")
		kept := *one
		keptMounts, keptNames, keptImages := append([]*Mount{}, one.Mounts...), append([]string{}, one.Names...), append([]string{}, one.Images...)
		two := with(base, "two")
		opaque := cmpopts.IgnoreTypes(&dagger.Directory{}, &dagger.Secret{}, &dagger.Service{})
		if diff := cmp.Diff(before, *base, opaque); diff != "" || before.Mirror != base.Mirror {
			t.Errorf("%s changes what it is called on:\n%s", name, diff)
		}
		if one == base || two == base || one == two {
			t.Errorf("%s returns what it is called on", name)
		}
		if diff := cmp.Diff(keptMounts, one.Mounts, opaque) + cmp.Diff(keptNames, one.Names) + cmp.Diff(keptImages, one.Images); diff != "" || kept.Mirror != one.Mirror {
			t.Errorf("a second %s changes the first's result:\n%s", name, diff)
		}
	}
}
