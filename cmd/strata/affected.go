package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/stack"
)

func (a *app) affectedCommand() *cobra.Command {
	var c pipeline.Changes
	var environment, ref, why, format string
	var regions []string
	cmd := &cobra.Command{
		Use: "affected", Short: "List the units that a change affects, and why", GroupID: "look", Args: cobra.NoArgs,
		Long: `Affected compares two commits (or a commit and the working tree) and lists the
units whose inputs changed: their own files, their modules' through any depth,
the files these read, variable files, backend configuration, lock file, their
part of strata.yaml and what their layer watches.

The base is the merge base of --base and --head. Without --base it is what the
CI names (the target of a pull request, what the branch was before a push), or
else the environment's branch.`,
		Example: "  strata affected --env staging --base origin/main\n  strata affected --working-tree --why platform@us-east-1:staging\n  strata affected --env staging --base origin/main --format matrix",
		RunE: func(*cobra.Command, []string) error {
			o, done, err := a.options("")
			if err != nil {
				return err
			}
			defer done()
			if why != "" && environment == "" && ref == "" {
				// Of whatever branch this is, the unit says which environment is meant.
				_, environment, _ = stack.CutID(why)
			}
			o.Select.Environment, o.Select.Regions, o.Ref, o.Changes = environment, regions, ref, c
			found, err := pipeline.FindAffected(o)
			if err != nil {
				return err
			}
			for _, note := range found.Notes {
				fmt.Fprintln(a.stderr, note)
			}
			for _, warning := range found.Warnings {
				fmt.Fprintf(a.stderr, "strata: warning: %s\n", warning)
			}
			if why != "" {
				return found.Why(a.stdout, why, pipeline.Native().Units)
			}
			return found.Write(a.stdout, format)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&environment, "env", "", "only this environment's units (default: those of --ref's, or of the branch a CI run is for, else all)")
	flags.StringVar(&ref, "ref", "", "the branch, or full ref, whose environment is meant, instead of --env")
	flags.StringArrayVar(&regions, "region", nil, "only units of this region (repeatable)")
	flags.StringVar(&c.Base, "base", "", "the `REV` to compare with")
	flags.StringVar(&c.Head, "head", "", "the newer `REV` (default HEAD)")
	flags.BoolVar(&c.WorkingTree, "working-tree", false, "compare the working tree, uncommitted and untracked files too")
	flags.BoolVar(&c.Dependents, "include-dependents", false, "list what needs an affected unit too")
	flags.StringVar(&why, "why", "", "say why this `UNIT` is affected, or why not")
	flags.StringVar(&format, "format", "table", "table, json, matrix, dotenv or clients")
	return cmd
}
