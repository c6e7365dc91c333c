//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/strata-tf/strata/internal/report"
)

// patience is how long a test waits for what must happen.
const patience = 60 * time.Second

// repo is a repository of a test, and what the commands it runs are given.
type repo struct {
	t   *testing.T
	dir string
	env []string
}

// newRepo writes files, by path.
func newRepo(t *testing.T, files map[string]string) *repo {
	t.Helper()
	needTerraform(t)
	dir := t.TempDir()
	r := &repo{t: t, dir: filepath.Join(dir, "repo")}
	for _, name := range []string{"repo", "home", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home"), "TMPDIR=" + filepath.Join(dir, "tmp"),
		"RECORDER_BINARY=" + terraformBinary(), "RECORDER_LOG=" + filepath.Join(dir, "recorded"),
	}
	if binary := terraformBinary(); filepath.Base(binary) != "terraform" {
		r.env = append(r.env, "STRATA_BINARY="+binary)
	}
	for name, text := range files {
		r.write(name, text)
	}
	return r
}

func (r *repo) path(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

func (r *repo) write(name, text string) {
	r.t.Helper()
	if err := os.MkdirAll(filepath.Dir(r.path(name)), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(r.path(name), []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// recorded are the lines that the recorder has written.
func (r *repo) recorded() []string {
	data, err := os.ReadFile(filepath.Join(r.dir, "..", "recorded"))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// until waits for something.
func (r *repo) until(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	r.t.Fatalf("waited in vain: %s", what)
}

func (r *repo) exists(name string) bool {
	_, err := os.Stat(r.path(name))
	return err == nil
}

func (r *repo) untilFile(name string) {
	r.t.Helper()
	r.until(name+" exists", func() bool { return r.exists(name) })
}

// tidy says that nothing is left which would stand in a later run's way.
func (r *repo) tidy() {
	r.t.Helper()
	found, err := filepath.Glob(filepath.Join(r.dir, "..", "tmp", "*"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, name := range found {
		if !strings.HasPrefix(filepath.Base(name), "TestMain") {
			r.t.Errorf("left behind: %s", name)
		}
	}
	files, err := tree(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	for name := range files {
		if strings.Contains(name, ".lock.info") || strings.HasSuffix(name, "errored.tfstate") {
			r.t.Errorf("left behind: %s", name)
		}
	}
}

// process is a running strata.
type process struct {
	repo           *repo
	cmd            *exec.Cmd
	stdout, stderr output
	done           chan error
}

// output is what a process has written so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string { o.mu.Lock(); defer o.mu.Unlock(); return o.text.String() }

// start starts strata in a process group of its own, as a shell does.
func (r *repo) start(args ...string) *process {
	r.t.Helper()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	p := &process{repo: r, done: make(chan error, 1)}
	p.cmd = &exec.Cmd{Path: self, Args: append([]string{"strata"}, args...), Dir: r.dir, Env: r.env, Stdout: &p.stdout, Stderr: &p.stderr}
	detach(p.cmd)
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	r.t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// signal signals the whole process group, as a terminal does.
func (p *process) signal(sig syscall.Signal) {
	p.repo.t.Helper()
	if err := syscall.Kill(-p.cmd.Process.Pid, sig); err != nil {
		p.repo.t.Fatal(err)
	}
}

// untilSays waits for words on standard error.
func (p *process) untilSays(words string) {
	p.repo.t.Helper()
	p.repo.until("it says "+words, func() bool { return strings.Contains(p.stderr.String(), words) })
}

// exits waits for the end.
func (p *process) exits(code int) *process {
	p.repo.t.Helper()
	var err error
	select {
	case err = <-p.done:
	case <-time.After(patience):
		p.repo.t.Fatalf("it does not end\n%s", p)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.repo.t.Fatal(err)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.repo.t.Fatalf("exit code %d, not %d\n%s", got, code, p)
	}
	return p
}

func (p *process) String() string {
	return strings.Join(p.cmd.Args, " ") + "\n" + p.stdout.String() + "\n" + p.stderr.String()
}

func (p *process) says(pattern string) {
	p.repo.t.Helper()
	if !regexp.MustCompile(pattern).MatchString(p.stdout.String() + p.stderr.String()) {
		p.repo.t.Errorf("it does not say %s:\n%s", pattern, p)
	}
}

// run reads the document of a run with --format json.
func (p *process) run() *report.Run {
	p.repo.t.Helper()
	if err := checkRunSchema([]byte(p.stdout.String())); err != nil {
		p.repo.t.Fatalf("%v\n%s", err, p)
	}
	var run report.Run
	if err := json.Unmarshal([]byte(p.stdout.String()), &run); err != nil {
		p.repo.t.Fatal(err)
	}
	return &run
}

func (p *process) unit(id string) report.Unit {
	p.repo.t.Helper()
	run := p.run()
	i := slices.IndexFunc(run.Units, func(u report.Unit) bool { return u.ID == id })
	if i < 0 {
		p.repo.t.Fatalf("no unit %s\n%s", id, p)
	}
	return run.Units[i]
}

func (p *process) result(id string, want report.Result) {
	p.repo.t.Helper()
	if unit := p.unit(id); unit.Result != want {
		p.repo.t.Errorf("%s is %s (%s), not %s", id, unit.Result, unit.Reason, want)
	}
}
