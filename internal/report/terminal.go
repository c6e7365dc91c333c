package report

import (
	"os"

	"golang.org/x/term"
)

// Interactive tells whether a file is a terminal that a live display can be
// drawn on: not in CI, where a terminal may be pretended, and not on a dumb one.
func Interactive(f *os.File, getenv func(string) string) bool {
	return getenv("TERM") != "dumb" && getenv("CI") == "" && term.IsTerminal(int(f.Fd())) && understandsEscapes(f)
}

// Color tells whether what is written to a file may have colours. NO_COLOR
// forbids them, as https://no-color.org says: when it is not empty.
func Color(f *os.File, getenv func(string) string) bool {
	return getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd())) && understandsEscapes(f)
}

// Size is the width and height of the terminal that a file is, or zeros.
func Size(f *os.File) (width, height int) {
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, 0
	}
	return width, height
}
