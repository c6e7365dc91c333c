package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/affected"
	"github.com/strata-tf/strata/internal/stack"
)

// chooseEnvironment finds the environment where none is named: that of the ref,
// else that of the branch a CI run is for. Where neither says anything it stays
// open. The choice is told in a note.
func (o *Options) chooseEnvironment(config *stack.Config, verb string) (note string, err error) {
	if o.Select.Environment != "" {
		if o.Ref != "" {
			return "", fmt.Errorf("--env and --ref: say one")
		}
		return "", nil
	}
	if verb == "destroy" {
		return "", nil // it must be named
	}
	branch, from, err := o.branch()
	if branch == "" || err != nil {
		return "", err
	}
	name, ok := affected.EnvironmentOf(config, branch)
	if !ok {
		return "", fmt.Errorf("branch %s (%s) belongs to no environment, or to several: say --env (there are %s)", branch, from, strings.Join(slices.Sorted(maps.Keys(config.Environments)), ", "))
	}
	looks := onlyLooks(verb) || verb == "affected" || verb == "drift" && !o.Fix // and changes nothing
	if config.Environments[name].Branch == "*" && !looks {
		return "", &RefusedError{fmt.Sprintf("branch %s (%s) is no environment's own, and %s is for any such branch: to %s from it, say --env %s", branch, from, name, verb, name)}
	}
	if ci, ok := o.ci(); ok && o.Ref == "" && ci.PullRequest && !looks {
		return "", &RefusedError{fmt.Sprintf("this run is for a pull request to %s (%s), which may be planned: to %s all the same, say --env %s", branch, from, verb, name)}
	}
	o.Select.Environment = name
	return fmt.Sprintf("environment %s: branch %s (%s)", name, branch, from), nil
}

// branch is the branch that this run is for, and where that was read.
func (o *Options) branch() (branch, from string, err error) {
	if o.Ref != "" {
		if branch = affected.BranchOf(o.Ref); branch == "" {
			return "", "", fmt.Errorf("--ref %s is no branch: a pull request's environment is that of its target, and a tag's must be said (--env)", o.Ref)
		}
		return branch, "--ref", nil
	}
	ci, ok := o.ci()
	if !ok || ci.Branch == "" {
		return "", "", nil
	}
	return ci.Branch, ci.From["branch"], nil
}

// ci is what the variables of a CI vendor say.
func (o *Options) ci() (affected.CI, bool) {
	return affected.FromCI(o.getenv)
}

// getenv is a variable of the environment that tools inherit, "" where it is
// not set.
func (o *Options) getenv(name string) string {
	for _, pair := range o.Environ {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}
