//go:build engine

package enginetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/strata-tf/strata/internal/report"
)

// answer is how a command ended.
type answer struct {
	stdout, stderr string
	code           int
	took           time.Duration
}

func (a answer) all() string { return a.stdout + a.stderr }

// run parses the document that --format json gave.
func (a answer) run(t testing.TB) *report.Run {
	t.Helper()
	var run report.Run
	if err := json.Unmarshal([]byte(a.stdout), &run); err != nil {
		t.Fatalf("no document: %v\n%s\n%s", err, a.stdout, a.stderr)
	}
	return &run
}

// limit is longer than any call may take.
const limit = 5 * time.Minute

// call calls the module from the repository as its user: the flags and
// functions in chain come before what is asked.
func (r *repo) call(t testing.TB, args ...string) answer {
	t.Helper()
	return r.dagger(t, []string{"-s"}, args)
}

// logged is call with everything that the engine's client can show.
func (r *repo) logged(t testing.TB, args ...string) answer {
	t.Helper()
	return r.dagger(t, []string{"--progress=plain", "-vvv"}, args)
}

func (r *repo) dagger(t testing.TB, flags, args []string) answer {
	t.Helper()
	words := slices.Concat(flags, []string{"call", "-m", moduleDir}, r.chain, args)
	a := r.command(t, "dagger", words...)
	// The engine may still hold the files of the call before, under load, and then
	// does not take one that was changed since. Nothing has run yet.
	for try := 0; try < 3 && a.code == 1 && strings.Contains(a.stderr, "during sync"); try++ {
		t.Logf("called again: %s", a.stderr)
		time.Sleep(2 * time.Second)
		a = r.command(t, "dagger", words...)
	}
	return a
}

// native runs the native command in the repository.
func (r *repo) native(t testing.TB, args ...string) answer {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("needs terraform on PATH, for the native runs to compare with")
	}
	return r.command(t, strata, args...)
}

func (r *repo) command(t testing.TB, name string, args ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := r.prepare(exec.CommandContext(ctx, name, args...))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	started := time.Now()
	err := cmd.Run()
	a := answer{stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode(), took: time.Since(started)}
	if _, test := t.(*testing.T); test {
		t.Logf("%.1fs, exit code %d: %s %s", a.took.Seconds(), a.code, filepath.Base(name), strings.Join(args, " "))
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), errors.Join(err, ctx.Err()), a.all())
	}
	return a
}

// prepare gives a command the repository and a clean environment: what the
// person who runs the tests has set for Terraform or AWS does not count.
func (r *repo) prepare(cmd *exec.Cmd) *exec.Cmd {
	cmd.Dir = r.dir
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "TF_") && !strings.HasPrefix(pair, "AWS_") && !strings.HasPrefix(pair, "STRATA_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cmd.Env = append(cmd.Env, r.environ...)
	return cmd
}

// ok fails the test where a command did not end with the code.
func (a answer) ok(t testing.TB, code int) answer {
	t.Helper()
	if a.code != code {
		t.Fatalf("exit code %d, not %d\n%s\n%s", a.code, code, a.stdout, a.stderr)
	}
	return a
}

// says fails the test where a command's error does not hold all of the words.
func (a answer) says(t testing.TB, words ...string) answer {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(a.stderr, w) {
			t.Errorf("it does not say %q:\n%s", w, a.stderr)
		}
	}
	return a
}

// results are the units' results by layer (or layer/instance) and region.
func results(run *report.Run) map[string]report.Result {
	out := make(map[string]report.Result)
	for _, u := range run.Units {
		id, _, _ := strings.Cut(u.ID, ":")
		out[id] = u.Result
	}
	return out
}
