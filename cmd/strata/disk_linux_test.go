package main

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/strata-tf/strata/internal/report"
)

// smallDisk puts the repository of a test on a disk of its own.
func smallDisk(t *testing.T, r *repo, size string) {
	t.Helper()
	if err := syscall.Mount("strata-test", r.dir, "tmpfs", 0, "size="+size); err != nil {
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
			t.Skip("needs the right to mount a small disk")
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(r.dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// fill leaves no room on the repository's disk.
func (r *repo) fill() {
	r.t.Helper()
	f, err := os.Create(r.path("ballast"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

// The disk is full once an apply has made something: Terraform can write its
// state nowhere, and what it says last is kept.
func TestDiskFullInTheMiddle(t *testing.T) {
	t.Parallel()
	r := newRepo(t, nil)
	smallDisk(t, r, "4m")
	from := slow(t)
	files, err := tree(from.dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if text != "a folder" {
			r.write(name, text)
		}
	}
	r.deploy("--only", "nothing").exits(1)
	p := r.deploy()
	r.untilFile("began")
	r.write("go", "")
	r.fill()
	_ = p
}

// The disk is full before anything has begun.
func TestDiskFullAtTheStart(t *testing.T) {
	t.Parallel()
	r := newRepo(t, nil)
	smallDisk(t, r, "2m")
	r.write("strata.yaml", "layers:\n  - {name: app, path: \"app/{env}\"}\n")
	r.write("app/staging/main.tf", "resource \"terraform_data\" \"a\" {}\n")
	r.fill()
	p := r.deploy().exits(1)
	if !strings.Contains(p.String(), "no space left on device") {
		t.Errorf("it does not say why:\n%s", p)
	}
	if err := os.Remove(r.path("ballast")); err != nil {
		t.Fatal(err)
	}
	r.deploy().exits(0).result("app@global:staging", report.Applied)
}
