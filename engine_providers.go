package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/strata-tf/strata/internal/dagger"
	"github.com/strata-tf/strata/internal/runner"
)

// plugins are the providers of one lock file.
type plugins struct {
	dir  *dagger.Directory
	lock *dagger.File // with the digests of unpacked providers added
}

// mount puts the providers where init takes them from. They stay: the data
// folder only links to them.
func (p *plugins) mount(c *dagger.Container) *dagger.Container {
	return c.WithMountedDirectory(pluginsDir, p.dir).
		WithNewFile("/etc/strata.tfrc", string(runner.MirrorConfig(nil, pluginsDir))).
		WithEnvVariable("TF_CLI_CONFIG_FILE", "/etc/strata.tfrc")
}

// findProviders returns the folder the unit's providers come from: the mirror
// that was given, else one filled once for each lock file and kept by the
// engine, which is safe since a lock file fixes versions and digests. A unit
// without a lock file has none, nor has one whose binary is in the repository,
// where tool, a container of image, has it not: its init asks the registry.
func (w *engineWorkspace) findProviders(ctx context.Context, tool *dagger.Container, image, binary string) (*plugins, error) {
	if w.module.Mirror != nil {
		return &plugins{dir: w.module.Mirror}, nil
	}
	if runner.InRepository(binary) {
		return nil, nil
	}
	lock, err := fs.ReadFile(w.files, path.Join(w.spec.Dir, lockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	key := image + " " + binary + "\n" + string(lock)
	installed, err, _ := w.installing.Do(key, func() (any, error) {
		w.mu.Lock()
		known := w.plugins[key]
		w.mu.Unlock()
		if known != nil {
			return known, nil
		}
		made, err := install(ctx, tool, binary, lock)
		if err == nil {
			w.mu.Lock()
			w.plugins[key] = made
			w.mu.Unlock()
		}
		return made, err
	})
	if err != nil {
		return nil, fmt.Errorf("install the providers of %s/%s: %w", w.spec.Dir, lockFile, err)
	}
	return installed.(*plugins), nil
}

// install fills a folder with the providers of a lock file. It has no nonce:
// the same lock file gives the same providers, and a failure is not kept.
func install(ctx context.Context, tool *dagger.Container, binary string, lock []byte) (*plugins, error) {
	config, err := runner.RequiredProviders(lock)
	if err != nil {
		return nil, err
	}
	c, err := tool.
		WithNewFile("/providers/providers.tf", string(config)).
		WithNewFile("/providers/"+lockFile, string(lock)).
		WithWorkdir("/providers").
		WithExec([]string{binary, "init", "-backend=false", "-input=false", "-no-color"}).
		Sync(ctx)
	var failed *dagger.ExecError
	if errors.As(err, &failed) {
		return nil, &runner.ExitError{Tool: path.Base(binary), Args: []string{"init"}, ExitCode: failed.ExitCode, Stderr: failed.Stderr}
	}
	if err != nil {
		return nil, err
	}
	return &plugins{dir: c.Directory(".terraform/providers"), lock: c.File(lockFile)}, nil
}
