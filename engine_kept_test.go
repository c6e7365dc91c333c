//go:build aliases

package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/strata-tf/strata/internal/runner"
)

// A scanner's log can be long: the result holds much of it, a message little.
func TestWhatAStepPrintsIsKept(t *testing.T) {
	f := newFixture(t)
	w := f.workspaceOf(f.chained())
	long := strings.Repeat("abcdefgh", runner.StderrKept/4)
	f.commands["opa"] = func(*execution) outcome { return outcome{Code: 1, Stderr: long} }
	result, err := w.Run(t.Context(), opaStep("eval"))
	var exit *runner.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("error %v", err)
	}
	if string(result.Stderr) != long[:1<<20] || exit.Stderr != long[:64<<10] {
		t.Errorf("%d bytes are kept, the message has %d", len(result.Stderr), len(exit.Stderr))
	}
}
