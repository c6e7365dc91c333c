package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"github.com/strata-tf/strata/internal/pipeline"
)

// secrets reads the secrets that flags name, and returns what finds a secret:
// among these, else in its environment variable.
func (a *app) secrets(flags []string) (func(name string) (string, bool), error) {
	secrets := make(map[string]string)
	for _, flag := range flags {
		name, from, ok := strings.Cut(flag, "=")
		kind, place, ok2 := strings.Cut(from, ":")
		if !ok || !ok2 || name == "" || place == "" {
			return nil, fmt.Errorf("--secret %s: it is NAME=env:VARIABLE or NAME=file:PATH (never the value itself: other users of the machine could read it)", strings.SplitN(flag, "=", 2)[0])
		}
		value, err := a.secret(kind, place)
		if err != nil {
			return nil, fmt.Errorf("--secret %s: %w", name, err)
		}
		secrets[name] = value
		if kind == "env" {
			a.secretVariables = append(a.secretVariables, place)
		}
	}
	return func(name string) (string, bool) {
		if value, ok := secrets[name]; ok {
			return value, true
		}
		value := a.env(pipeline.SecretVariable(name))
		return value, value != ""
	}, nil
}

func (a *app) secret(kind, place string) (string, error) {
	switch kind {
	case "env":
		value, ok := a.getenv(place)
		if !ok || value == "" {
			return "", fmt.Errorf("the environment variable %s is not set", place)
		}
		return value, nil
	case "file":
		data, err := os.ReadFile(place)
		if err != nil {
			return "", err
		}
		return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
	}
	return "", fmt.Errorf("%q is neither env nor file", kind)
}

// asker asks a person at the terminal; nil where there is none.
func (a *app) asker() func(string) (string, bool) {
	if !term.IsTerminal(int(a.stdin.Fd())) || !term.IsTerminal(int(a.stderr.Fd())) {
		return nil
	}
	return func(question string) (string, bool) {
		fmt.Fprint(a.stderr, question)
		answers := make(chan string, 1)
		go func() {
			line, _ := bufio.NewReader(a.stdin).ReadString('\n')
			answers <- line
		}()
		select {
		case line := <-answers:
			return strings.TrimSpace(line), true
		case <-a.soft.Done():
			fmt.Fprintln(a.stderr)
			return "", false
		}
	}
}

// binaryPath makes a path given on the command line independent of the folder
// a step runs in; a bare name is looked for on PATH.
func binaryPath(binary string) (string, error) {
	if !strings.ContainsAny(binary, `/\`) {
		return binary, nil
	}
	return filepath.Abs(binary)
}
