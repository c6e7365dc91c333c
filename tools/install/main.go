// Command install sees to it that Strata's tests and its demo have a Terraform
// to run, and writes down which one. It takes the first of these that is there
// and new enough:
//
//  1. what $STRATA_BINARY names
//  2. terraform on PATH, or installed by an earlier run
//  3. tofu on PATH, or built by an earlier run
//  4. Terraform, installed by hc-install, its makers' own installer
//  5. OpenTofu, built from its Go module
//
// Of the tools that arguments name it takes exactly the version that is pinned
// in the folder of that name: installed by an earlier run, or on PATH, or else
// built from its Go module or installed as a Python package. One that cannot be
// had is told, and that is no failure.
//
// The answer is a file of shell lines, FOLDER/env, that the Makefile reads
// before it runs anything that needs these tools.
//
//	go -C tools run ./install [-dir FOLDER] [-again] [opa | tfsec | trivy | checkov | terraform-compliance]...
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

func main() {
	dir := flag.String("dir", "../.tools", "folder to install into")
	again := flag.Bool("again", false, "try again what could not be installed before")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *dir, flag.Args(), *again); err != nil {
		fmt.Fprintln(os.Stderr, "tools:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, names []string, again bool) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	pins, err := readPins(".")
	if err != nil {
		return err
	}
	wanted, err := choose(pins, names)
	if err != nil {
		return err
	}
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	tool, err := find(ctx, bin)
	if errors.Is(err, errNone) {
		tool, err = install(ctx, bin)
	}
	if err != nil {
		return err
	}
	fmt.Printf("tools: %s %s, %s\n", tool.product, tool.version, tool.path)
	shelf := shelf{dir}
	if err := settleAll(ctx, shelf, wanted, again); err != nil {
		return err
	}
	return writeEnv(filepath.Join(dir, "env"), bin, tool, shelf.bins(pins))
}

// install brings a tool into bin: Terraform where its makers' downloads can be
// reached, OpenTofu otherwise.
func install(ctx context.Context, bin string) (tool, error) {
	errTerraform := installTerraform(ctx, bin)
	if errTerraform == nil {
		return inspect(ctx, filepath.Join(bin, exe("terraform")))
	}
	if ctx.Err() != nil {
		return tool{}, ctx.Err()
	}
	fmt.Printf("tools: terraform could not be installed: %v\n", errTerraform)
	fmt.Printf("tools: building OpenTofu %s instead, which takes some minutes the first time\n", tofuVersion)
	start := time.Now()
	if err := buildTofu(ctx, bin); err != nil {
		return tool{}, errors.Join(errTerraform, err)
	}
	fmt.Printf("tools: built in %s\n", time.Since(start).Round(time.Second))
	return inspect(ctx, filepath.Join(bin, exe("tofu")))
}
