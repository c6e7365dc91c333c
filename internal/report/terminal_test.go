package report

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFilesAreNoTerminals(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	none := func(string) string { return "" }
	if Interactive(f, none) || Color(f, none) {
		t.Error("a file is taken for a terminal")
	}
	if w, h := Size(f); w != 0 || h != 0 {
		t.Errorf("a file has the size %d×%d", w, h)
	}
}

func TestTheEnvironmentForbids(t *testing.T) {
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo terminal: %v", err)
	}
	defer f.Close()
	with := func(name, value string) func(string) string {
		return func(asked string) string {
			if asked == name {
				return value
			}
			return ""
		}
	}
	if !Interactive(f, with("", "")) || !Color(f, with("", "")) {
		t.Skip("the pseudo terminal is not taken for one here")
	}
	if Interactive(f, with("TERM", "dumb")) || Color(f, with("TERM", "dumb")) {
		t.Error("a dumb terminal is not left alone")
	}
	if Interactive(f, with("CI", "true")) {
		t.Error("a live display in CI")
	}
	if Color(f, with("NO_COLOR", "1")) || !Color(f, with("NO_COLOR", "")) {
		t.Error("NO_COLOR is not obeyed")
	}
}
