//go:build unix

package benchmarks

import (
	"os"
	"runtime"
	"syscall"
	"time"
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

// cpuSeconds is the processor time that this process and those that it has
// waited for have taken so far.
func cpuSeconds() float64 {
	var sum float64
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var used syscall.Rusage
		if err := syscall.Getrusage(who, &used); err != nil {
			return 0
		}
		sum += time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
	}
	return sum
}
