package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// pin is a tool that the tests run in exactly one version. The folder of its
// name in this module says which one, in a go.mod or in a requirements.txt.
type pin struct {
	name    string   // of the command, and of its folders here and in .tools
	version string   // as in 1.2.3
	asked   []string // the arguments that make it print its version
	python  bool     // it is a Python package of its own name
	recipe  string   // digest of all that decides what is made
	// install makes bin/NAME in dir, which has nothing else but the log. What is
	// told meanwhile goes into log; the error is one line.
	install func(ctx context.Context, dir string, log *os.File) error
}

// readPins returns all pins of this module, whose folder is root.
func readPins(root string) ([]pin, error) {
	var pins []pin
	for _, tool := range goTools() {
		p, err := tool.pin(filepath.Join(root, tool.name))
		if err != nil {
			return nil, err
		}
		pins = append(pins, p)
	}
	for _, name := range []string{"checkov", "terraform-compliance"} {
		p, err := pythonPin(filepath.Join(root, name), name)
		if err != nil {
			return nil, err
		}
		pins = append(pins, p)
	}
	return pins, nil
}

// choose returns the pins of these names.
func choose(pins []pin, names []string) ([]pin, error) {
	var chosen []pin
	for _, name := range names {
		i := slices.IndexFunc(pins, func(p pin) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no tool is named %q", name)
		}
		chosen = append(chosen, pins[i])
	}
	return chosen, nil
}

// goTools are the tools that are Go modules.
func goTools() []goTool {
	return []goTool{
		{name: "opa", module: "github.com/open-policy-agent/opa", asked: "version"},
		{
			name: "tfsec", module: "github.com/aquasecurity/tfsec", command: "/cmd/tfsec", asked: "--version",
			set: "github.com/aquasecurity/tfsec/version.Version=v",
		},
		{
			name: "trivy", module: "github.com/aquasecurity/trivy", command: "/cmd/trivy", asked: "--version",
			set: "github.com/aquasecurity/trivy/pkg/version/app.ver=", env: []string{"GOEXPERIMENT=jsonv2"},
		},
	}
}

// goTool is a tool that the Go module in the folder of its name builds.
type goTool struct {
	name    string
	module  string
	command string // the package to build, below the module
	asked   string
	set     string // what the linker sets to the version, up to the version; "" where the tool knows it
	env     []string
}

func (g goTool) pin(dir string) (pin, error) {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return pin{}, err
	}
	sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		return pin{}, err
	}
	version, err := pinned(string(mod), g.module+" v")
	if err != nil {
		return pin{}, fmt.Errorf("%s/go.mod: %w", dir, err)
	}
	args := g.args(version)
	return pin{
		name: g.name, version: version, asked: []string{g.asked},
		recipe: digest(slices.Concat([]string{string(mod), string(sum)}, args, g.env)),
		install: func(ctx context.Context, to string, log *os.File) error {
			return goBuild(ctx, dir, g.env, log,
				slices.Concat(args, []string{"-o", filepath.Join(to, "bin", exe(g.name)), g.module + g.command}))
		},
	}, nil
}

// args are the flags of go build.
func (g goTool) args(version string) []string {
	ldflags := "-s -w"
	if g.set != "" {
		ldflags += " -X " + g.set + version
	}
	return []string{"-mod=readonly", "-trimpath", "-ldflags", ldflags}
}

func pythonPin(dir, name string) (pin, error) {
	file := filepath.Join(dir, "requirements.txt")
	text, err := os.ReadFile(file)
	if err != nil {
		return pin{}, err
	}
	version, err := pinned(string(text), name+"==")
	if err != nil {
		return pin{}, fmt.Errorf("%s: %w", file, err)
	}
	return pin{
		name: name, version: version, asked: []string{"--version"}, python: true,
		recipe: digest([]string{string(text), wrapper(name)}),
		install: func(ctx context.Context, to string, log *os.File) error {
			return installPython(ctx, name, file, to, log)
		},
	}, nil
}

// pinned returns the version that a line of a text gives: what follows before,
// which the line begins with, up to a space.
func pinned(text, before string) (string, error) {
	line := regexp.MustCompile(`(?m)^(?:require)?[ \t]*` + regexp.QuoteMeta(before) + `(\d\S*)`)
	found := line.FindAllStringSubmatch(text, -1)
	if len(found) != 1 {
		return "", fmt.Errorf("%d lines begin with %s and a version, not 1", len(found), before)
	}
	return found[0][1], nil
}

// digest tells recipes apart, and machines: one folder may be seen by several.
func digest(parts []string) string {
	parts = append(parts, runtime.GOOS, runtime.GOARCH)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(parts, "\x00"))))
}
