//go:build engine

// Package enginetest runs the Dagger module on a real engine, the way its users
// do: with `dagger call`, from a repository of theirs. `make engine-test` runs
// it.
//
// It needs an engine as the dagger command finds one, Go, git, and Terraform on
// PATH for the native runs that the module's are compared with. The states are
// in an S3 server: moto_server where it is on PATH (pip install 'moto[server]'),
// else a simple one of the tests' own. STRATA_TEST_PROVIDER_MIRROR names a folder
// in filesystem-mirror layout that has the AWS provider: without the two, the
// tests that need them are skipped.
package enginetest

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

var (
	moduleDir string // the repository whose module is tested
	strata    string // the native command
	s3        *bucketServer
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "strata-engine-test-")
	if err != nil {
		return failed(err)
	}
	defer os.RemoveAll(dir)
	if moduleDir, err = filepath.Abs("../.."); err != nil {
		return failed(err)
	}
	if out, err := exec.Command("dagger", "core", "version").CombinedOutput(); err != nil {
		return failed(fmt.Errorf("no Dagger engine answers: %w\n%s", err, out))
	}
	strata = filepath.Join(dir, "strata")
	build := exec.Command("go", "build", "-o", strata, "./cmd/strata")
	build.Dir = moduleDir
	if out, err := build.CombinedOutput(); err != nil {
		return failed(fmt.Errorf("build the native command: %w\n%s", err, out))
	}
	if s3, err = startBucketServer(); err != nil {
		return failed(err)
	}
	defer s3.stop()
	// A server that was started must not outlive the tests.
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		s3.stop()
		os.Exit(130)
	}()
	return m.Run()
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, "engine tests:", err)
	return 1
}

// image returns the image that the module pins for a tool.
func image(tool string) (string, error) {
	source, err := os.ReadFile(filepath.Join(moduleDir, "images.go"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(source)) {
		if _, rest, ok := strings.Cut(line, `"`+tool+`":`); ok {
			return strings.Split(rest, `"`)[1], nil
		}
	}
	return "", fmt.Errorf("images.go names no image for %s", tool)
}
