package pipeline

import (
	"errors"
	"fmt"
	"strings"

	"github.com/strata-tf/strata/internal/affected"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
)

// Changes say which two states of the repository are compared.
type Changes struct {
	Base        string // a revision; "" for what the CI says, else the environment's branch
	Head        string // a revision; "" for HEAD
	WorkingTree bool   // the files as they lie there, uncommitted and untracked ones too, instead of Head
	Dependents  bool   // units that need an affected one count too
}

// FindAffected finds the units that a change affects: of the environment that
// is named, or that of the ref or the CI run, else of all.
func FindAffected(o Options) (*report.Affected, error) {
	if o.Repository == nil {
		return nil, fmt.Errorf("changes are read from git: %w", o.noRepository())
	}
	config, err := stack.Load(o.Source)
	if err != nil {
		return nil, err
	}
	note, err := o.chooseEnvironment(config, "affected")
	if err != nil {
		return nil, err
	}
	if name := o.Select.Environment; name != "" {
		if err := config.CheckEnvironment(name); err != nil {
			return nil, err
		}
	}
	found, err := o.findAffected(config)
	if err != nil {
		return nil, err
	}
	if len(o.Select.Regions) > 0 && len(found.Units)+len(found.Deleted)+len(found.Clear) == 0 {
		return nil, fmt.Errorf("no unit is of region %s", strings.Join(o.Select.Regions, " or "))
	}
	if note != "" {
		found.Notes = append([]string{note}, found.Notes...)
	}
	return found, nil
}

func (o *Options) findAffected(config *stack.Config) (*report.Affected, error) {
	base, from, err := o.base(config)
	if err != nil {
		return nil, err
	}
	out := &report.Affected{Environment: o.Select.Environment, Base: base, Notes: []string{fmt.Sprintf("compared with %s (%s)", short(base), from)}}
	old, err := o.Repository.Commit(base)
	if err != nil {
		return nil, err
	}
	current, err := o.newer()
	if err != nil {
		return nil, err
	}
	out.Head = current.Commit
	out.Result, err = affected.Select(old, current, affected.Options{
		Environment: o.Select.Environment, Regions: o.Select.Regions, Dependents: o.Changes.Dependents,
	})
	return out, err
}

// newer is the state of the repository that is compared with the base.
func (o *Options) newer() (*affected.Snapshot, error) {
	if !o.Changes.WorkingTree {
		return o.Repository.Commit(o.head())
	}
	if o.Changes.Head != "" {
		return nil, errors.New("--head and --working-tree: say one")
	}
	return o.WorkingTree()
}

func (o *Options) head() string {
	if o.Changes.Head != "" {
		return o.Changes.Head
	}
	return "HEAD"
}

// base is the commit that changes are counted from: the merge base of the head
// and the base that was said, or that the CI names, or the environment's branch.
func (o *Options) base(config *stack.Config) (commit, from string, err error) {
	base, from, err := o.baseRevision(config)
	if err != nil {
		return "", "", err
	}
	if commit, err = o.Repository.MergeBase(base, o.head()); err != nil {
		return "", "", fmt.Errorf("compare with %s (%s): %w", base, from, err)
	}
	if commit != base {
		from = fmt.Sprintf("the merge base with %s, from %s", base, from)
	}
	return commit, from, nil
}

// baseRevision is what is compared with, before the merge base is looked for.
func (o *Options) baseRevision(config *stack.Config) (base, from string, err error) {
	if o.Changes.Base != "" {
		return o.Changes.Base, "--base", nil
	}
	if ci, ok := o.ci(); ok && ci.Base != "" && o.Ref == "" {
		return ci.Base, ci.From["base"], nil
	}
	return o.branchBase(config)
}

// branchBase is the branch of the environment, else the default branch: as the
// remote has it, else as it is here.
func (o *Options) branchBase(config *stack.Config) (branch, from string, err error) {
	branches := []string{"HEAD", "main", "master"}
	own := config.Environments[o.Select.Environment].Branch
	if own != "" && own != "*" {
		branches = append([]string{own}, branches...)
	}
	for _, branch := range branches {
		for _, name := range []string{"origin/" + branch, branch} {
			if name == "HEAD" {
				continue
			}
			if _, err := o.Repository.Resolve(name); err != nil {
				continue
			}
			if branch == own {
				return name, "the branch of " + o.Select.Environment, nil
			}
			return name, "the default branch", nil
		}
	}
	return "", "", fmt.Errorf("there is no branch to compare with (%s): say --base", strings.Join(branches, ", "))
}

// short is a commit as people are told of it.
func short(commit string) string {
	if commit == "" {
		return "an unknown commit"
	}
	return commit[:min(len(commit), 8)]
}
