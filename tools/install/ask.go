package main

import (
	"bufio"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// onPath returns the path of a pin's command on PATH, "" if there is none in the
// pinned version. What lies on the shelf is not meant: it was looked at.
func onPath(ctx context.Context, s shelf, p pin) string {
	path, err := exec.LookPath(p.name)
	if err != nil || strings.HasPrefix(path, s.dir+string(filepath.Separator)) {
		return ""
	}
	version, err := versionOf(ctx, p, path)
	if err != nil || version != p.version {
		return ""
	}
	return path
}

// versionOf returns the version of a command. Python is asked for its package
// where that can be: checkov itself takes seconds to say it.
func versionOf(ctx context.Context, p pin, path string) (string, error) {
	if p.python {
		if python := interpreter(path); python != "" {
			const code = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
			out, err := exec.CommandContext(ctx, python, "-c", code, p.name).Output()
			if err == nil {
				return strings.TrimSpace(string(out)), nil
			}
		}
	}
	return ask(ctx, p, path)
}

// interpreter returns the Python that runs a script, "" if the script does not
// begin with its path.
func interpreter(script string) string {
	f, err := os.Open(script)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	line, _ := bufio.NewReader(f).ReadSlice('\n') // at most 4096 bytes
	path, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "#!")
	if !ok || !strings.HasPrefix(filepath.Base(path), "python") || !filepath.IsAbs(path) {
		return ""
	}
	return path
}

// ask runs a command for its version. One that was built by go install may not
// know it: then it stands beside its code.
func ask(ctx context.Context, p pin, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, p.asked...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", p.name, strings.Join(p.asked, " "), err)
	}
	if version := firstVersion(string(out)); version != "" {
		return version, nil
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s %s prints no version", p.name, strings.Join(p.asked, " "))
	}
	return strings.TrimPrefix(info.Main.Version, "v"), nil
}

// firstVersion returns the first version that a text has, "" if it has none.
func firstVersion(text string) string {
	return regexp.MustCompile(`\d+\.\d+\.\d+[0-9A-Za-z.+-]*`).FindString(text)
}
