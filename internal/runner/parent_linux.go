package runner

import (
	"os/exec"
	"syscall"
)

// endWithParent has the system end cmd when the thread that starts it ends:
// also when Strata is killed.
func endWithParent(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM }
