package runner

import (
	"os/exec"
	"syscall"
)

// endWithParent has the system kill cmd when the thread that starts it ends:
// also when Strata is killed. Nobody is left then who could kill one that
// ignores another signal.
func endWithParent(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL }
