package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// Host runs steps as processes of this machine, in the checkout itself, so
// that local state survives.
type Host struct {
	root    string
	environ []string
	scratch *scratch
	plugins *pluginCache
	// patience is how long a server or a bare step has to end after it was asked to.
	patience time.Duration
}

// HostOptions are what NewHost may be told.
type HostOptions struct {
	Root    string   // the repository
	Environ []string // what every process inherits ("NAME=value"); each step adds its own
	// ProviderMirror is a folder in filesystem-mirror layout
	// (HOST/NAMESPACE/TYPE/VERSION/PLATFORM): providers come from it alone.
	ProviderMirror string
}

// NewHost returns a runner over a repository. Close removes what it wrote
// outside of it.
func NewHost(o HostOptions) (*Host, error) {
	root, err := filepath.Abs(o.Root)
	if err != nil {
		return nil, fmt.Errorf("repository %s: %w", o.Root, err)
	}
	s, err := newScratch(os.TempDir())
	if err != nil {
		return nil, err
	}
	h := &Host{root: root, environ: usableConfig(o.Environ), scratch: s, patience: patience}
	cache := chosenCache(o.Environ)
	if o.ProviderMirror != "" {
		config, err := mirrorConfig(o.ProviderMirror, o.Environ, s.dir)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		h.environ = append(slices.Clone(h.environ), "TF_CLI_CONFIG_FILE="+config)
	} else if cache == "" {
		cache = ownCache()
	}
	if cache != "" {
		h.plugins = newPluginCache(cache)
	}
	return h, nil
}

// Persistent is true: the checkout stays.
func (h *Host) Persistent() bool { return true }

// Check refuses a folder that cannot be written to.
func (h *Host) Check(dir string) error {
	path := filepath.Join(h.root, filepath.FromSlash(dir))
	if err := writable(path); err != nil {
		return fmt.Errorf("%s: cannot be written to: %w", dir, err)
	}
	return nil
}

// Close removes every private file of this runner.
func (h *Host) Close() error { return h.scratch.close() }

// Open locks the unit's data folder against other Strata processes on this
// machine and returns its workspace.
func (h *Host) Open(ctx context.Context, spec Spec) (Workspace, error) {
	private, err := h.scratch.folder()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", spec.ID, err)
	}
	w := &hostWorkspace{host: h, private: private}
	if spec.DataDir != "" {
		w.unlock, err = lockDir(ctx, filepath.Join(h.root, filepath.FromSlash(spec.DataDir)), spec)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open %s: %w", spec.ID, err), w.Close())
		}
	}
	return w, nil
}

type hostWorkspace struct {
	host    *Host
	private string
	unlock  func() error
	servers atomic.Int32 // that were started
}

func (w *hostWorkspace) Path(name string) string { return filepath.Join(w.private, name) }

func (w *hostWorkspace) WriteFile(_ context.Context, name string, data []byte) error {
	return os.WriteFile(w.Path(name), data, 0o600)
}

func (w *hostWorkspace) ReadFile(_ context.Context, name string) ([]byte, error) {
	return os.ReadFile(w.Path(name))
}

func (w *hostWorkspace) SourcePath(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(w.host.root, filepath.FromSlash(name))
}

func (w *hostWorkspace) ReadSource(_ context.Context, name string) ([]byte, error) {
	return os.ReadFile(w.SourcePath(name))
}

// WriteSource replaces the file as a whole: a reader sees the old content or
// the new one.
func (w *hostWorkspace) WriteSource(_ context.Context, name string, data []byte) error {
	path := w.SourcePath(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".strata-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

func (w *hostWorkspace) RemoveSource(_ context.Context, name string) error {
	err := os.Remove(w.SourcePath(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (w *hostWorkspace) Exists(_ context.Context, name string) bool {
	_, err := os.Stat(w.SourcePath(name))
	return err == nil
}

func (w *hostWorkspace) Close() error {
	err := os.RemoveAll(w.private)
	if w.unlock != nil {
		err = errors.Join(err, w.unlock())
		w.unlock = nil
	}
	return err
}

// Run runs one step. The streams of a step without Stdio go to files and are
// read from there: were they pipes, a Strata that is killed would take
// Terraform down with it in the middle of an apply (SIGPIPE), its resources
// unrecorded.
func (w *hostWorkspace) Run(ctx context.Context, step Step) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, fmt.Errorf("%s: not started: %w", step.Tool.Name, err)
	}
	cmd, err := w.command(step)
	if err != nil {
		return Result{}, err
	}
	if step.Plugins != NoPlugins && w.host.plugins != nil {
		env, done, err := w.host.plugins.take(ctx, step.Plugins)
		if err != nil {
			return Result{}, err
		}
		defer done()
		cmd.Env = append(cmd.Env, env...)
	}
	if step.Stdio != nil {
		return w.attached(ctx, cmd, step)
	}
	ownGroup(cmd)

	stdout, err := w.stream("stdout")
	if err != nil {
		return Result{}, err
	}
	defer stdout.Close()
	stderr, err := w.stream("stderr")
	if err != nil {
		return Result{}, err
	}
	defer stderr.Close()
	cmd.Stdout, cmd.Stderr = stdout, stderr

	started := time.Now()
	wait, err := w.begin(cmd, step)
	if err != nil {
		return Result{}, err
	}
	stop := tail(stdout.Name(), step.Lines)
	stopped, waitErr := wait(ctx)
	tailErr := stop()

	result := Result{ExitCode: exitCode(cmd, waitErr), Duration: time.Since(started)}
	if step.Keep {
		if result.Stdout, err = os.ReadFile(stdout.Name()); err != nil {
			return result, err
		}
	}
	if result.Stderr, err = lastBytes(stderr.Name(), StderrKept); err != nil {
		return result, err
	}
	return result, errors.Join(outcome(ctx, step, result, stopped, waitErr), tailErr)
}

// command is a step's process, yet to be started.
func (w *hostWorkspace) command(step Step) (*exec.Cmd, error) {
	binary := step.Tool.Binary
	if strings.ContainsAny(binary, `/\`) {
		binary = w.SourcePath(binary)
	}
	binary, err := exec.LookPath(binary)
	if err != nil {
		return nil, notFound(step.Tool, err)
	}
	cmd := exec.Command(binary, step.Args...)
	cmd.Dir = w.SourcePath(step.Dir)
	cmd.Env = slices.Clone(w.host.environ)
	if step.Bare {
		cmd.Env = bare(cmd.Env)
	}
	for name, value := range step.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd, nil
}

// stream opens a file that a step writes to.
func (w *hostWorkspace) stream(name string) (*os.File, error) {
	return os.OpenFile(w.Path(name), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
}

// attached runs a step whose streams are its caller's. It stays in the
// caller's process group, so that a terminal keeps working.
func (w *hostWorkspace) attached(ctx context.Context, cmd *exec.Cmd, step Step) (Result, error) {
	if in, ok := step.Stdio.In.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		// The terminal's own Ctrl-C reaches the tool: an interrupt of ours would
		// be its second, which Terraform takes for an order to drop everything.
		ctx = context.WithoutCancel(ctx)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = step.Stdio.In, step.Stdio.Out, step.Stdio.Err
	started := time.Now()
	if err := begin(cmd, step); err != nil {
		return Result{}, err
	}
	stopped, waitErr := waitOrInterrupt(ctx, cmd)
	result := Result{ExitCode: exitCode(cmd, waitErr), Duration: time.Since(started)}
	return result, outcome(ctx, step, result, stopped, waitErr)
}

// begin starts a step that has a group of its own. wait waits for its end, and
// asks for it when the context ends first.
func (w *hostWorkspace) begin(cmd *exec.Cmd, step Step) (wait func(context.Context) (stopped bool, err error), err error) {
	if step.Bare {
		b, err := beginBound(cmd, step, w.host.patience)
		if err != nil {
			return nil, err
		}
		return b.waitOrStop, nil
	}
	if err := begin(cmd, step); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (bool, error) { return waitOrInterrupt(ctx, cmd) }, nil
}

// begin starts cmd. Of a folder that is not there the system says only that
// there is no such file, next to the program's name.
func begin(cmd *exec.Cmd, step Step) error {
	err := cmd.Start()
	if err == nil {
		return nil
	}
	if _, missing := os.Stat(cmd.Dir); missing != nil {
		err = missing
	}
	return fmt.Errorf("%s: %w", step.Tool.Name, err)
}

// waitOrInterrupt waits for cmd to end; when ctx ends first, cmd gets one
// interrupt and is waited for all the same.
func waitOrInterrupt(ctx context.Context, cmd *exec.Cmd) (stopped bool, err error) {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err = <-done:
		return false, err
	case <-ctx.Done():
	}
	select {
	case err = <-done: // by itself, at the same time
		return false, err
	default:
		interrupt(cmd.Process)
		return true, <-done
	}
}

func exitCode(cmd *exec.Cmd, waitErr error) int {
	if cmd.ProcessState != nil {
		return cmd.ProcessState.ExitCode()
	}
	if waitErr != nil {
		return -1
	}
	return 0
}

func outcome(ctx context.Context, step Step, result Result, stopped bool, waitErr error) error {
	if stopped {
		err := ctx.Err()
		if cause := context.Cause(ctx); !errors.Is(cause, err) {
			err = fmt.Errorf("%w: %w", err, cause)
		}
		return fmt.Errorf("%s: interrupted: %w", step.Tool.Name, err)
	}
	var exit *exec.ExitError
	if waitErr != nil && !errors.As(waitErr, &exit) {
		return fmt.Errorf("%s: %w", step.Tool.Name, waitErr)
	}
	if result.ExitCode == 0 || slices.Contains(step.OKCodes, result.ExitCode) {
		return nil
	}
	e := &ExitError{Tool: step.Tool.Name, Args: step.Args, ExitCode: result.ExitCode, Stderr: LastWords(result.Stderr)}
	if exit != nil && result.ExitCode < 0 {
		return fmt.Errorf("%w (%s)", e, exit.String())
	}
	return e
}

func notFound(tool Tool, err error) error {
	if !errors.Is(err, exec.ErrNotFound) && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", tool.Name, err)
	}
	return &NotFoundError{Tool: tool}
}

// lastBytes returns the last n bytes of a file or, where it is no longer, all of
// it without the white space around: what was cut has n.
func lastBytes(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	offset := max(0, info.Size()-n)
	data := make([]byte, info.Size()-offset)
	read, err := f.ReadAt(data, offset)
	if err != nil && read == 0 && len(data) > 0 {
		return nil, err
	}
	if offset > 0 {
		return data[:read], nil
	}
	return bytes.TrimSpace(data[:read]), nil
}
