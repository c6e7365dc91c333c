//go:build unix

package runner

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// interrupted runs a step whose context ends while it runs.
func interrupted(t *testing.T, w Workspace, root string, ctx context.Context, cancel func(), change func(*Step)) (Result, error) {
	t.Helper()
	ready := filepath.Join(root, "ready")
	step := selfStep("signals", ready)
	if change != nil {
		change(&step)
	}
	go func() {
		awaitFile(ready)
		cancel()
	}()
	return w.Run(ctx, step)
}

// TestRunInterrupted: one interrupt reaches the tool, and Run waits for its
// end.
func TestRunInterrupted(t *testing.T) {
	w, root := newTestWorkspace(t)
	ctx, cancel := context.WithCancel(t.Context())
	result, err := interrupted(t, w, root, ctx, cancel, nil)
	if !errors.Is(err, context.Canceled) || err.Error() != "helper: interrupted: context canceled" {
		t.Errorf("error %v", err)
	}
	if got := string(result.Stdout); got != "interrupts: 1\n" {
		t.Errorf("the tool says %q", got)
	}
}

func TestRunInterruptedStdio(t *testing.T) {
	w, root := newTestWorkspace(t)
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	_, err := interrupted(t, w, root, ctx, cancel, func(s *Step) { s.Stdio = &Stdio{Out: &out, Err: &out} })
	if !errors.Is(err, context.Canceled) || out.String() != "interrupts: 1\n" {
		t.Errorf("error %v, the tool says %q", err, out.String())
	}
}

// TestRunInterruptedCause: whoever asks for context.Canceled gets a yes,
// whatever cause was given besides.
func TestRunInterruptedCause(t *testing.T) {
	w, root := newTestWorkspace(t)
	cause := errors.New("the grace has ended")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := interrupted(t, w, root, ctx, func() { cancel(cause) }, nil)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
}

// TestRunInterruptedAfterEnd: a tool that has ended by itself was not
// interrupted.
func TestRunInterruptedAfterEnd(t *testing.T) {
	w, _ := newTestWorkspace(t)
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		step := selfStep("print", "done\n")
		result, err := w.Run(ctx, step)
		cancel()
		if err != nil || string(result.Stdout) != "done\n" {
			t.Errorf("%q, %v", result.Stdout, err)
		}
	}
}

// TestRunGroup: a terminal's Ctrl-C goes to a process group; the tool is in
// one of its own, unless a person works with it.
func TestRunGroup(t *testing.T) {
	w, root := newTestWorkspace(t)
	own, err := syscall.Getpgid(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for _, attached := range []bool{false, true} {
		dir := filepath.Join(root, strconv.FormatBool(attached))
		killed, marker := filepath.Join(dir, "go"), filepath.Join(dir, "done")
		writeFile(t, filepath.Join(dir, "x"), "")
		step := selfStep("outlive", killed, marker)
		if attached {
			step.Stdio = &Stdio{Out: new(bytes.Buffer), Err: new(bytes.Buffer)}
		}
		ended := make(chan error, 1)
		go func() { _, err := w.Run(t.Context(), step); ended <- err }()
		group, err := syscall.Getpgid(startedPID(t, marker))
		if err != nil {
			t.Fatal(err)
		}
		if shared := group == own; shared != attached {
			t.Errorf("attached %v: its group is %d, ours %d", attached, group, own)
		}
		writeFile(t, killed, "")
		if err := <-ended; err != nil {
			t.Errorf("attached %v: %v", attached, err)
		}
	}
}

// startedPID waits for the process number that the helper outlive writes.
func startedPID(t *testing.T, marker string) int {
	t.Helper()
	if !awaitFile(marker + ".started") {
		t.Fatal("it did not start")
	}
	for range 1000 {
		data, _ := os.ReadFile(marker + ".started")
		if pid, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil {
			return pid
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("it does not say its number")
	return 0
}

// TestRunOutlivesKill: when Strata is killed, the tool goes on, and what it
// prints into the void does not end it.
func TestRunOutlivesKill(t *testing.T) {
	private(t)
	root := t.TempDir()
	killed, marker := filepath.Join(root, "killed"), filepath.Join(root, "finished")
	parent := start(t, "parent", root, killed, marker)
	pid := startedPID(t, marker)
	parent.kill(t)
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the tool died with its parent: %v", err)
	}
	writeFile(t, killed, "")
	if !awaitFile(marker) {
		t.Error("the tool did not finish")
	}
}
