package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	terraformVersion = "1.11.4"
	tofuVersion      = "1.12.6" // as in tools/opentofu/go.mod

	terraformTimeout = 3 * time.Minute
)

// installTerraform runs hc-install, at the version that tools/go.mod pins.
func installTerraform(ctx context.Context, bin string) error {
	ctx, cancel := context.WithTimeout(ctx, terraformTimeout)
	defer cancel()
	return goCommand(ctx, ".", "tool", "hc-install", "install",
		"-version", terraformVersion, "-path", bin, "terraform")
}

// buildTofu builds OpenTofu with the module file of tools/opentofu.
func buildTofu(ctx context.Context, bin string) error {
	return goCommand(ctx, "opentofu", "build", "-trimpath",
		"-ldflags", "-s -w -X github.com/opentofu/opentofu/version.dev=no",
		"-o", filepath.Join(bin, exe("tofu")),
		"github.com/opentofu/opentofu/cmd/tofu")
}

// goCommand runs the go command in a folder of this module.
func goCommand(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("go %s: %w", args[0], err)
	}
	return nil
}

// goBuild runs go build in the module of a pinned tool, with more variables and
// with the arguments that follow.
func goBuild(ctx context.Context, dir string, env []string, log *os.File, args []string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if err := runLogged(cmd, log, whyGo); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	return nil
}
