package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/strata-tf/strata/internal/affected"
	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/store"
)

// app is the command and what the process gives it.
type app struct {
	environ               []string
	stdin, stdout, stderr *os.File

	soft, hard context.Context // end with the first and the second signal
	signals    *signals

	source          string   // --source
	secretVariables []string // that --secret names
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "strata",
		Short: "Deploy a layered Terraform monorepo",
		Long: `Strata deploys a layered Terraform monorepo: each unit as soon as what it needs
is done, side by side where possible, with the values one layer publishes handed
to the next.

Every flag can also be given as an environment variable: --lock-timeout as
STRATA_LOCK_TIMEOUT, several values of one flag on a line each.

Exit codes: 0 done, 1 failed, 2 differences found (drift, plan
--detailed-exitcode), 3 refused by a safety rule, 130 interrupted.`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.flagsFromEnviron(cmd) },
	}
	root.PersistentFlags().StringVar(&a.source, "source", "", "the repository's root (default: the nearest folder upward with strata.yaml, else with .git)")
	root.AddGroup(&cobra.Group{ID: "run", Title: "Run:"}, &cobra.Group{ID: "gates", Title: "Check:"}, &cobra.Group{ID: "look", Title: "Look:"}, &cobra.Group{ID: "repair", Title: "Repair:"})
	root.AddCommand(
		a.planCommand(), a.deployCommand(), a.destroyCommand(), a.driftCommand(), a.scanCommand(), a.policyCommand(), a.validateCommand(),
		a.historyCommand(), a.unitsCommand(), a.graphCommand(), a.affectedCommand(), a.configCommand(), a.versionCommand(),
		a.execCommand(), a.recordsCommand(), a.rescuedCommand(),
	)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	return root
}

// flagsFromEnviron gives each flag that was not said the value of its variable.
func (a *app) flagsFromEnviron(cmd *cobra.Command) error {
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := "STRATA_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := a.getenv(name)
		if f.Changed || !ok || value == "" || f.Name == "help" {
			return
		}
		values := []string{value}
		if _, list := f.Value.(pflag.SliceValue); list {
			values = strings.Split(strings.TrimSpace(value), "\n")
		}
		for _, value := range values {
			if err := cmd.Flags().Set(f.Name, strings.TrimSpace(value)); err != nil {
				errs = append(errs, fmt.Errorf("%s=%s: %w", name, value, err))
			}
		}
	})
	return errors.Join(errs...)
}

func (a *app) getenv(name string) (value string, ok bool) {
	for _, pair := range a.environ {
		if n, v, _ := strings.Cut(pair, "="); n == name {
			value, ok = v, true
		}
	}
	return value, ok
}

// root finds the repository.
func (a *app) root() (string, error) {
	if a.source != "" {
		info, err := os.Stat(a.source)
		if err != nil {
			return "", fmt.Errorf("--source: %w", err)
		}
		if !info.IsDir() {
			return "", fmt.Errorf("--source: %s is not a folder", a.source)
		}
		return filepath.Abs(a.source)
	}
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for _, marker := range []string{stack.ConfigFile, ".git"} {
		for dir := start; ; dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, marker)); err == nil {
				return dir, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return start, nil
}

// options are what every verb over the repository is told.
func (a *app) options(mirror string) (o pipeline.Options, done func(), err error) {
	root, err := a.root()
	if err != nil {
		return o, nil, err
	}
	environ := a.withoutSecrets()
	host, err := runner.NewHost(runner.HostOptions{Root: root, Environ: environ, ProviderMirror: mirror})
	if err != nil {
		return o, nil, err
	}
	repository, commit, err := openRepository(root)
	if err != nil {
		fmt.Fprintf(a.stderr, "strata: warning: %v\n", err)
	}
	kept, err := localStore(root)
	if err != nil {
		return o, nil, err
	}
	source := os.DirFS(root)
	files := func() (*affected.Snapshot, error) { return affected.SnapshotOf(source) }
	if repository != nil {
		files = repository.WorkingTree
	}
	return pipeline.Options{
		Repository: repository, WorkingTree: files, Root: root, At: hostAt(environ, mirror),
		OpenRecords: func(ctx context.Context, url string) (pipeline.Memory, error) { return store.Open(ctx, url) },
		Source:      source, Runner: host, Store: kept, Cache: newUserCache(root),
		Version: strataVersion(), Environ: environ, Commit: commit, Progress: report.Discard{}, Stop: a.soft,
		Logs: filepath.Join(root, ".strata", "logs"),
	}, func() { _ = host.Close() }, nil
}

// hostAt returns what runs steps in other files than the checkout's, in a
// folder of their own, which does not stay when Strata is killed.
func hostAt(environ []string, mirror string) func(*affected.Snapshot) (runner.Runner, func() error, error) {
	return func(files *affected.Snapshot) (runner.Runner, func() error, error) {
		dir, remove, err := runner.TempFolder()
		if err != nil {
			return nil, nil, err
		}
		if err := files.Export(dir); err != nil {
			return nil, nil, errors.Join(err, remove())
		}
		host, err := runner.NewHost(runner.HostOptions{Root: dir, Environ: environ, ProviderMirror: mirror})
		if err != nil {
			return nil, nil, errors.Join(err, remove())
		}
		return host, func() error { return errors.Join(host.Close(), remove()) }, nil
	}
}

// localStore is where states are kept that a backend did not take: on this
// machine, since the backend's bucket may be what failed.
func localStore(root string) (*store.Store, error) {
	url, err := store.FolderURL(filepath.Join(root, ".strata", "store"))
	if err != nil {
		return nil, err
	}
	return store.Open(context.Background(), url)
}

// openRepository opens the git repository around root, if there is one.
func openRepository(root string) (r *affected.Repository, commit string, err error) {
	r, err = affected.Open(root)
	if errors.Is(err, affected.ErrNoRepository) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	if ignored, err := r.Ignored(); err != nil || ignored {
		return nil, "", errors.Join(err, r.Close())
	}
	commit, _, err = r.Head()
	return r, commit, err
}

// withoutSecrets is the environment without the variables that hold secrets:
// units get theirs in a private file, and no other unit's tool sees them.
func (a *app) withoutSecrets() []string {
	return slices.DeleteFunc(slices.Clone(a.environ), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return strings.HasPrefix(name, pipeline.SecretVariable("")) || slices.Contains(a.secretVariables, name)
	})
}

// exitError ends the process with a code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func exitCode(err error) int {
	var exit *exitError
	var refused *pipeline.RefusedError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &refused):
		return 3
	case errors.Is(err, context.Canceled):
		return 130
	}
	return 1
}
