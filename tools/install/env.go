package main

import (
	"os"
	"path/filepath"
	"strings"
)

// writeEnv writes the shell lines that make a tool the one that runs: nothing
// for a terraform that PATH finds by itself.
func writeEnv(file, bin string, t tool) error {
	name := strings.TrimSuffix(filepath.Base(t.path), ".exe")
	lines := "# Written by make tools.\n"
	if filepath.Dir(t.path) == bin {
		lines += "PATH=" + quote(bin) + ":$PATH\nexport PATH\n"
	}
	if os.Getenv("STRATA_BINARY") == "" && name != "terraform" {
		lines += "STRATA_BINARY=" + quote(name) + "\nexport STRATA_BINARY\n"
	}
	temp := file + ".new"
	if err := os.WriteFile(temp, []byte(lines), 0o644); err != nil {
		return err
	}
	return os.Rename(temp, file)
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
