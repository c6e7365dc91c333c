//go:build !unix

package benchmarks

import "os"

// peakMiB cannot be told here.
func peakMiB(*os.ProcessState) float64 { return 0 }

// cpuSeconds cannot be told here.
func cpuSeconds() float64 { return 0 }
