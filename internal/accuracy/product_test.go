package accuracy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// product is the strata command under test.
type product struct{ binary string }

// answer is what it says of one change.
type answer struct {
	units   map[string][]string // id -> reasons
	paths   map[string]string   // id -> folder
	deleted map[string]bool
}

// newProduct builds the command.
func newProduct(t *testing.T) product {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "strata")
	if given := os.Getenv("STRATA_ACCURACY_BINARY"); given != "" {
		return product{given}
	}
	build := exec.Command("go", "build", "-o", binary, "../../cmd/strata")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build strata: %v\n%s", err, out)
	}
	return product{binary}
}

// affected asks what differs since base: at HEAD, or in the working tree.
func (p product) affected(dir, base string, workingTree bool) (answer, error) {
	args := []string{"affected", "--base", base, "--include-dependents=false", "--format", "json"}
	if workingTree {
		args = append(args, "--working-tree")
	}
	command := exec.Command(p.binary, args...)
	command.Dir = dir
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")} // no CI's variables
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return answer{}, fmt.Errorf("strata %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return readAnswer(stdout.Bytes())
}

func readAnswer(text []byte) (answer, error) {
	var said struct {
		Units []struct {
			ID, Path string
			Reason   []string
		}
		Deleted []struct{ ID string }
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return answer{}, fmt.Errorf("%w: %s", err, text)
	}
	a := answer{units: map[string][]string{}, paths: map[string]string{}, deleted: map[string]bool{}}
	for _, u := range said.Units {
		a.units[u.ID], a.paths[u.ID] = u.Reason, u.Path
	}
	for _, u := range said.Deleted {
		a.deleted[u.ID] = true
	}
	return a, nil
}
