package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// installPython installs what a requirements file names into a virtual
// environment in dir, and writes the command that runs it.
func installPython(ctx context.Context, name, requirements, dir string, log *os.File) error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return errors.New("python3 is not on PATH")
	}
	venv := filepath.Join(dir, "venv")
	if err := runLogged(exec.CommandContext(ctx, python, "-m", "venv", venv), log, whyVenv); err != nil {
		return fmt.Errorf("python3 -m venv: %w", err)
	}
	pip := exec.CommandContext(ctx, venvPython(dir), "-m", "pip", "install",
		"--disable-pip-version-check", "--no-input", "--retries", "2", "--requirement", requirements)
	if err := runLogged(pip, log, whyPip); err != nil {
		return fmt.Errorf("pip install: %w", err)
	}
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(bin, name), []byte(wrapper(name)), 0o755)
}

func venvPython(dir string) string { return filepath.Join(dir, "venv", "bin", "python3") }

// wrapper is a command that runs the one of a virtual environment. The one there
// begins with the path of the Python that pip ran with, which is another after
// the folder was moved; and the folder it is in has other commands too.
func wrapper(name string) string {
	return `#!/bin/sh
venv="${0%/*}/../venv/bin"
exec "$venv/python3" "$venv/` + name + `" "$@"
`
}
