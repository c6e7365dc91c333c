package main

import (
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary the commands that the tests run: strata
// itself, and a Terraform that writes down how it is treated.
func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"strata": main, recorderName: recorderMain})
}

// suite ends, after the tests, what they shared.
type suite struct{ *testing.M }

func (s suite) Run() int {
	defer moto.stop()
	return s.M.Run()
}

// terraformBinary is the Terraform or OpenTofu that the tests run, "" where
// there is none.
var terraformBinary = sync.OnceValue(func() string {
	for _, name := range []string{os.Getenv("STRATA_BINARY"), "terraform", "tofu"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	return ""
})

// needTerraform skips a test that cannot have its part.
func needTerraform(t *testing.T) {
	t.Helper()
	if terraformBinary() == "" {
		t.Skip("needs terraform or tofu: neither is on PATH, and STRATA_BINARY names none")
	}
}
