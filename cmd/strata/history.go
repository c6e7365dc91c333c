package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/report"
)

func (a *app) historyCommand() *cobra.Command {
	var environment, format string
	runs := 100
	cmd := &cobra.Command{
		Use: "history --env ENV", Short: "Show the last runs, and what they tell", GroupID: "look", Args: cobra.NoArgs,
		Long: `History reads the ledger: the last runs and who started them, how many succeeded,
how long they took, drift over time, and how each unit's state has grown.`,
		Example: "  strata history --env production\n  strata history --env production --runs 0 --format json",
		RunE: func(*cobra.Command, []string) error {
			if runs < 0 {
				return fmt.Errorf("--runs %d: it is a number of runs, 0 for all", runs)
			}
			o, done, err := a.options("")
			if err != nil {
				return err
			}
			defer done()
			o.Select.Environment = environment
			history, err := pipeline.History(a.hard, o, runs)
			if err != nil {
				return err
			}
			return report.History(a.stdout, history, format)
		},
	}
	cmd.Flags().StringVar(&environment, "env", "", "the environment (required)")
	cmd.Flags().IntVar(&runs, "runs", runs, "how many runs, the newest; 0 for all")
	cmd.Flags().StringVar(&format, "format", "table", "table or json")
	return cmd
}
