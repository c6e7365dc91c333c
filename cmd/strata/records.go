package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/report"
)

func (a *app) recordsCommand() *cobra.Command {
	var environment, format string
	var forget bool
	cmd := &cobra.Command{
		Use: "records [UNIT]", Short: "Show what Strata remembers of units, or forget it", GroupID: "repair", Args: cobra.MaximumNArgs(1),
		Long: `Records shows from which commit each unit was last deployed, and when; deploy
selects by it. With --forget, the unit's record is removed: the next deploy plans
the unit, whatever it holds.`,
		Example: "  strata records --env staging\n  strata records platform@us-east-1:staging --format json\n  strata records platform@us-east-1:staging --forget",
		RunE: func(_ *cobra.Command, args []string) error {
			o, done, err := a.options("")
			if err != nil {
				return err
			}
			defer done()
			o.Select.Environment = environment
			unit := ""
			if len(args) > 0 {
				unit = args[0]
			}
			if forget {
				if unit == "" {
					return errors.New("--forget: say which unit")
				}
				return pipeline.ForgetRecord(a.hard, o, unit)
			}
			records, err := pipeline.Records(a.hard, o, unit)
			if err != nil && len(records) == 0 {
				return err
			}
			return errors.Join(err, report.Records(a.stdout, records, format))
		},
	}
	cmd.Flags().StringVar(&environment, "env", "", "the environment, where no unit is named")
	cmd.Flags().BoolVar(&forget, "forget", false, "remove the unit's record")
	cmd.Flags().StringVar(&format, "format", "table", "table or json")
	return cmd
}
