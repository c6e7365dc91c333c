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
// tests that need them are skipped. STRATA_TEST_IMAGES ("terraform=IMAGE,alpine=IMAGE")
// gives tools other images than the pinned ones, for an engine that cannot have
// those.
package enginetest

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

var (
	moduleDir string            // the repository whose module is tested
	strata    string            // the native command
	images    map[string]string // instead of those that the module pins, by tool
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
	if images, err = givenImages(os.Getenv("STRATA_TEST_IMAGES")); err != nil {
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

// givenImages reads "tool=image,tool=image".
func givenImages(list string) (map[string]string, error) {
	given := make(map[string]string)
	for pair := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' }) {
		tool, image, found := strings.Cut(strings.TrimSpace(pair), "=")
		if !found || tool == "" || image == "" {
			return nil, fmt.Errorf("STRATA_TEST_IMAGES: %q is not tool=image", pair)
		}
		given[tool] = image
	}
	return given, nil
}

// withImages is what is chained before a verb for the images that were given.
func withImages() []string {
	var chain []string
	for _, tool := range slices.Sorted(maps.Keys(images)) {
		chain = append(chain, "with-image", "--tool", tool, "--image", images[tool])
	}
	return chain
}

// image returns the image that a tool runs in: the given one, else the one that
// the module pins.
func image(tool string) (string, error) {
	if given := images[tool]; given != "" {
		return given, nil
	}
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
