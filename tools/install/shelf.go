package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// shelf is the folder that tools are installed into. Each pin has there
//
//	NAME/bin/NAME      its command
//	NAME/recipe        what it was made from
//	NAME/log           what making it told
//	missing/NAME       from what it could not be made, and why not
//	missing/NAME.log   what trying it told
//
// All of it can be moved to another place together.
type shelf struct{ dir string }

func (s shelf) bin(p pin) string     { return filepath.Join(s.dir, p.name, "bin") }
func (s shelf) missing(p pin) string { return filepath.Join(s.dir, "missing", p.name) }
func (s shelf) log(p pin) string     { return s.missing(p) + ".log" }

// find returns the path of a pin's command, "" if it is not there, or was made
// from another recipe, or has lost its Python.
func (s shelf) find(p pin) string {
	recipe, err := os.ReadFile(filepath.Join(s.dir, p.name, "recipe"))
	if err != nil || string(recipe) != p.recipe {
		return ""
	}
	path := filepath.Join(s.bin(p), exe(p.name))
	needed := []string{path}
	if p.python {
		needed = append(needed, venvPython(filepath.Join(s.dir, p.name)))
	}
	for _, file := range needed {
		if _, err := os.Stat(file); err != nil {
			return ""
		}
	}
	return path
}

// bins returns the folders of the commands of the pins that are there.
func (s shelf) bins(pins []pin) []string {
	var dirs []string
	for _, p := range pins {
		if s.find(p) != "" {
			dirs = append(dirs, s.bin(p))
		}
	}
	return dirs
}

// put makes dir, which is below the shelf's folder, the pin's own. It may be
// that somebody else did so in the meantime.
func (s shelf) put(p pin, dir string) error {
	if s.find(p) != "" {
		return nil
	}
	if err := os.WriteFile(filepath.Join(dir, "recipe"), []byte(p.recipe), 0o644); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	own, old := filepath.Join(s.dir, p.name), dir+".old"
	if err := os.Rename(own, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(dir, own); err != nil {
		return err
	}
	return os.RemoveAll(old)
}

// keepLog keeps what trying to make a pin in dir told.
func (s shelf) keepLog(p pin, dir string) error {
	if err := os.MkdirAll(filepath.Dir(s.log(p)), 0o755); err != nil {
		return err
	}
	return os.Rename(filepath.Join(dir, "log"), s.log(p))
}

// remember writes down why a pin could not be made.
func (s shelf) remember(p pin, reason string) error {
	file := s.missing(p)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return replace(file, p.recipe+"\n"+reason)
}

// remembered returns why a pin could not be made from the same recipe, "" if
// that is not known.
func (s shelf) remembered(p pin) string {
	text, err := os.ReadFile(s.missing(p))
	if err != nil {
		return ""
	}
	recipe, reason, _ := strings.Cut(string(text), "\n")
	if recipe != p.recipe {
		return ""
	}
	return reason
}

// forget removes what was remembered.
func (s shelf) forget(p pin) error {
	for _, file := range []string{s.missing(p), s.log(p)} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
