package runner

import (
	"errors"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// ownGroup gives cmd a process group of its own: a console's Ctrl-C reaches
// only Strata, which decides.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// interrupt asks a process to stop. Windows delivers Ctrl-Break, and not
// Ctrl-C, to a group of its own.
func interrupt(p *os.Process) {
	_ = windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(p.Pid))
}

// writable says why a folder cannot be written to.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".strata-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// interruptGroup asks a process that has a group of its own to stop, and all
// that it has started.
func interruptGroup(p *os.Process) { interrupt(p) }

// killGroup ends a process. What it has started is not known here.
func killGroup(p *os.Process) { _ = p.Kill() }
