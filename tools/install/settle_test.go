package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// fake is a pin whose command is a script that prints prints, and which counts
// how often it is made.
func fake(prints string, err error, made *int) pin {
	return pin{
		name: "fake-tool", version: "1.2.3", recipe: "r", asked: []string{"--version"},
		install: func(_ context.Context, dir string, log *os.File) error {
			*made++
			if _, errLog := log.WriteString("told\n"); errLog != nil {
				return errLog
			}
			bin := filepath.Join(dir, "bin")
			if errDir := os.MkdirAll(bin, 0o755); errDir != nil {
				return errDir
			}
			if errFile := os.WriteFile(filepath.Join(bin, "fake-tool"), []byte("#!/bin/sh\necho "+prints+"\n"), 0o755); errFile != nil {
				return errFile
			}
			return err
		},
	}
}

// files lists the shelf, slash paths from it, sorted.
func files(t *testing.T, s shelf) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(s.dir, path)
		found = append(found, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestSettle(t *testing.T) {
	whole := []string{"fake-tool/bin/fake-tool", "fake-tool/log", "fake-tool/recipe"}
	failed := []string{"missing/fake-tool", "missing/fake-tool.log"}
	type try struct {
		prints string
		err    error
		recipe string // "" for r
		again  bool
		made   int // how often in all, after it
		files  []string
	}
	broken := errors.New("broken")
	for name, tries := range map[string][]try{
		"made once": {
			{prints: "1.2.3", made: 1, files: whole},
			{prints: "1.2.3", made: 1, files: whole},
			{prints: "1.2.3", again: true, made: 1, files: whole},
		},
		"another recipe": {
			{prints: "1.2.3", made: 1, files: whole},
			{prints: "1.2.3", recipe: "s", made: 2, files: whole},
		},
		"half made is not taken": {
			{prints: "1.2.3", err: broken, made: 1, files: failed},
			{prints: "1.2.3", made: 1, files: failed},
			{prints: "1.2.3", again: true, made: 2, files: whole},
		},
		"a failure is of its recipe": {
			{prints: "1.2.3", err: broken, made: 1, files: failed},
			{prints: "1.2.3", recipe: "s", made: 2, files: whole},
		},
		"another version is not taken": {
			{prints: "1.2.4", made: 1, files: failed},
		},
		"what was there stays, unused": {
			{prints: "1.2.3", made: 1, files: whole},
			{prints: "1.2.3", err: broken, recipe: "s", made: 2, files: slices.Concat(whole, failed)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, made := shelf{t.TempDir()}, 0
			for i, try := range tries {
				p := fake(try.prints, try.err, &made)
				if try.recipe != "" {
					p.recipe = try.recipe
				}
				if err := settleAll(context.Background(), s, []pin{p}, try.again); err != nil {
					t.Fatal(err)
				}
				if made != try.made {
					t.Errorf("try %d: made %d times, not %d", i, made, try.made)
				}
				if got := files(t, s); !slices.Equal(got, try.files) {
					t.Errorf("try %d: the shelf has\n%q, not\n%q", i, got, try.files)
				}
				there := try.err == nil && slices.Equal(try.files, whole)
				if dirs := s.bins([]pin{p}); (len(dirs) == 1) != there {
					t.Errorf("try %d: for PATH are %q", i, dirs)
				}
			}
		})
	}
}

// TestSettleInterrupted leaves nothing, and remembers nothing.
func TestSettleInterrupted(t *testing.T) {
	s, made := shelf{t.TempDir()}, 0
	ctx, cancel := context.WithCancel(context.Background())
	p := fake("1.2.3", errors.New("killed"), &made)
	install := p.install
	p.install = func(ctx context.Context, dir string, log *os.File) error {
		cancel()
		return install(ctx, dir, log)
	}
	if err := settle(ctx, s, p, false); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := files(t, s); got != nil {
		t.Errorf("it leaves %q", got)
	}
}

// TestFindLostPython has a virtual environment whose Python is gone.
func TestFindLostPython(t *testing.T) {
	s, made := shelf{t.TempDir()}, 0
	p := fake("1.2.3", nil, &made)
	if err := settle(context.Background(), s, p, false); err != nil {
		t.Fatal(err)
	}
	p.python = true
	if got := s.find(p); got != "" {
		t.Errorf("without Python: got %s", got)
	}
	python := venvPython(filepath.Join(s.dir, p.name))
	target := filepath.Join(s.dir, "python3")
	script(t, target, "")
	if err := os.MkdirAll(filepath.Dir(python), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, python); err != nil {
		t.Fatal(err)
	}
	if got, want := s.find(p), filepath.Join(s.bin(p), p.name); got != want {
		t.Errorf("with Python: got %q", got)
	}
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	if got := s.find(p); got != "" {
		t.Errorf("with a Python that is gone: got %s", got)
	}
}

// TestPutSecond has two makers of one tool: the first one's stays.
func TestPutSecond(t *testing.T) {
	s := shelf{t.TempDir()}
	p := pin{name: "a", recipe: "r"}
	for _, maker := range []string{"first", "second"} {
		dir := filepath.Join(s.dir, maker)
		script(t, filepath.Join(dir, "bin", "a"), maker)
		if err := s.put(p, dir); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(s.find(p))
	if err != nil || string(got) != "first" {
		t.Errorf("got %q, %v", got, err)
	}
}
