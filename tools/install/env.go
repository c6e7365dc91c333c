package main

import (
	"os"
	"path/filepath"
	"strings"
)

// writeEnv writes the shell lines that make tools the ones that run: nothing for
// a terraform that PATH finds by itself. dirs are the folders of the pinned ones.
func writeEnv(file, bin string, t tool, dirs []string) error {
	name := strings.TrimSuffix(filepath.Base(t.path), ".exe")
	if filepath.Dir(t.path) == bin {
		dirs = append([]string{bin}, dirs...)
	}
	lines := "# Written by make tools.\n"
	if len(dirs) > 0 {
		lines += "PATH="
		for _, dir := range dirs {
			lines += quote(dir) + ":"
		}
		lines += "$PATH\nexport PATH\n"
	}
	if os.Getenv("STRATA_BINARY") == "" && name != "terraform" {
		lines += "STRATA_BINARY=" + quote(name) + "\nexport STRATA_BINARY\n"
	}
	return replace(file, lines)
}

// replace writes a file so that nobody reads a part of it.
func replace(file, text string) error {
	temp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.WriteString(text)
	if errClose := temp.Close(); err == nil {
		err = errClose
	}
	if err == nil {
		err = os.Chmod(temp.Name(), 0o644)
	}
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
