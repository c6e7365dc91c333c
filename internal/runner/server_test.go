//go:build unix

package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// with are arguments that need no address.
func with(args ...string) func(string) []string { return func(string) []string { return args } }

// ask waits for a server's answer.
func ask(t *testing.T, address, path string) string {
	t.Helper()
	socket, ok := strings.CutPrefix(address, "unix://")
	if !ok {
		t.Fatalf("the address is %s", address)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	var last error
	for range 2000 {
		response, err := client.Get("http://server" + path)
		if err == nil {
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			return string(body)
		}
		last = err
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("no answer at %s: %v", address, last)
	return ""
}

// alive says whether there is such a process.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func startServer(t *testing.T, ctx context.Context, w Workspace, args func(string) []string) Server {
	t.Helper()
	s, err := w.Serve(ctx, selfStep(""), args)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// awaitEnd waits for a server that ends by itself.
func awaitEnd(t *testing.T, s Server) {
	t.Helper()
	select {
	case <-s.Ended():
	case <-time.After(10 * time.Second):
		t.Fatal("it did not end")
	}
}

func TestServe(t *testing.T) {
	w, root := newTestWorkspace(t)
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	one, other := startServer(t, ctx, w, serveArgs("serve")), startServer(t, ctx, w, serveArgs("serve"))
	cancel() // means nothing to a server that has started
	pids := make(map[int]bool)
	for _, s := range []Server{one, other} {
		socket := strings.TrimPrefix(s.Address(), "unix://")
		if filepath.Dir(socket) != filepath.Dir(w.Path("x")) {
			t.Errorf("%s is not in the workspace's folder", socket)
		}
		pid := number(t, ask(t, s.Address(), "/"))
		pids[pid] = true
		if group, err := syscall.Getpgid(pid); err != nil || group != pid {
			t.Errorf("the group of process %d is %d, %v", pid, group, err)
		}
		if _, err := w.Run(t.Context(), selfStep("print", "x")); err != nil {
			t.Errorf("a step beside it: %v", err)
		}
		for range 2 {
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		if alive(pid) {
			t.Error("it runs after it was closed")
		}
		if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is left: %v", err)
		}
		if closed(s.Ended()) || s.Err() != nil {
			t.Errorf("closed, it counts as ended by itself: %v", s.Err())
		}
	}
	if len(pids) != 2 {
		t.Errorf("processes %v", pids)
	}
	for range 200 {
		if runtime.NumGoroutine() <= before {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) > 0 {
		t.Errorf("left in the repository: %v, %v", entries, err)
	}
}

// TestServeElsewhere: a path that is too long for a socket, or that cannot stand
// in an address, is not taken for one.
func TestServeElsewhere(t *testing.T) {
	for _, name := range []string{strings.Repeat("long", 25), "a%b", "a?b", "a#b"} {
		private(t)
		tmp := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(tmp, 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("TMPDIR", tmp)
		h, err := NewHost(HostOptions{Root: t.TempDir(), Environ: os.Environ()})
		if err != nil {
			t.Fatal(err)
		}
		w, err := h.Open(t.Context(), Spec{ID: "u"})
		if err != nil {
			t.Fatal(err)
		}
		s := startServer(t, t.Context(), w, serveArgs("serve"))
		ask(t, s.Address(), "/")
		dir := filepath.Dir(strings.TrimPrefix(s.Address(), "unix://"))
		if strings.HasPrefix(dir, tmp) {
			t.Errorf("%s is in %s", s.Address(), tmp)
		}
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info, err)
		}
		if err := errors.Join(s.Close(), w.Close(), h.Close()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", dir, err)
		}
		if entries, err := os.ReadDir(tmp); err != nil || len(entries) > 0 {
			t.Errorf("left: %v, %v", entries, err)
		}
	}
}

func TestUsableSocket(t *testing.T) {
	for path, want := range map[string]bool{
		"/tmp/strata-run-1/unit-2/1.sock": true, "/tmp/a b/1.sock": true, "C:/Users/John Doe/1.sock": true,
		"/" + strings.Repeat("x", 102): true, "/" + strings.Repeat("x", 103): false,
		"/tmp/a%b": false, "/tmp/a%20b": false, "/tmp/a?b": false, "/tmp/a#b": false,
	} {
		if got := usableSocket(path); got != want {
			t.Errorf("%s: %t", path, got)
		}
	}
}

func TestServeEnded(t *testing.T) {
	w, _ := newTestWorkspace(t)
	long := strings.Repeat("abcdefgh", 100_000)
	for name, test := range map[string]struct {
		args []string
		want ExitError
		text string
	}{
		"failed": {
			[]string{"exit", "3"}, ExitError{Tool: "helper", Args: []string{"exit", "3"}, ExitCode: 3, Stderr: "why"},
			"helper exit: exit code 3: why",
		},
		"nothing on standard error": {
			[]string{"print", "bye\n"}, ExitError{Tool: "helper", Args: []string{"print", "bye\n"}, Stderr: "bye"},
			"helper print: exit code 0: bye",
		},
		"much": {
			[]string{"repeat", "abcdefgh", "100000"}, ExitError{Tool: "helper", Args: []string{"repeat", "abcdefgh", "100000"}, Stderr: long[:saidKept]},
			"helper repeat: exit code 0: " + long[:saidKept],
		},
		"killed": {
			[]string{"die"}, ExitError{Tool: "helper", Args: []string{"die"}, ExitCode: -1},
			"helper die: exit code -1 (signal: killed)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, t.Context(), w, with(test.args...))
			awaitEnd(t, s)
			var got *ExitError
			if !errors.As(s.Err(), &got) {
				t.Fatalf("error %v", s.Err())
			}
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if s.Err().Error() != test.text {
				t.Errorf("got %.200q, want %.200q", s.Err(), test.text)
			}
			if err := s.Close(); err != nil || s.Err() == nil {
				t.Errorf("closed: %v, then %v", err, s.Err())
			}
		})
	}
}

func TestServeNotStarted(t *testing.T) {
	w, root := newTestWorkspace(t)
	writeFile(t, filepath.Join(root, "not-executable"), "")
	_, err := w.Serve(t.Context(), Step{Tool: Tool{Name: "opa", Binary: "strata-test-none"}}, with())
	var missing *NotFoundError
	if !errors.As(err, &missing) {
		t.Errorf("a program that is not there: %v", err)
	}
	if _, err := w.Serve(t.Context(), Step{Tool: Tool{Name: "opa", Binary: "./not-executable"}}, with()); !errors.Is(err, os.ErrPermission) {
		t.Errorf("a program that is none: %v", err)
	}
	step := selfStep("")
	step.Dir = "none"
	if _, err := w.Serve(t.Context(), step, with("print")); !errors.Is(err, os.ErrNotExist) || errors.As(err, &missing) {
		t.Errorf("a folder that is none: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Serve(ctx, selfStep(""), with("print")); !errors.Is(err, context.Canceled) || err.Error() != "helper: not started: context canceled" {
		t.Errorf("cancelled before: %v", err)
	}
}

// TestServeCloseOnce: however many close it, one interrupt reaches the server,
// and each waits for its end.
func TestServeCloseOnce(t *testing.T) {
	w, root := newTestWorkspace(t)
	ready := filepath.Join(root, "ready")
	s := startServer(t, t.Context(), w, with("signals", ready))
	if !awaitFile(ready) {
		t.Fatal("it did not start")
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if got, err := os.ReadFile(s.(*hostServer).stdout); err != nil || string(got) != "interrupts: 1\n" {
				t.Errorf("the server says %q, %v", got, err)
			}
		})
	}
	group.Wait()
}

// TestServeKilled: a server that no interrupt ends is killed.
func TestServeKilled(t *testing.T) {
	w, root := newTestWorkspace(t)
	ready := filepath.Join(root, "ready")
	w.(*hostWorkspace).host.patience = 50 * time.Millisecond
	s := startServer(t, t.Context(), w, with("signals", ready, "stay")).(*hostServer)
	if !awaitFile(ready) {
		t.Fatal("it did not start")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if pid := s.bound.cmd.Process.Pid; alive(pid) || closed(s.Ended()) {
		t.Errorf("alive %t, counts as ended by itself %t", alive(pid), closed(s.Ended()))
	}
}

// TestServeWrapped: what a server has started itself ends with it, although the
// interrupt has ended only the first process.
func TestServeWrapped(t *testing.T) {
	w, root := newTestWorkspace(t)
	started := filepath.Join(root, "started")
	s := startServer(t, t.Context(), w, with("child", started, "interrupt"))
	if !awaitFile(started) {
		t.Fatal("it did not start")
	}
	text, err := os.ReadFile(started)
	if err != nil {
		t.Fatal(err)
	}
	child := number(t, string(text))
	if !alive(child) {
		t.Fatal("it has no child")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if !gone(child) {
		t.Error("its child runs on")
	}
}

// gone waits until a process that nobody asks for its end has ended.
func gone(pid int) bool {
	for range 1000 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if !alive(pid) || err == nil && strings.Contains(string(stat), ") Z ") {
			return true
		}
		time.Sleep(2 * time.Millisecond)
	}
	return false
}

// TestServeEndsWithStrata: when Strata is killed, so is its server.
func TestServeEndsWithStrata(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends a process because its parent was killed")
	}
	private(t)
	root := t.TempDir()
	marker := filepath.Join(root, "address")
	parent := start(t, "serving-parent", root, marker).held(t)
	address, err := os.ReadFile(marker)
	if err != nil {
		t.Fatal(err)
	}
	pid := number(t, ask(t, string(address), "/"))
	parent.kill(t)
	if !gone(pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		t.Error("the server runs on")
	}
}

func TestServeEnvironment(t *testing.T) {
	w, _ := newTestWorkspace(t, "STRATA_TEST_A=inherited", "AWS_SECRET_ACCESS_KEY=secret")
	step := selfStep("")
	step.Bare = true
	step.Env["STRATA_TEST_B"] = "step's"
	s, err := w.Serve(t.Context(), step, with("env", "STRATA_TEST_A", "STRATA_TEST_B", "AWS_SECRET_ACCESS_KEY"))
	if err != nil {
		t.Fatal(err)
	}
	awaitEnd(t, s)
	if want := "STRATA_TEST_A=\nSTRATA_TEST_B=step's\nAWS_SECRET_ACCESS_KEY=\n"; !strings.HasSuffix(s.Err().Error(), strings.TrimSpace(want)) {
		t.Errorf("got %v, want %s", s.Err(), want)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
