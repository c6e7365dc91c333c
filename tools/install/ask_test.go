package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// script writes a shell script as the command of that name.
func script(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestFirstVersion(t *testing.T) {
	for text, want := range map[string]string{
		"Version: 1.22.2\nGo Version: go1.26.8\n":            "1.22.2",
		"terraform_compliance v1.16.0 initiated\n\n1.16.0\n": "1.16.0",
		"v1.28.14":              "1.28.14",
		"Version: 1.22.2-dev\n": "1.22.2-dev",
		"You are running a locally built version of tfsec.\n": "",
	} {
		if got := firstVersion(text); got != want {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestInterpreter(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"#!/x/venv/bin/python3\nimport re\n":  "/x/venv/bin/python3",
		"#!/x/bin/python3.11\r\n":             "/x/bin/python3.11",
		"#!/bin/sh\nexec python3\n":           "",
		"#!/usr/bin/env python3\n":            "",
		"#!/bin/sh\n'''exec' /x/bin/python\n": "",
		"#!python3\n":                         "",
		"\x7fELF\x02":                         "",
		"":                                    "",
	} {
		file := filepath.Join(dir, "script")
		script(t, file, text)
		if got := interpreter(file); got != want {
			t.Errorf("%q: got %q", text, got)
		}
	}
	if got := interpreter(filepath.Join(dir, "none")); got != "" {
		t.Errorf("no file: got %q", got)
	}
}

func TestOnPath(t *testing.T) {
	dir := t.TempDir()
	s := shelf{filepath.Join(dir, "shelf")}
	elsewhere, lies := filepath.Join(dir, "bin"), filepath.Join(s.dir, "a", "bin")
	script(t, filepath.Join(elsewhere, "a"), "#!/bin/sh\n[ \"$1\" = version ] && echo 'a v1.2.3 is here'\n")
	script(t, filepath.Join(lies, "a"), "#!/bin/sh\necho 1.2.3\n")
	for name, tc := range map[string]struct {
		path string
		pin  pin
		want string
	}{
		"the pinned version": {elsewhere, pin{name: "a", version: "1.2.3", asked: []string{"version"}}, filepath.Join(elsewhere, "a")},
		"another version":    {elsewhere, pin{name: "a", version: "1.2.4", asked: []string{"version"}}, ""},
		"a failing one":      {elsewhere, pin{name: "a", version: "1.2.3", asked: []string{"other"}}, ""},
		"none":               {elsewhere, pin{name: "b", version: "1.2.3"}, ""},
		"one on the shelf":   {lies, pin{name: "a", version: "1.2.3"}, ""},
	} {
		t.Setenv("PATH", tc.path)
		if got := onPath(context.Background(), s, tc.pin); got != tc.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// TestAskPackage asks the Python that a script begins with, not the script.
func TestAskPackage(t *testing.T) {
	dir := t.TempDir()
	python := filepath.Join(dir, "python3")
	script(t, python, "#!/bin/sh\n[ \"$3\" = a ] && echo 1.2.3\n")
	command := filepath.Join(dir, "a")
	script(t, command, "#!"+python+"\n")
	for _, p := range []pin{{name: "a", python: true}, {name: "b", python: true}} {
		got, err := versionOf(context.Background(), p, command)
		if want := map[string]string{"a": "1.2.3"}[p.name]; got != want || (err != nil) != (want == "") {
			t.Errorf("%s: got %q, %v", p.name, got, err)
		}
	}
}
