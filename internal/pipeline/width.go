package pipeline

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// planMemory is what a plan with a large provider takes, in bytes.
const planMemory = 700 << 20

// planWidth is how many plans run at once where nobody says: as many as there
// are processors, fewer where memory is short.
func planWidth() int {
	width := runtime.NumCPU()
	if free := availableMemory("/proc/meminfo"); free > 0 {
		width = min(width, int(free/planMemory))
	}
	return max(width, 1)
}

// availableMemory reads Linux's estimate of the memory that can be taken
// without swapping, in bytes; 0 where it is not told.
func availableMemory(meminfo string) int64 {
	f, err := os.Open(meminfo)
	if err != nil {
		return 0
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), "MemAvailable:")
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
		if err != nil {
			return 0
		}
		return kib << 10
	}
	return 0
}
