package runner

import (
	"context"
	"os/exec"
	"runtime"
	"time"
)

// patience is how long a process that may be cut off has to end after it was
// asked to.
const patience = 5 * time.Second

// bound is a process that may be cut off at any time: a server, or a bare step.
// Nothing that it has started outlives it, and it does not outlive Strata, where
// the system can see to that.
type bound struct {
	cmd      *exec.Cmd
	patience time.Duration
	gone     chan struct{} // closed when the process has ended
	err      error         // of its end; valid then
}

// beginBound starts cmd, which has a group of its own.
func beginBound(cmd *exec.Cmd, step Step, patience time.Duration) (*bound, error) {
	endWithParent(cmd)
	b := &bound{cmd: cmd, patience: patience, gone: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// Linux takes the end of the thread that started a process for the end of
		// its parent: this one stays as long as the process.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := begin(cmd, step)
		started <- err
		if err == nil {
			b.err = cmd.Wait()
			killGroup(cmd.Process) // what it has started itself
			close(b.gone)
		}
	}()
	return b, <-started
}

// waitOrStop waits for the process to end, and stops it when ctx ends first.
func (b *bound) waitOrStop(ctx context.Context) (stopped bool, err error) {
	select {
	case <-b.gone:
	case <-ctx.Done():
		stopped = b.stop()
	}
	return stopped, b.err
}

// stop interrupts the process once, with what it has started, kills it when it
// has not ended in time, and waits for its end. It says whether it was needed.
func (b *bound) stop() bool {
	select {
	case <-b.gone:
		return false
	default:
	}
	interruptGroup(b.cmd.Process)
	timer := time.NewTimer(b.patience)
	defer timer.Stop()
	select {
	case <-b.gone:
	case <-timer.C:
		killGroup(b.cmd.Process)
		<-b.gone
	}
	return true
}
