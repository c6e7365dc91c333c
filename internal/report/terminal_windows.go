package report

import (
	"os"

	"golang.org/x/sys/windows"
)

// understandsEscapes makes a console obey escape sequences, and tells whether
// it does.
func understandsEscapes(f *os.File) bool {
	var mode uint32
	handle := windows.Handle(f.Fd())
	if err := windows.GetConsoleMode(handle, &mode); err != nil {
		return false
	}
	return windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
