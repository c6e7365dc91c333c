package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestWrapper runs a command in a folder with a space, which has been moved, and
// found on PATH.
func TestWrapper(t *testing.T) {
	dir := t.TempDir()
	before, after := filepath.Join(dir, "before"), filepath.Join(dir, "after it")
	script(t, filepath.Join(before, "bin", "a"), wrapper("a"))
	script(t, venvPython(before), "#!/bin/sh\nprintf '<%s>' \"${1##*/}\" \"$2\" \"$3\"\nexit 5\n")
	if err := os.Rename(before, after); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Join(after, "bin")+":"+os.Getenv("PATH"))
	out, err := exec.Command("a", "x y", "$z").Output()
	if got, want := string(out), "<a><x y><$z>"; got != want {
		t.Errorf("got %s, %v", got, err)
	}
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 5 {
		t.Errorf("the exit code is lost: %v", err)
	}
}
