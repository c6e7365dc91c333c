// Package ciexamples tests the files in examples/ci, and holds nothing but these
// tests. That each file keeps the rules is always checked; that it works is seen
// by running it: GitHub's under act, GitLab's under gitlab-ci-local, Azure's
// script lines by a small harness, each on a repository made from testdata/live.
//
// strata in these runs is the command built from this tree, behind a wrapper that
// takes down how it was called. dagger is a stand-in that runs the same verb
// natively, without the variables of the CI vendor, which a module cannot see.
package ciexamples

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	logVariable    = "CIEXAMPLES_LOG"    // the file that takes down calls
	strataVariable = "CIEXAMPLES_STRATA" // the command itself
)

func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "strata":
		os.Exit(exitCode(runStrata(os.Args[1:], os.Environ())))
	case "dagger":
		os.Exit(exitCode(runDagger(os.Args[1:], os.Environ())))
	}
	os.Exit(run(m))
}

var buildDir string // where the command is built

func run(m *testing.M) int {
	var err error
	if buildDir, err = os.MkdirTemp("", "strata-ciexamples-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(buildDir)
	return m.Run()
}

func exitCode(err error) int {
	if failed := new(exec.ExitError); errors.As(err, &failed) {
		return failed.ExitCode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "stand-in:", err)
		return 1
	}
	return 0
}

// call is how a tool was called.
type call struct {
	Tool string
	Args []string
}

func (c call) String() string { return c.Tool + " " + strings.Join(c.Args, " ") }

func note(c call) error {
	f, err := os.OpenFile(os.Getenv(logVariable), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

func runStrata(args, env []string) error {
	if err := note(call{"strata", args}); err != nil {
		return err
	}
	return real(args, env)
}

func real(args, env []string) error {
	command := exec.Command(os.Getenv(strataVariable), args...)
	command.Env = env
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	return command.Run()
}

// runDagger runs the verb of a `dagger call` natively.
func runDagger(args, env []string) error {
	if err := note(call{"dagger", args}); err != nil {
		return err
	}
	parsed, err := parseDagger(args)
	if err != nil {
		return err
	}
	kept := env[:0:0]
	for _, pair := range env {
		if !vendors(pair) {
			kept = append(kept, pair)
		}
	}
	for _, before := range parsed.before {
		for _, flag := range []string{"access-key-id", "secret-access-key", "session-token", "content", "value"} {
			if name, ok := strings.CutPrefix(before.flags[flag], "env:"); ok && os.Getenv(name) == "" {
				return fmt.Errorf("%s --%s: %s is not set", before.name, flag, name)
			}
		}
		if before.name == "with-secret" {
			name, _ := strings.CutPrefix(before.flags["value"], "env:")
			kept = append(kept, "STRATA_SECRET_"+strings.ToUpper(before.flags["name"])+"="+os.Getenv(name))
		}
	}
	native := []string{parsed.verb.name}
	for _, flag := range parsed.verb.order {
		native = append(native, "--"+flag, parsed.verb.flags[flag])
	}
	if parsed.then != "" {
		native = append(native, "--format", parsed.then)
	}
	return real(native, kept)
}

// vendors says whether a variable is one that a CI vendor sets.
func vendors(pair string) bool {
	for _, prefix := range []string{"GITHUB_", "GITLAB_", "CI_", "CI=", "TF_BUILD=", "BUILD_", "SYSTEM_", "AGENT_", "RUNNER_"} {
		if strings.HasPrefix(pair, prefix) {
			return true
		}
	}
	return false
}

// function is one function of a `dagger call` with its flags.
type function struct {
	name  string
	flags map[string]string
	order []string
}

// daggerCall is a parsed `dagger call`.
type daggerCall struct {
	module string
	before []function // with-…
	verb   function
	then   string // what the result is asked for
}

func parseDagger(args []string) (daggerCall, error) {
	var parsed daggerCall
	if len(args) < 6 || strings.Join(args[:4], " ") != "--progress logs call -m" {
		return parsed, fmt.Errorf("dagger %s: want --progress logs call -m MODULE …", strings.Join(args, " "))
	}
	parsed.module = args[4]
	var all []function
	for rest := args[5:]; len(rest) > 0; {
		f := function{name: rest[0], flags: map[string]string{}}
		for rest = rest[1:]; len(rest) > 1 && strings.HasPrefix(rest[0], "--"); rest = rest[2:] {
			name := strings.TrimPrefix(rest[0], "--")
			f.flags[name], f.order = rest[1], append(f.order, name)
		}
		all = append(all, f)
	}
	for i, f := range all {
		if strings.HasPrefix(f.name, "with-") {
			continue
		}
		parsed.before, parsed.verb = all[:i], f
		if i+1 < len(all) {
			parsed.then = all[i+1].name
		}
		return parsed, nil
	}
	return parsed, fmt.Errorf("dagger %s: no verb", strings.Join(args, " "))
}
