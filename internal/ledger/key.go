package ledger

import (
	"fmt"
	"strings"
	"time"

	"github.com/strata-tf/strata/internal/stack"
)

// keyOf is where the entry of a run is in the store. Keys sort by time.
func keyOf(environment, run string) (string, error) {
	if err := stack.CheckEnvironmentName(environment); err != nil {
		return "", err
	}
	if err := checkRun(run); err != nil {
		return "", err
	}
	return prefix(environment) + run + ".json", nil
}

func prefix(environment string) string { return "ledger/" + environment + "/" }

// started is how the id of a run begins.
const started = "20060102T150405Z"

func checkRun(run string) error {
	begin, rest, _ := strings.Cut(run, "-")
	// Parse takes fractions of a second too.
	if _, err := time.Parse(started, begin); err != nil || len(begin) != len(started) || rest == "" || strings.Trim(rest, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
		return fmt.Errorf("%q is no id of a run: it is like 20260304T050607Z-0a1b2c", run)
	}
	return nil
}
