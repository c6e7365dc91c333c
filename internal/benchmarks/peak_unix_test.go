//go:build unix

package benchmarks

import (
	"os"
	"runtime"
	"syscall"
)

// peakMiB is the most memory that a process that has ended ever had.
func peakMiB(state *os.ProcessState) float64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	peak := float64(usage.Maxrss) / 1024
	if runtime.GOOS == "darwin" {
		peak /= 1024 // bytes there
	}
	return peak
}
