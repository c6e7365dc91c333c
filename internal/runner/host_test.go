package runner

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRunExitCodes(t *testing.T) {
	w, _ := newTestWorkspace(t)
	for _, test := range []struct {
		name string
		code string
		ok   []int
		fail bool
	}{
		{name: "done", code: "0"},
		{name: "failed", code: "1", fail: true},
		{name: "a result", code: "2", ok: []int{2}},
		{name: "another than the results", code: "3", ok: []int{1, 2}, fail: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			step := selfStep("exit", test.code)
			step.OKCodes = test.ok
			result, err := w.Run(t.Context(), step)
			if want := int(test.code[0] - '0'); result.ExitCode != want {
				t.Errorf("exit code %d, want %d", result.ExitCode, want)
			}
			if string(result.Stdout) != "out" || string(result.Stderr) != "why" || result.Duration <= 0 {
				t.Errorf("result %q %q %s", result.Stdout, result.Stderr, result.Duration)
			}
			var exit *ExitError
			if test.fail != errors.As(err, &exit) || !test.fail && err != nil {
				t.Fatalf("error %v", err)
			}
			if test.fail {
				want := &ExitError{Tool: "helper", Args: []string{"exit", test.code}, ExitCode: result.ExitCode, Stderr: "why"}
				if diff := cmp.Diff(want, exit); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				if got, want := err.Error(), "helper exit: exit code "+test.code+": why"; got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		})
	}
}

func TestRunKeep(t *testing.T) {
	w, _ := newTestWorkspace(t)
	step := selfStep("print", "text")
	step.Keep = false
	if result, err := w.Run(t.Context(), step); err != nil || result.Stdout != nil {
		t.Errorf("kept %q, %v", result.Stdout, err)
	}
	step.Keep = true
	for range 2 { // the second run starts with empty files
		if result, err := w.Run(t.Context(), step); err != nil || string(result.Stdout) != "text" {
			t.Errorf("kept %q, %v", result.Stdout, err)
		}
	}
	var lines []string
	step.Lines = func(line []byte) { lines = append(lines, string(line)) }
	if result, err := w.Run(t.Context(), step); err != nil || string(result.Stdout) != "text" || !cmp.Equal(lines, []string{"text"}) {
		t.Errorf("kept %q, lines %q, %v", result.Stdout, lines, err)
	}
}

func TestRunLines(t *testing.T) {
	w, _ := newTestWorkspace(t)
	long := strings.Repeat("0123456789", 500_000) // 5 MB
	for name, test := range map[string]struct {
		args []string
		want []string
	}{
		"none":                    {[]string{"print", ""}, nil},
		"whole lines":             {[]string{"print", "a\nb\n"}, []string{"a", "b"}},
		"the last one has no end": {[]string{"print", "a\nb"}, []string{"a", "b"}},
		"empty lines":             {[]string{"print", "\n\na\n\n"}, []string{"", "", "a", ""}},
		"CRLF":                    {[]string{"print", "a\r\nb\rc\r\nd\r"}, []string{"a", "b\rc", "d"}},
		"binary":                  {[]string{"print", "\xff\xfe\x01\n\x80"}, []string{"\xff\xfe\x01", "\x80"}},
		"a very long one":         {[]string{"repeat", "0123456789", "500000"}, []string{long}},
		"very many":               {[]string{"repeat", "x\n", "100000"}, strings.Split(strings.Repeat("x ", 100_000), " ")[:100_000]},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			step := selfStep(test.args[0], test.args[1:]...)
			step.Keep, step.Lines = false, func(line []byte) { got = append(got, string(line)) }
			if _, err := w.Run(t.Context(), step); err != nil {
				t.Fatal(err)
			}
			if len(got) != len(test.want) {
				t.Fatalf("%d lines, want %d", len(got), len(test.want))
			}
			for i := range got {
				if got[i] != test.want[i] {
					t.Fatalf("line %d: %.80q, want %.80q", i, got[i], test.want[i])
				}
			}
		})
	}
}

// TestRunFollows: lines are handed on while the step runs, and only whole.
func TestRunFollows(t *testing.T) {
	w, root := newTestWorkspace(t)
	seen := filepath.Join(root, "seen")
	var got []string
	step := selfStep("lines", seen)
	step.Lines = func(line []byte) {
		got = append(got, string(line))
		if len(got) == 1 {
			writeFile(t, seen, "")
		}
	}
	if _, err := w.Run(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	if want := []string{"first", "second", "last"}; !cmp.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRunStderrTail: a log that was cut has exactly the length that is kept; a
// message holds less of it.
func TestRunStderrTail(t *testing.T) {
	w, _ := newTestWorkspace(t)
	for name, test := range map[string]struct {
		text      string
		times     int
		kept      int // of standard error, in bytes
		said      int // in the error
		saidStart string
	}{
		"short":                   {"abcdefg\n", 100, 799, 799, "abcdefg\nabc"},
		"as long as a message":    {"abcdefgh", saidKept / 8, saidKept, saidKept, "abcdefgh"},
		"longer than a message":   {"abcdefgh", saidKept, 8 * saidKept, saidKept, "abcdefgh"},
		"just kept":               {"abcdefg\n", StderrKept / 8, StderrKept - 1, saidKept - 1, "abcdefg\nabc"},
		"cut":                     {"abcdefgh", StderrKept, StderrKept, saidKept, "abcdefgh"},
		"cut, with ends of lines": {"abcdefg\n", StderrKept, StderrKept, saidKept - 1, "abcdefg\nabc"},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := w.Run(t.Context(), selfStep("repeat", test.text, strconv.Itoa(test.times), "1"))
			var exit *ExitError
			if !errors.As(err, &exit) {
				t.Fatalf("error %v", err)
			}
			if len(result.Stdout) != len(test.text)*test.times {
				t.Errorf("standard output: %d bytes", len(result.Stdout))
			}
			if len(result.Stderr) != test.kept || !bytes.HasSuffix(bytes.TrimSpace(result.Stderr), []byte("abcdefg")) && !bytes.HasSuffix(result.Stderr, []byte("abcdefgh")) {
				t.Errorf("standard error: %d bytes, the last %q", len(result.Stderr), result.Stderr[len(result.Stderr)-8:])
			}
			if len(exit.Stderr) != test.said || !strings.HasPrefix(exit.Stderr, test.saidStart) {
				t.Errorf("the error holds %d bytes, the first %.12q", len(exit.Stderr), exit.Stderr)
			}
		})
	}
}

func TestRunEnvironment(t *testing.T) {
	w, _ := newTestWorkspace(t, "STRATA_TEST_A=inherited", "STRATA_TEST_B=inherited")
	step := selfStep("env", "STRATA_TEST_A", "STRATA_TEST_B", "STRATA_TEST_C", "TF_PLUGIN_CACHE_DIR")
	step.Env["STRATA_TEST_B"], step.Env["STRATA_TEST_C"] = "step's", "a=b c"
	result, err := w.Run(t.Context(), step)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(result.Stdout), "STRATA_TEST_A=inherited\nSTRATA_TEST_B=step's\nSTRATA_TEST_C=a=b c\nTF_PLUGIN_CACHE_DIR=\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestRunBinary: a path is relative to the repository's root, wherever the step
// runs.
func TestRunBinary(t *testing.T) {
	w, root := newTestWorkspace(t)
	unit := filepath.Join(root, "a b", "unit")
	if err := errors.Join(os.MkdirAll(unit, 0o755), os.Mkdir(filepath.Join(root, "bin"), 0o755)); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(root, "bin", "tool")); err != nil {
		t.Skip(err)
	}
	step := selfStep("cwd")
	step.Dir = "a b/unit"
	for _, binary := range []string{"bin/tool", "./bin/tool", self} {
		step.Tool.Binary = binary
		result, err := w.Run(t.Context(), step)
		if err != nil {
			t.Errorf("%s: %v", binary, err)
		}
		want, _ := filepath.EvalSymlinks(unit)
		if got, _ := filepath.EvalSymlinks(string(result.Stdout)); got != want {
			t.Errorf("%s ran in %q, want %q", binary, got, want)
		}
	}
}

func TestRunNotFound(t *testing.T) {
	w, root := newTestWorkspace(t)
	writeFile(t, filepath.Join(root, "not-executable"), "")
	for _, test := range []struct{ binary, want string }{
		{"strata-test-none", `terraform: "strata-test-none" is not on PATH: install it, or say where it is`},
		{"bin/none", "terraform: there is no program bin/none"},
		{"/none/terraform", "terraform: there is no program /none/terraform"},
	} {
		_, err := w.Run(t.Context(), Step{Tool: Tool{Name: "terraform", Binary: test.binary}})
		var missing *NotFoundError
		if !errors.As(err, &missing) || err.Error() != test.want {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
	_, err := w.Run(t.Context(), Step{Tool: Tool{Name: "terraform", Binary: "./not-executable"}})
	var missing *NotFoundError
	if err == nil || errors.As(err, &missing) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a program that is none: %v", err)
	}
	step := selfStep("cwd")
	step.Dir = "none"
	if _, err := w.Run(t.Context(), step); err == nil || errors.As(err, &missing) || !strings.Contains(err.Error(), "none") {
		t.Errorf("a folder that is none: %v", err)
	}
}

func TestRunKilled(t *testing.T) {
	w, _ := newTestWorkspace(t)
	result, err := w.Run(t.Context(), selfStep("die"))
	var exit *ExitError
	if !errors.As(err, &exit) || result.ExitCode == 0 {
		t.Fatalf("exit code %d, %v", result.ExitCode, err)
	}
	if !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("it does not say that it was killed: %v", err)
	}
}

func TestRunStdio(t *testing.T) {
	w, _ := newTestWorkspace(t)
	var out, errs bytes.Buffer
	step := selfStep("copy")
	step.Stdio = &Stdio{In: strings.NewReader("typed"), Out: &out, Err: &errs}
	if _, err := w.Run(t.Context(), step); err != nil || out.String() != "typed" {
		t.Errorf("got %q, %v", out.String(), err)
	}
	step = selfStep("exit", "4")
	step.Stdio = &Stdio{Out: &out, Err: &errs}
	result, err := w.Run(t.Context(), step)
	var exit *ExitError
	if !errors.As(err, &exit) || result.ExitCode != 4 || strings.TrimSpace(errs.String()) != "why" {
		t.Errorf("exit code %d, %q, %v", result.ExitCode, errs.String(), err)
	}
}

func TestRunNotStarted(t *testing.T) {
	w, _ := newTestWorkspace(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.Run(ctx, selfStep("print", "x"))
	if !errors.Is(err, context.Canceled) || err.Error() != "helper: not started: context canceled" {
		t.Errorf("%v", err)
	}
}

func TestSourceFiles(t *testing.T) {
	w, root := newTestWorkspace(t)
	ctx := t.Context()
	const name = "new/folder/file"
	if w.Exists(ctx, name) {
		t.Error("it exists already")
	}
	if _, err := w.ReadSource(ctx, name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read before it was written: %v", err)
	}
	for _, content := range []string{"one", "two"} {
		if err := w.WriteSource(ctx, name, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := w.ReadSource(ctx, name); err != nil || string(got) != content {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if !w.Exists(ctx, name) || !w.Exists(ctx, "new/folder") {
		t.Error("it does not exist")
	}
	if got, want := w.SourcePath(name), filepath.Join(root, "new", "folder", "file"); got != want {
		t.Errorf("path %q, want %q", got, want)
	}
	abs := filepath.Join(root, "x")
	if got := w.SourcePath(abs); got != abs {
		t.Errorf("an absolute path becomes %q", got)
	}
	for range 2 {
		if err := w.RemoveSource(ctx, name); err != nil {
			t.Errorf("remove: %v", err)
		}
	}
	if w.Exists(ctx, name) {
		t.Error("it exists still")
	}
	// A folder is in the way: nothing is left beside it.
	if err := w.WriteSource(ctx, "new/folder", []byte("x")); err == nil {
		t.Error("a folder was written over")
	}
	if entries, err := os.ReadDir(filepath.Join(root, "new")); err != nil || len(entries) != 1 {
		t.Errorf("left over: %v, %v", entries, err)
	}
}

func TestPrivateFiles(t *testing.T) {
	h, _ := newTestHost(t)
	w, err := h.Open(t.Context(), Spec{ID: "u"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := h.Open(t.Context(), Spec{ID: "v"})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := w.WriteFile(t.Context(), "values.tfvars.json", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	path := w.Path("values.tfvars.json")
	for name, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700, h.scratch.dir: 0o700} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
	if got, err := w.ReadFile(t.Context(), "values.tfvars.json"); err != nil || string(got) != "secret" {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := w.ReadFile(t.Context(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read what is not there: %v", err)
	}
	if other.Path("values.tfvars.json") == path {
		t.Error("two workspaces share their files")
	}
	if strings.HasPrefix(path, h.root) {
		t.Errorf("%s is in the repository", path)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder outlives its workspace: %v", err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(h.scratch.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder outlives its runner: %v", err)
	}
}

func TestCheck(t *testing.T) {
	h, root := newTestHost(t)
	if err := h.Check("."); err != nil {
		t.Errorf("the root: %v", err)
	}
	if err := h.Check("none/there"); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "none/there: cannot be written to: ") {
		t.Errorf("no folder: %v", err)
	}
	if err := os.Mkdir(filepath.Join(root, "locked"), 0o500); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		t.Skip("for root every folder can be written to")
	}
	if err := h.Check("locked"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a read-only folder: %v", err)
	}
}
