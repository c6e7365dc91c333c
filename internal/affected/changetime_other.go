//go:build !linux && !darwin

package affected

import (
	"io/fs"
	"time"
)

// changeTime is unknown here.
func changeTime(fs.FileInfo) (time.Time, bool) { return time.Time{}, false }
