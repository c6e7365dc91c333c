//go:build unix

package runner

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownGroup gives cmd a process group of its own: a terminal's Ctrl-C reaches
// only Strata, which decides.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// interrupt asks a process to stop. One that has just ended needs no asking.
func interrupt(p *os.Process) { _ = p.Signal(os.Interrupt) }

// writable says why a folder cannot be written to.
func writable(dir string) error { return unix.Access(dir, unix.W_OK|unix.X_OK) }

// interruptGroup asks a process that has a group of its own to stop, and all
// that it has started.
func interruptGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGINT) }

// killGroup ends a process that has a group of its own, and all that it has
// started.
func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
