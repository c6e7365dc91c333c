package ciexamples

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	examples = "../../examples/ci"
	password = "a long demo password"
	// identity is a stand-in for a CI's identity token.
	identity = "not-a-token"
)

// world is a repository with its remote, and what runs in jobs on it. States and
// records are outside of checkouts, as a bucket's would be.
type world struct {
	dir    string
	origin string
	bin    string // goes before all else on PATH
	log    string
	states string
	// uploads is the folder of what GitHub's jobs upload for code scanning; it is
	// made by the first upload, and there is none twice.
	uploads string
	strata  string
}

// commits that the tests know, by their refs in origin:
//
//	main, staging       the example; staging has one commit more, to applications
//	feature             from before that commit: the client ezra changes
//	refs/pull/7/merge   feature merged into staging, as GitHub and Azure make it

// newWorld makes a world; prepare changes the example before it is committed.
func newWorld(t *testing.T, prepare ...func(work string)) *world {
	t.Helper()
	need(t, "git")
	dir := t.TempDir()
	w := &world{dir: dir, origin: filepath.Join(dir, "origin.git"), bin: filepath.Join(dir, "bin"), log: filepath.Join(dir, "calls"), states: filepath.Join(dir, "states"), uploads: filepath.Join(dir, "uploads")}
	w.tools(t)
	work := filepath.Join(dir, "work")
	if err := os.CopyFS(work, os.DirFS("../../testdata/live")); err != nil {
		t.Fatal(err)
	}
	w.keepStates(t, work)
	for _, change := range prepare {
		change(work)
	}
	w.git(t, dir, "init", "-q", "--bare", "-b", "main", w.origin)
	w.git(t, work, "init", "-q", "-b", "main")
	w.git(t, work, "remote", "add", "origin", w.origin)
	w.commit(t, work, "the example")
	w.git(t, work, "checkout", "-q", "-b", "feature")
	change(t, filepath.Join(work, "regions/us-east-1/clients/ezra/staging/main.tf"), "\noutput \"changed\" {\n  value = \"in the feature\"\n}\n")
	w.commit(t, work, "change ezra")
	w.git(t, work, "checkout", "-q", "-b", "staging", "main")
	change(t, filepath.Join(work, "regions/us-east-1/layers/04-applications/staging/main.tf"), "\n# changed\n")
	w.commit(t, work, "change applications")
	w.git(t, work, "checkout", "-q", "-b", "merge")
	w.git(t, work, "merge", "-q", "--no-ff", "-m", "merge", "feature")
	w.git(t, work, "push", "-q", "origin", "main", "feature", "staging", "merge:refs/pull/7/merge")
	return w
}

// searchPath is PATH, with the folders behind it that `make ci-tools` fills.
var searchPath = sync.OnceValue(func() string {
	path := os.Getenv("PATH")
	for _, folder := range []string{"bin", "npm/node_modules/.bin", "py/bin"} {
		if at, err := filepath.Abs(filepath.Join("../../.tools/ci", folder)); err == nil {
			path += string(os.PathListSeparator) + at
		}
	}
	return path
})

// look finds a tool, "" where there is none.
func look(tool string) string {
	for _, folder := range filepath.SplitList(searchPath()) {
		if path, err := exec.LookPath(filepath.Join(folder, tool)); err == nil {
			return path
		}
	}
	return ""
}

// need skips the test where a tool is missing, and names it.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if look(tool) == "" {
			t.Skipf("%s is neither on PATH nor in .tools/ci (make ci-tools)", tool)
		}
	}
}

// tools fills the folder that goes onto PATH.
func (w *world) tools(t *testing.T) {
	t.Helper()
	if err := os.MkdirAll(w.bin, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"strata", "dagger"} {
		if err := os.Symlink(self, filepath.Join(w.bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	binary := "terraform"
	if given := os.Getenv("STRATA_BINARY"); given != "" {
		binary = given
	}
	path, err := exec.LookPath(binary)
	if err != nil {
		t.Skipf("%s is not on PATH", binary)
	}
	// The files install a Terraform only where none is on PATH.
	if _, err := exec.LookPath("terraform"); err != nil {
		if err := os.Symlink(path, filepath.Join(w.bin, "terraform")); err != nil {
			t.Fatal(err)
		}
	}
	if w.strata, err = built(); err != nil {
		t.Fatal(err)
	}
}

// built is the command of this tree, built once.
var built = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(buildDir, "strata")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/strata").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build strata: %w\n%s", err, out)
	}
	return binary, nil
})

// keepStates puts states and records outside of the checkout.
func (w *world) keepStates(t *testing.T, work string) {
	t.Helper()
	for _, at := range []string{"regions/*/layers/*/*", "regions/*/clients/*/*"} {
		units, err := filepath.Glob(filepath.Join(work, at))
		if err != nil || len(units) == 0 {
			t.Fatalf("units: %v", err)
		}
		for _, unit := range units {
			write(t, filepath.Join(unit, "backend.tf"), "terraform {\n  backend \"local\" {}\n}\n")
		}
	}
	change(t, filepath.Join(work, "strata.yaml"), fmt.Sprintf("\nbackend: {values: {path: %q}}\nstore: {url: %q}\n",
		w.states+"/{region}/{layer}/{instance}/{env}.tfstate", filepath.Join(w.dir, "store", "{env}")))
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func change(t *testing.T, path, more string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(text)+more)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// env is the environment of a job: nothing of the machine's CI.
func (w *world) env(more ...string) []string {
	var env []string
	for _, pair := range os.Environ() {
		if !vendors(pair) && !strings.HasPrefix(pair, "PATH=") && !strings.HasPrefix(pair, "AWS_") && !strings.HasPrefix(pair, "GIT_") {
			env = append(env, pair)
		}
	}
	home := filepath.Join(w.dir, "home")
	return append(append(env,
		"PATH="+w.bin+string(os.PathListSeparator)+searchPath(),
		"HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, ".cache"), "XDG_CONFIG_HOME="+filepath.Join(home, ".config"),
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "GIT_ALLOW_PROTOCOL=file",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com",
		logVariable+"="+w.log, strataVariable+"="+w.strata,
	), more...)
}

func (w *world) git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := w.run(dir, nil, "git", args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

func (w *world) commit(t *testing.T, work, message string) {
	t.Helper()
	w.git(t, work, "add", "-A")
	w.git(t, work, "commit", "-q", "-m", message)
}

// run runs a command and returns all it prints.
func (w *world) run(dir string, more []string, name string, args ...string) (string, error) {
	command := exec.Command(name, args...)
	if at := look(name); at != "" {
		command.Path, command.Err = at, nil
	}
	command.Dir, command.Env = dir, w.env(more...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out.String())
	}
	return out.String(), nil
}

// clone is what a vendor's checkout brings: all branches with their history, or
// so many commits of the one ref.
func (w *world) clone(t *testing.T, ref string, depth int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "checkout")
	w.git(t, w.dir, "init", "-q", dir)
	w.git(t, dir, "remote", "add", "origin", "file://"+w.origin)
	args := []string{"fetch", "-q", "--no-tags", "origin", "+" + ref + ":refs/remotes/checkout"}
	if depth > 0 {
		args = append(args, fmt.Sprintf("--depth=%d", depth))
	} else {
		args = append(args, "+refs/heads/*:refs/remotes/origin/*")
	}
	w.git(t, dir, args...)
	w.git(t, dir, "checkout", "-q", "--detach", "refs/remotes/checkout")
	return dir
}

// calls are the calls since the last time, the dagger ones with the module's
// name left out.
func (w *world) calls(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(w.log)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(w.log); err != nil {
		t.Fatal(err)
	}
	var said []string
	for line := range strings.Lines(string(text)) {
		var c call
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		said = append(said, c.String())
	}
	slices.Sort(said)
	return said
}

// applied is how many states there are.
func (w *world) applied(t *testing.T, environment string) int {
	t.Helper()
	count := 0
	err := filepath.WalkDir(w.states, func(path string, _ fs.DirEntry, err error) error {
		if filepath.Base(path) == environment+".tfstate" {
			count++
		}
		if os.IsNotExist(err) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

func wantCalls(t *testing.T, w *world, want ...string) {
	t.Helper()
	if got := w.calls(t); !slices.Equal(got, want) {
		t.Errorf("calls:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// wantPlan checks a plan of the feature: the client that it changes, and nothing
// that changed elsewhere.
func wantPlan(t *testing.T, out string) {
	t.Helper()
	wantText(t, out, "clients/ezra@us-east-1:staging", "planned")
	for _, not := range []string{"applications@us-east-1:staging", "clients/ezra@eu-west-1:staging", "production"} {
		for line := range strings.Lines(out) {
			if strings.Contains(line, "|") && strings.Contains(line, not) {
				t.Errorf("the plan has %s:\n%s", not, line)
			}
		}
	}
	if strings.Contains(out, password) {
		t.Errorf("the secret is shown:\n%s", out)
	}
}

func wantText(t *testing.T, out string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(out, part) {
			t.Errorf("no %q in:\n%s", part, out)
		}
	}
}
