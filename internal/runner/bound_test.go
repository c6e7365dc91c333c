//go:build unix

package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// bareStep is a bare step that runs one of the helper's programs.
func bareStep(name string, args ...string) Step {
	step := selfStep(name, args...)
	step.Bare = true
	return step
}

// ended is what Run has returned, and when.
type ended struct {
	result Result
	err    error
	at     time.Time
}

// runAside runs a step beside the test.
func runAside(ctx context.Context, w Workspace, step Step) <-chan ended {
	done := make(chan ended, 1)
	go func() {
		result, err := w.Run(ctx, step)
		done <- ended{result, err, time.Now()}
	}()
	return done
}

// awaitRun waits for a step that must end by now.
func awaitRun(t *testing.T, done <-chan ended) ended {
	t.Helper()
	select {
	case e := <-done:
		return e
	case <-time.After(10 * time.Second):
		t.Fatal("the step did not end")
		return ended{}
	}
}

// TestRunBareInterrupted: one interrupt reaches the tool, which has time to end.
func TestRunBareInterrupted(t *testing.T) {
	w, root := newTestWorkspace(t)
	ctx, cancel := context.WithCancel(t.Context())
	result, err := interrupted(t, w, root, ctx, cancel, func(s *Step) { s.Bare = true })
	if !errors.Is(err, context.Canceled) || err.Error() != "helper: interrupted: context canceled" {
		t.Errorf("error %v", err)
	}
	if got := string(result.Stdout); got != "interrupts: 1\n" {
		t.Errorf("the tool says %q", got)
	}
}

// TestRunBareKilled: a bare step that no interrupt ends is killed, not before its
// time.
func TestRunBareKilled(t *testing.T) {
	w, root := newTestWorkspace(t)
	const patience = 300 * time.Millisecond
	w.(*hostWorkspace).host.patience = patience
	ready := filepath.Join(root, "ready")
	ctx, cancel := context.WithCancel(t.Context())
	done := runAside(ctx, w, bareStep("signals", ready, "stay"))
	if !awaitFile(ready) {
		t.Fatal("it did not start")
	}
	asked := time.Now()
	cancel()
	e := awaitRun(t, done)
	if !errors.Is(e.err, context.Canceled) || e.err.Error() != "helper: interrupted: context canceled" || e.result.ExitCode != -1 {
		t.Errorf("exit code %d, error %v", e.result.ExitCode, e.err)
	}
	if waited := e.at.Sub(asked); waited < patience {
		t.Errorf("killed after %s", waited)
	}
}

func TestPatience(t *testing.T) {
	h, _ := newTestHost(t)
	if h.patience != 5*time.Second {
		t.Errorf("what ignores an interrupt is killed after %s", h.patience)
	}
}

// TestRunBareChildren: what a bare step has started itself ends with it, however
// it ends.
func TestRunBareChildren(t *testing.T) {
	for name, test := range map[string]struct {
		how    string
		cancel bool
	}{
		"interrupted":     {"interrupt", true},
		"killed":          {"never", true},
		"ended by itself": {"leave", false},
	} {
		t.Run(name, func(t *testing.T) {
			w, root := newTestWorkspace(t)
			w.(*hostWorkspace).host.patience = 300 * time.Millisecond
			started := filepath.Join(root, "started")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := runAside(ctx, w, bareStep("child", started, test.how))
			if !awaitFile(started) {
				t.Fatal("it did not start")
			}
			text, err := os.ReadFile(started)
			if err != nil {
				t.Fatal(err)
			}
			if test.cancel {
				cancel()
			}
			if e := awaitRun(t, done); errors.Is(e.err, context.Canceled) != test.cancel || !test.cancel && e.err != nil {
				t.Errorf("error %v", e.err)
			}
			if child := number(t, string(text)); !gone(child) {
				_ = syscall.Kill(child, syscall.SIGKILL)
				t.Error("its child runs on")
			}
		})
	}
}

// TestRunBareEndsWithStrata: when Strata is killed, so is a bare step, although it
// ignores other signals.
func TestRunBareEndsWithStrata(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends a process because its parent was killed")
	}
	private(t)
	root := t.TempDir()
	marker := filepath.Join(root, "finished")
	parent := start(t, "bare-parent", root, filepath.Join(root, "killed"), marker)
	pid := startedPID(t, marker)
	parent.kill(t)
	if !gone(pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		t.Error("the step runs on")
	}
}

// TestRunBareThreads: threads of Strata come and go; a bare step stays.
func TestRunBareThreads(t *testing.T) {
	w, root := newTestWorkspace(t)
	seen := filepath.Join(root, "seen")
	for range 20 {
		_ = os.Remove(seen)
		step := bareStep("lines", seen)
		begun := make(chan struct{}, 8)
		step.Lines = func([]byte) { begun <- struct{}{} }
		done := runAside(t.Context(), w, step)
		<-begun
		for range 50 {
			left := make(chan struct{})
			go func() {
				runtime.LockOSThread() // and never unlocked: the thread ends
				close(left)
			}()
			<-left
		}
		writeFile(t, seen, "")
		if e := awaitRun(t, done); e.err != nil {
			t.Fatalf("error %v", e.err)
		}
	}
}
