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
	r.write("strata.yaml", "layers:\n  - {name: slow, path: \"slow/{env}\"}\n")
	r.write("slow/staging/main.tf", `
resource "terraform_data" "b" {
  provisioner "local-exec" {
    command = "echo x >> ../../began; while [ ! -e ../../go ]; do sleep 0.05; done"
  }
}
resource "terraform_data" "large" {
  depends_on = [terraform_data.b]
  input      = join("", [for i in range(1000) : "0123456789012345678901234567890123456789"])
}
`)
	p := r.deploy()
	r.untilFile("began")
	r.fill()
	r.write("go", "")
	p.exits(1)
	p.says("no space left on device")
	p.says("its backend did not take the state after the apply; it is kept")
	if err := os.Remove(r.path("ballast")); err != nil {
		t.Fatal(err)
	}
	// Until it is pushed the unit waits.
	r.deploy().exits(3).result(slowUnit, report.Refused)
	r.start("rescued", slowUnit, "--push").exits(0)
	r.tidy()
	p = r.deploy().exits(0)
	p.result(slowUnit, report.Applied)
	if n := r.began(); n != 1 {
		t.Errorf("the resource was made %d times", n)
	}
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
