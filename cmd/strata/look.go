package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
)

func (a *app) unitsCommand() *cobra.Command {
	var environment, format string
	var regions []string
	cmd := &cobra.Command{
		Use: "units", Short: "List the units", GroupID: "look", Args: cobra.NoArgs,
		Example: "  strata units\n  strata units --env staging --region us-east-1 --format json",
		RunE: func(*cobra.Command, []string) error {
			o, done, err := a.options("")
			if err != nil {
				return err
			}
			defer done()
			o.Select.Environment, o.Select.Regions = environment, regions
			units, err := pipeline.Units(o)
			if err != nil {
				return err
			}
			return report.Units(a.stdout, units, format)
		},
	}
	cmd.Flags().StringVar(&environment, "env", "", "only this environment's")
	cmd.Flags().StringArrayVar(&regions, "region", nil, "only this region's, with --env (repeatable)")
	cmd.Flags().StringVar(&format, "format", "table", "table or json")
	return cmd
}

func (a *app) graphCommand() *cobra.Command {
	var environment, format string
	var regions, only []string
	cmd := &cobra.Command{
		Use: "graph --env ENV", Short: "Draw which unit needs which", GroupID: "look", Args: cobra.NoArgs,
		Example: "  strata graph --env staging --format mermaid",
		RunE: func(*cobra.Command, []string) error {
			o, done, err := a.options("")
			if err != nil {
				return err
			}
			defer done()
			o.Select = stack.SelectOptions{Environment: environment, All: len(only) == 0, Only: only, Regions: regions}
			g, err := pipeline.Graph(o)
			if err != nil {
				return err
			}
			return report.Graph(a.stdout, g, format)
		},
	}
	cmd.Flags().StringVar(&environment, "env", "", "the environment (required)")
	cmd.Flags().StringArrayVar(&regions, "region", nil, "only this region's units (repeatable)")
	cmd.Flags().StringArrayVar(&only, "only", nil, "only units that match this `GLOB` (repeatable)")
	cmd.Flags().StringVar(&format, "format", "text", "text, mermaid, dot or json")
	return cmd
}

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Check and show the configuration", GroupID: "look"}
	cmd.AddCommand(
		&cobra.Command{
			Use: "check", Short: "Check strata.yaml and the units' folders", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				o, done, err := a.options("")
				if err != nil {
					return err
				}
				defer done()
				n, err := pipeline.Check(o)
				if err != nil {
					return err
				}
				units := "units"
				if n == 1 {
					units = "unit"
				}
				_, err = fmt.Fprintf(a.stdout, "%s is right: %d %s\n", stack.ConfigFile, n, units)
				return err
			},
		},
		&cobra.Command{
			Use: "show", Short: "Show the configuration with every default filled in", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				root, err := a.root()
				if err != nil {
					return err
				}
				config, err := stack.Load(os.DirFS(root))
				if err != nil {
					return err
				}
				data, err := config.Marshal()
				if err != nil {
					return err
				}
				_, err = a.stdout.Write(data)
				return err
			},
		},
		&cobra.Command{
			Use: "schema", Short: "Print the JSON schema of strata.yaml", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				data, err := stack.Schema()
				if err != nil {
					return err
				}
				_, err = a.stdout.Write(data)
				return err
			},
		},
	)
	return cmd
}

// version and commit are set by the linker in releases.
var version, commit string

func (a *app) versionCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "version", Short: "Show version, commit and Go", GroupID: "look", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v, c := buildVersion()
			if format == "json" {
				return json.NewEncoder(a.stdout).Encode(map[string]string{"version": v, "commit": c, "go": runtime.Version()})
			}
			_, err := fmt.Fprintf(a.stdout, "strata %s (commit %s, %s, %s/%s)\n", v, c, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

// strataVersion is what names this program in what it writes and sends.
func strataVersion() string {
	v, _ := buildVersion()
	return v
}

// buildVersion takes what the linker was told, else what Go recorded.
func buildVersion() (v, c string) {
	v, c = version, commit
	info, ok := debug.ReadBuildInfo()
	if v == "" && ok {
		v = info.Main.Version
	}
	if c == "" && ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				c = s.Value
			}
		}
	}
	if v == "" {
		v = "(devel)"
	}
	if c == "" {
		c = "unknown"
	}
	return v, c
}
