package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// The oldest release that Strata works with, of Terraform and of OpenTofu.
const minMajor, minMinor = 1, 6

var errNone = errors.New("neither terraform nor tofu is there")

// tool is a Terraform or an OpenTofu that can be used.
type tool struct {
	path    string
	product string // "Terraform" or "OpenTofu"
	version string
}

// find returns the tool to use among those that are there.
func find(ctx context.Context, bin string) (tool, error) {
	if name := os.Getenv("STRATA_BINARY"); name != "" {
		path, err := exec.LookPath(name)
		if err != nil { // what an earlier run brought
			path = filepath.Join(bin, exe(name))
		}
		if _, err := os.Stat(path); err != nil {
			return tool{}, fmt.Errorf("STRATA_BINARY=%s: neither on PATH nor in %s", name, bin)
		}
		t, err := inspect(ctx, path)
		if err != nil {
			return tool{}, fmt.Errorf("STRATA_BINARY=%s: %w", name, err)
		}
		return t, nil
	}
	for _, name := range []string{"terraform", "tofu"} {
		candidates := []string{filepath.Join(bin, exe(name))}
		if path, err := exec.LookPath(name); err == nil {
			candidates = append([]string{path}, candidates...)
		}
		for _, path := range candidates {
			if _, err := os.Stat(path); err != nil {
				continue
			}
			t, err := inspect(ctx, path)
			if err == nil {
				return t, nil
			}
			fmt.Printf("tools: %s is not used: %v\n", path, err)
		}
	}
	return tool{}, errNone
}

// inspect asks a binary what it is, and refuses one that is too old.
func inspect(ctx context.Context, path string) (tool, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return tool{}, err
	}
	cmd := exec.CommandContext(ctx, path, "version", "-json")
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1")
	out, err := cmd.Output()
	if err != nil {
		return tool{}, fmt.Errorf("%s version: %w", path, err)
	}
	product := "Terraform"
	if strings.HasPrefix(filepath.Base(path), "tofu") {
		product = "OpenTofu"
	}
	version, err := parseVersion(out)
	if err != nil {
		return tool{}, fmt.Errorf("%s version: %w", path, err)
	}
	if !newEnough(version) {
		return tool{}, fmt.Errorf("version %s is older than %d.%d", version, minMajor, minMinor)
	}
	return tool{path: path, product: product, version: version}, nil
}

// parseVersion reads the answer to version -json, before which there may be
// warnings about the user's own configuration.
func parseVersion(out []byte) (string, error) {
	start := bytes.IndexByte(out, '{')
	if start < 0 {
		return "", fmt.Errorf("unexpected answer %q", out)
	}
	var answer struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal(out[start:], &answer); err != nil {
		return "", err
	}
	return answer.Version, nil
}

func newEnough(version string) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	if err1 != nil || err2 != nil {
		return false
	}
	return major > minMajor || major == minMajor && minor >= minMinor
}

func exe(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}
