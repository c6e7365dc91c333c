//go:build !windows

package report

import "os"

// understandsEscapes tells whether a terminal obeys escape sequences.
func understandsEscapes(*os.File) bool { return true }
