package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	telemetry "github.com/dagger/otel-go"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/singleflight"

	"github.com/strata-tf/strata/internal/dagger"
	"github.com/strata-tf/strata/internal/runner"
)

// Folders inside every container.
const (
	sourceDir  = "/src"            // the repository
	privateDir = "/strata"         // a unit's private files
	pluginsDir = "/strata-plugins" // providers, read only
	hushFile   = "/strata-hush"

	// hush keeps a command's output out of the engine's traces, which hold
	// whatever a command prints, redirected by the engine or not. It is the same
	// for every command: what it runs are its arguments, which no shell reads.
	hush = "#!/bin/sh\nout=$1 err=$2\nshift 2\nexec \"$@\" >\"$out\" 2>\"$err\"\n"

	lockFile = ".terraform.lock.hcl"
)

// engine is runner.Runner on Dagger containers. This file and engine_*.go beside
// it are the only places that run a container's command.
type engine struct {
	module  *Strata // what every step gets
	source  *dagger.Directory
	files   fs.FS  // the same, as far as Strata reads it itself
	scratch string // of the function's own file system
	nonce   string // differs from run to run: nothing is served from a cache

	lookup func(ctx context.Context, host string) ([]string, error) // finds a service by its name

	mu         sync.Mutex
	installing singleflight.Group // of providers, by lock file
	count      int
	plugins    map[string]*plugins // by image and lock file
}

func newEngine(s *Strata, scratch string) *engine {
	return &engine{
		module: s, scratch: scratch, nonce: nonce(), lookup: net.DefaultResolver.LookupHost, plugins: make(map[string]*plugins),
	}
}

// Persistent is false: what a step leaves in the repository's folders is gone
// with the container.
func (e *engine) Persistent() bool { return false }

// Check has nothing to find: a container's files can always be written to.
func (e *engine) Check(string) error { return nil }

// Open starts the unit's span and returns its workspace.
func (e *engine) Open(ctx context.Context, spec runner.Spec) (runner.Workspace, error) {
	e.mu.Lock()
	e.count++
	number := e.count
	e.mu.Unlock()
	_, span := Tracer().Start(ctx, spec.ID, telemetry.Reveal())
	return &engineWorkspace{engine: e, spec: spec, span: span, number: number, source: e.source}, nil
}

// engineWorkspace is one unit's container; each step extends it.
type engineWorkspace struct {
	*engine
	spec   runner.Spec
	span   trace.Span
	number int
	steps  int
	failed error // the last step's error, for the span

	container *dagger.Container // nil before the first step
	entered   place             // what it was made from
	tool      *dagger.Container // the same, without what is this workspace's
	source    *dagger.Directory // with what the steps so far have left in it
	secrets   []mountedSecret
	providers *plugins // those its init took, nil for none
}

// place is what a tool's container is made from.
type place struct {
	image string
	bare  bool // without what the caller has chained
}

// mountedSecret is a private file that counts as secret.
type mountedSecret struct {
	path   string
	secret *dagger.Secret
}

func (w *engineWorkspace) Path(name string) string { return path.Join(privateDir, name) }

func (w *engineWorkspace) SourcePath(name string) string { return path.Join(sourceDir, name) }

// WriteFile mounts the file as a secret: it is in no layer.
func (w *engineWorkspace) WriteFile(_ context.Context, name string, data []byte) error {
	secret := dag.SetSecret(fmt.Sprintf("%s-%d-%s", w.nonce, w.number, name), string(data))
	// Apart from the folder that steps write to: a mount would hide it.
	w.secrets = append(w.secrets, mountedSecret{path: w.Path(name), secret: secret})
	if w.container != nil {
		w.container = w.container.WithMountedSecret(w.Path(name), secret)
	}
	return nil
}

func (w *engineWorkspace) ReadFile(ctx context.Context, name string) ([]byte, error) {
	return w.read(ctx, w.Path(name))
}

func (w *engineWorkspace) ReadSource(ctx context.Context, name string) ([]byte, error) {
	if w.container == nil {
		return fs.ReadFile(w.files, name)
	}
	return w.read(ctx, w.SourcePath(name))
}

// read brings a file of the container here, byte for byte: as a string its
// content would have to be valid UTF-8.
func (w *engineWorkspace) read(ctx context.Context, name string) ([]byte, error) {
	there, err := w.exists(ctx, name)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	w.steps++
	local := filepath.Join(w.scratch, fmt.Sprintf("%d-%d", w.number, w.steps))
	if _, err := w.container.File(name).Export(ctx, local); err != nil {
		return nil, fmt.Errorf("read %s out of the container: %w", name, err)
	}
	defer os.Remove(local)
	return os.ReadFile(local)
}

func (w *engineWorkspace) exists(ctx context.Context, name string) (bool, error) {
	if w.container == nil {
		return false, nil
	}
	there, err := w.container.Exists(ctx, name)
	if err != nil {
		return false, fmt.Errorf("look for %s in the container: %w", name, err)
	}
	return there, nil
}

// WriteSource puts a file into the unit's copy of the repository.
func (w *engineWorkspace) WriteSource(_ context.Context, name string, data []byte) error {
	w.source = w.source.WithNewFile(name, string(data))
	if w.container != nil {
		w.container = w.container.WithNewFile(w.SourcePath(name), string(data))
	}
	return nil
}

func (w *engineWorkspace) RemoveSource(_ context.Context, name string) error {
	if w.container != nil {
		w.container = w.container.WithoutFile(w.SourcePath(name))
	}
	return nil
}

func (w *engineWorkspace) Exists(ctx context.Context, name string) bool {
	if w.container == nil {
		_, err := fs.Stat(w.files, name)
		return err == nil
	}
	there, err := w.exists(ctx, w.SourcePath(name))
	return err == nil && there
}

// Close ends the unit's span, failed if its last step was.
func (w *engineWorkspace) Close() error {
	err := w.failed
	telemetry.EndWithCause(w.span, &err)
	return nil
}

// Run runs one step in the unit's container and evaluates it once.
func (w *engineWorkspace) Run(ctx context.Context, step runner.Step) (runner.Result, error) {
	if err := ctx.Err(); err != nil {
		return runner.Result{}, fmt.Errorf("%s: not started: %w", step.Tool.Name, err)
	}
	ctx = trace.ContextWithSpan(ctx, w.span)
	result, err := w.run(ctx, step)
	w.failed = err
	return result, err
}

func (w *engineWorkspace) run(ctx context.Context, step runner.Step) (runner.Result, error) {
	if err := w.enter(ctx, step); err != nil {
		var failed *runner.ExitError // of the providers' installation
		if errors.As(err, &failed) {
			return runner.Result{ExitCode: failed.ExitCode, Stderr: []byte(failed.Stderr)}, err
		}
		return runner.Result{}, err
	}
	stdout, stderr := w.Path("stdout"), w.Path("stderr")
	started := time.Now()
	command := w.command(step)
	opts := dagger.ContainerWithExecOpts{Expect: dagger.ReturnTypeAny, RedirectStdout: stdout, RedirectStderr: stderr}
	if step.Sensitive {
		command = hushed(stdout, stderr, command)
		opts.RedirectStdout, opts.RedirectStderr = "", ""
	}
	ran, err := w.prepared(w.container, step).WithExec(command, opts).Sync(ctx)
	result := runner.Result{Duration: time.Since(started)}
	if err != nil {
		return result, fmt.Errorf("%s in %s: %w", step.Tool.Name, w.entered.image, err)
	}
	w.container = ran
	if result.ExitCode, err = ran.ExitCode(ctx); err != nil {
		return result, err
	}
	if err := w.output(ctx, step, &result, stdout, stderr); err != nil {
		return result, err
	}
	if result.ExitCode == 0 || slices.Contains(step.OKCodes, result.ExitCode) {
		return result, nil
	}
	return result, &runner.ExitError{Tool: step.Tool.Name, Args: step.Args, ExitCode: result.ExitCode, Stderr: runner.LastWords(result.Stderr)}
}

// command is what a step runs.
func (w *engineWorkspace) command(step runner.Step) []string {
	binary := step.Tool.Binary
	if runner.InRepository(binary) {
		binary = w.SourcePath(binary)
	}
	return slices.Concat([]string{binary}, step.Args)
}

// hushed runs a command by the hush script.
func hushed(stdout, stderr string, command []string) []string {
	return slices.Concat([]string{hushFile, stdout, stderr}, command)
}

// output reads what the step printed, as far as somebody wants it.
func (w *engineWorkspace) output(ctx context.Context, step runner.Step, result *runner.Result, stdout, stderr string) error {
	if step.Keep || step.Lines != nil || step.Stdio != nil {
		data, err := w.read(ctx, stdout)
		if err != nil {
			return err
		}
		if step.Keep {
			result.Stdout = data
		}
		if step.Lines != nil {
			for line := range strings.Lines(string(data)) {
				step.Lines([]byte(strings.TrimRight(line, "\r\n")))
			}
		}
		if step.Stdio != nil {
			if _, err := step.Stdio.Out.Write(data); err != nil {
				return err
			}
		}
	}
	if result.ExitCode == 0 && step.Stdio == nil {
		return nil
	}
	data, err := w.read(ctx, stderr)
	if err != nil {
		return err
	}
	result.Stderr = data[max(0, len(data)-runner.StderrKept):]
	if step.Stdio != nil {
		_, err = step.Stdio.Err.Write(data)
	}
	return err
}

// prepared is a container right before the step's command. The nonce stands
// last, so that no earlier run's result is taken for this one's.
func (w *engineWorkspace) prepared(c *dagger.Container, step runner.Step) *dagger.Container {
	w.steps++
	c = c.WithWorkdir(w.SourcePath(step.Dir))
	for _, name := range slices.Sorted(maps.Keys(step.Env)) {
		c = c.WithEnvVariable(name, step.Env[name])
	}
	return c.WithEnvVariable("STRATA_NONCE", fmt.Sprintf("%s-%d-%d", w.nonce, w.number, w.steps))
}

// enter makes the container of the step's tool, unless it is there already.
func (w *engineWorkspace) enter(ctx context.Context, step runner.Step) error {
	at, err := w.place(step)
	if err != nil {
		return err
	}
	if w.container == nil || w.entered != at {
		tool, err := w.toolAt(ctx, step.Tool.Name, at)
		if err != nil {
			return err
		}
		w.container, w.entered, w.tool = w.made(tool), at, tool
	}
	if step.Plugins == runner.NoPlugins {
		return nil
	}
	providers, err := w.findProviders(ctx, w.tool, at.image, step.Tool.Binary)
	if err != nil || providers == nil {
		return err
	}
	if providers.lock != nil {
		w.container = w.container.WithFile(w.SourcePath(path.Join(w.spec.Dir, lockFile)), providers.lock)
	}
	w.providers = providers
	w.container = providers.mount(w.container)
	return nil
}

// place says what a step's container is made from.
func (e *engine) place(step runner.Step) (place, error) {
	image := cmp.Or(e.module.chosen(step.Tool.Name), step.Tool.Image, images[step.Tool.Name])
	if image == "" {
		return place{}, fmt.Errorf("%s: no image is known for it: say one in strata.yaml (a hook's image), or with-image --tool %s", step.Tool.Name, step.Tool.Name)
	}
	return place{image: image, bare: step.Bare}, nil
}

// toolAt is a container of a tool, with what the caller has chained unless it is
// bare. Its user is root: the one that an image names could read neither private
// files nor what of a checkout is its owner's alone.
func (e *engine) toolAt(ctx context.Context, name string, at place) (*dagger.Container, error) {
	if err := pull(ctx, name, at.image); err != nil {
		return nil, err
	}
	c, err := e.withShell(ctx, e.module.toolImage(name, at.image).WithUser("0"))
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w", name, at.image, err)
	}
	if at.bare {
		return c, nil
	}
	return e.module.base(c), nil
}

// withShell gives a container that has no shell the one of alpine, for the hush
// script, with the library that it needs there.
func (e *engine) withShell(ctx context.Context, c *dagger.Container) (*dagger.Container, error) {
	const shell, library = "/bin/sh", "/lib"
	there, err := c.Exists(ctx, shell)
	if err != nil {
		return nil, fmt.Errorf("look for a shell: %w", err)
	}
	if there {
		return c, nil
	}
	alpine := dag.Container().From(e.module.image("alpine"))
	return c.WithFile(shell, alpine.File("/bin/busybox")).
		WithDirectory(library, alpine.Directory(library), dagger.ContainerWithDirectoryOpts{Include: []string{"ld-musl-*", "libc.musl-*"}}), nil
}

// made is a container of a tool with all that earlier steps have left in the
// repository and among the private files.
func (w *engineWorkspace) made(tool *dagger.Container) *dagger.Container {
	source, private := w.source, dag.Directory()
	if w.container != nil {
		source, private = w.container.Directory(sourceDir), w.container.Directory(privateDir)
	}
	c := tool.
		WithNewFile(hushFile, hush, dagger.ContainerWithNewFileOpts{Permissions: 0o755}).
		WithMountedDirectory(sourceDir, source).
		WithMountedDirectory(privateDir, private)
	for _, s := range w.secrets {
		c = c.WithMountedSecret(s.path, s.secret)
	}
	if w.providers != nil {
		c = w.providers.mount(c)
	}
	return c
}

// next is a value that no other container has.
func (e *engine) next() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.count++
	return fmt.Sprintf("%s-%d", e.nonce, e.count)
}
