package policy

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata anew")

// library is the folder of policies that others can use too.
const library = "../../testdata/policies"

// opa is the program, or skips the test.
func opa(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("STRATA_OPA"); path != "" {
		return path
	}
	path, err := exec.LookPath("opa")
	if err != nil {
		t.Skip("needs opa on PATH, or in STRATA_OPA: " + Install())
	}
	return path
}

// ran is what a command left.
type ran struct {
	code           int
	stdout, stderr []byte
}

// run runs OPA in a folder.
func run(t testing.TB, dir string, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(opa(t), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return ran{cmd.ProcessState.ExitCode(), stdout.Bytes(), stderr.Bytes()}
}

// parse reads the policies of a folder, their files named relative to it.
func parse(t testing.TB, l Language, dir string) []Module {
	t.Helper()
	var modules []Module
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".rego" {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		out := run(t, dir, ParseArgs(l, name)...)
		if out.code != 0 {
			t.Fatalf("parse %s: %s%s", name, out.stdout, out.stderr)
		}
		m, err := ReadModule(filepath.ToSlash(name), out.stdout)
		modules = append(modules, m)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return modules
}

// policies writes files into a folder of their own.
func policies(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// server is a running OPA.
type server struct {
	*Client
	pid    int
	stderr *bytes.Buffer
	stop   func()
}

// serve starts OPA with the policies, on a socket.
func serve(t testing.TB, l Language, paths ...string) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "opa") // a short name: sockets may not have long ones
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	address := "unix://" + filepath.Join(dir, "s")
	var stderr bytes.Buffer
	cmd := exec.Command(opa(t), ServeArgs(Serve{Address: address, Language: l, Paths: paths})...)
	cmd.Stdout, cmd.Stderr = &stderr, &stderr
	cmd.Env = os.Environ()
	for name, value := range ServeEnv() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // interrupted
		cancel()
		close(ended)
	}()
	s := &server{Client: NewClient(address), pid: cmd.Process.Pid, stderr: &stderr}
	s.stop = func() {
		s.Close()
		_ = cmd.Process.Signal(os.Interrupt) // unless it has ended
		<-ended
	}
	t.Cleanup(s.stop)
	if err := s.Ready(ctx); err != nil {
		s.stop()
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return s
}

func query(t testing.TB, text string) Query {
	t.Helper()
	q, err := ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// load asks the server for the queries.
func (s *server) load(t testing.TB, queries ...Query) {
	t.Helper()
	if missing, err := s.Load(t.Context(), queries...); err != nil || len(missing) > 0 {
		t.Fatalf("missing %v, %v", missing, err)
	}
}

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readPlan(t testing.TB, data []byte) *Plan {
	t.Helper()
	p, err := ReadPlan(data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// texts are the sorted texts of messages.
func texts(messages []Message) []string {
	all := []string{}
	for _, m := range messages {
		all = append(all, m.Text)
	}
	slices.Sort(all)
	return all
}
