package affected

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime is when a file's content or attributes last changed: unlike the
// modification time nobody can set it.
func changeTime(info fs.FileInfo) (time.Time, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, false
	}
	return time.Unix(int64(stat.Ctimespec.Sec), int64(stat.Ctimespec.Nsec)), true
}
