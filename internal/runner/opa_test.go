//go:build unix

package runner

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// opaStep serves the policies of the repository's folder.
func opaStep(t *testing.T) (Step, func(listen string) []string) {
	t.Helper()
	if _, err := exec.LookPath("opa"); err != nil {
		t.Skip("opa is not on PATH")
	}
	return Step{Tool: Tool{Name: "opa", Binary: "opa"}, Bare: true}, func(listen string) []string {
		return []string{"run", "--server", "--addr", listen, "--log-level", "error", "--skip-version-check", "policies"}
	}
}

func TestServeOPA(t *testing.T) {
	step, args := opaStep(t)
	w, root := newTestWorkspace(t)
	writeFile(t, filepath.Join(root, "policies", "a.rego"), "package a\n\nanswer := 42\n")
	s, err := w.Serve(t.Context(), step, args)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := ask(t, s.Address(), "/v1/data/a/answer"); got != "{\"result\":42}\n" {
		t.Errorf("it answers %q", got)
	}
	started := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(started); took >= patience {
		t.Errorf("it took %s to end", took)
	}
}

func TestServeOPAFails(t *testing.T) {
	step, args := opaStep(t)
	w, root := newTestWorkspace(t)
	writeFile(t, filepath.Join(root, "policies", "a.rego"), "package a\n\nanswer := := 42\n")
	s, err := w.Serve(t.Context(), step, args)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	awaitEnd(t, s)
	var exit *ExitError
	if !errors.As(s.Err(), &exit) || exit.ExitCode == 0 || !strings.Contains(exit.Stderr, "rego_parse_error") {
		t.Errorf("it ended with %v", s.Err())
	}
}
