//go:build aliases

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/strata-tf/strata/internal/dagger"
)

// branched is the repository with its foundation changed in a commit on a
// branch, and its client in the working tree alone.
func (f *fixture) branched() *checkout {
	f.t.Helper()
	f.repo["README.md"] = "# Infrastructure\n"
	c := newCheckout(f.t)
	c.commit(f.repo)
	c.git("checkout", "-q", "-b", "change")
	f.repo[foundation+"/main.tf"] += "# changed\n"
	f.repo["README.md"] = "# Changed\n"
	c.commit(f.repo)
	f.repo[client+"/main.tf"] += "# changed\n"
	c.write(".", f.repo)
	return c
}

func TestAffectedTellsWhatAChangeAffects(t *testing.T) {
	f := newFixture(t)
	s := f.here(f.branched())
	affected := func(args ...any) string {
		t.Helper()
		text, err := call(t.Context(), s.Affected, args...)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	text := affected("Base", "main")
	wantText(t, text, foundationID, "own file", "ignored: README.md", "1 affected, 0 deleted")
	wantNoText(t, "the table", text, clientID)
	wantText(t, affected(), "1 affected") // since the default branch
	wantText(t, affected("Base", "main", "IncludeDependents", true, "Format", "json"), platformID, clientID, `"schema": "strata.affected/v1"`)
	wantText(t, affected("Base", "HEAD", "WorkingTree", true), clientID, "1 affected")
	wantText(t, affected("Base", "main", "Head", "main"), "0 affected")
	wantText(t, affected("Base", "main", "WorkingTree", true, "Format", "clients"), "acme")
	wantText(t, affected("Base", "main", "Why", foundationID), "main.tf")
	wantText(t, affected("Base", "main", "Why", platformID), platformID+" is not affected")
	for words, args := range map[string][]any{
		"--head and --working-tree: say one":        {"Base", "main", "Head", "main", "WorkingTree", true},
		"no commit, branch or tag nowhere":          {"Base", "nowhere"},
		`--format "xml"`:                            {"Base", "main", "Format", "xml"},
		"no unit \"nobody\": `dagger call … units`": {"Base", "main", "Why", "nobody"},
	} {
		_, err := call(t.Context(), s.Affected, args...)
		wantError(t, err, 1, words)
	}
	for _, x := range f.ran("") {
		if x.Name() != "tar" {
			t.Errorf("%q ran", x.Command)
		}
	}
}

// The files of the repository stay where they are: git's objects hold all that
// is compared.
func TestAffectedBringsGitAlone(t *testing.T) {
	f := newFixture(t)
	s := f.here(f.branched())
	if _, err := call(t.Context(), s.Affected, "Base", "main"); err != nil {
		t.Fatal(err)
	}
	tars := f.ran("tar")
	if len(tars) != 1 {
		t.Fatalf("%d archives", len(tars))
	}
	for name := range tars[0].Below(sourceDir) {
		if name != "strata.yaml" && !strings.HasPrefix(name, ".git/") {
			t.Errorf("%s travels", name)
		}
		if slices.Contains([]string{".git/config", ".git/COMMIT_EDITMSG"}, name) || strings.HasPrefix(name, ".git/hooks/") || strings.HasPrefix(name, ".git/logs/") {
			t.Errorf("%s travels", name)
		}
	}
	if strings.Contains(f.sent(), "gitignore:true") {
		t.Error("the repository's files are asked for")
	}
}

func TestTheEnvironmentOfARefIsMeant(t *testing.T) {
	f := newFixture(t)
	for name, content := range f.repo {
		if strings.Contains(name, "staging") {
			f.repo[strings.ReplaceAll(name, "staging", "production")] = strings.Replace(content, "key    = \"", "key    = \"production-", 1)
		}
	}
	f.tf.unit(strings.Replace(foundation, "staging", "production", 1)).outputs = f.tf.unit(foundation).outputs
	c := newCheckout(t)
	c.commit(f.repo)
	s := f.here(c) // made for staging
	text, err := call(t.Context(), s.Plan, "Ref", "refs/heads/main", "Only", []string{"foundation"})
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, text.Json, "foundation@us-east-1:production", "environment production: branch main (--ref)")
	_, err = call(t.Context(), s.Deploy, "Ref", "topic", "All", true)
	wantError(t, err, 3, "branch topic (--ref)", "--env development")
	_, err = call(t.Context(), s.Plan, "Ref", "refs/pull/7/merge", "All", true)
	wantError(t, err, 1, "--ref refs/pull/7/merge is no branch")
	found, err := call(t.Context(), s.Affected, "Ref", "main", "Base", "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, found, "0 affected")
}

func TestPlanTakesWhatIsAffected(t *testing.T) {
	f := newFixture(t)
	s := f.here(f.branched())
	planned := func(args ...any) string {
		t.Helper()
		p, err := call(t.Context(), s.Plan, args...)
		if err != nil {
			t.Fatal(err)
		}
		return p.Summary
	}
	text := planned("Base", "main")
	wantText(t, text, foundationID, clientID, "2 of 3 units are affected") // the client in the working tree
	wantNoText(t, "the plan", text, platformID+"  ")
	wantText(t, planned("Base", "main", "IncludeDependents", true), platformID)
	wantText(t, planned("Base", "HEAD"), clientID, "1 of 3")
}

func TestAWorktreeHasNoHistoryHere(t *testing.T) {
	f := newFixture(t)
	f.repo[".git"] = "gitdir: ../main/.git/worktrees/it\n"
	f.workspace = tree(f.repo)
	s, err := New(t.Context(), dag.CurrentWorkspace(), nil, "staging")
	if err != nil {
		t.Fatal(err)
	}
	s = s.WithSecret("db_password", dag.Secret("env://DB_PASSWORD"))
	_, err = call(t.Context(), s.Affected, "Base", "main")
	wantError(t, err, 1, "changes are read from git", ".git is a file", "a clone of its own")
	_, err = call(t.Context(), s.Plan)
	wantError(t, err, 1, ".git is a file")
	wantText(t, f.deploy(s), "3 applied")
}

func TestAffectedWithoutARepositorySaysWhatToDo(t *testing.T) {
	f := newFixture(t)
	_, err := call(t.Context(), f.bare().Affected, "Base", "main")
	wantError(t, err, 1, "no git repository", "--source has no .git", "a remote one without a folder in it")
	f.workspace = tree(f.repo)
	s, err := New(t.Context(), dag.CurrentWorkspace(), nil, "staging")
	if err != nil {
		t.Fatal(err)
	}
	_, err = call(t.Context(), s.Affected, "Base", "main")
	wantError(t, err, 1, "no git repository around the folder that dagger is called in")
}

// What is tracked counts, whatever the ignore files say.
func TestTrackedFilesTravelAlthoughGitIgnoresThem(t *testing.T) {
	f := newFixture(t)
	forced := foundation + "/forced [1].auto.tfvars"
	f.repo[".gitignore"] = "*.auto.tfvars\n"
	f.repo[forced] = "size = 1\n"
	f.repo["app/node_modules/kept/index.js"] = "kept"
	f.repo["old/terraform.tfstate"] = "planted-state"
	c := newCheckout(t)
	c.write(".", f.repo)
	c.git("add", "-A", "-f")
	c.git("commit", "-q", "-m", "change")
	f.repo[foundation+"/untracked.auto.tfvars"] = "size = 2\n"
	c.write(".", f.repo)
	s := f.here(c)
	for _, do := range []func(){
		func() { f.deploy(s) },
		func() {
			if _, err := call(t.Context(), s.Destroy, "All", true, "Confirm", "staging"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		f.execs = nil
		do()
		var x *execution
		for _, step := range f.terraformSteps() {
			if step.Workdir == sourceDir+"/"+foundation {
				x = step
			}
		}
		if text, _ := x.Read(sourceDir + "/" + forced); text != "size = 1\n" {
			t.Errorf("the variable file is %q", text)
		}
		if _, there := x.Read(sourceDir + "/app/node_modules/kept/index.js"); !there {
			t.Error("a tracked package does not travel")
		}
		for _, name := range []string{foundation + "/untracked.auto.tfvars", "old/terraform.tfstate"} {
			if _, there := x.Read(sourceDir + "/" + name); there {
				t.Errorf("%s travels", name)
			}
		}
	}
}

// The caller's files are read when a verb needs them, not when the module is
// made.
func TestTheModuleIsMadeWithoutReadingTheRepository(t *testing.T) {
	f := newFixture(t)
	f.workspace = tree(f.repo)
	s, err := New(t.Context(), dag.CurrentWorkspace(), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(f.sent(), "directory(") || s.Source != nil {
		t.Errorf("queries: %s", f.sent())
	}
	var _ *dagger.Directory = s.source()
}
