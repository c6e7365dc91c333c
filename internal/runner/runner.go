// Package runner runs tools: it is the only thing that differs between the
// native command (the host's processes) and the Dagger module (containers).
//
// A Runner opens one Workspace per unit. A Workspace runs Steps, one after
// another, over the repository's files, and reads and writes files.
package runner

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Tool names a program and where each runner finds it.
type Tool struct {
	Name   string // what people call it: "terraform"
	Binary string // what the host runs: a name on PATH, or a path, relative to the repository's root or absolute
	Image  string // what the Dagger runner runs it in, with its exact tag
}

// InRepository says whether a program is one of the repository's files.
func InRepository(binary string) bool {
	return strings.Contains(binary, "/") && !path.IsAbs(binary) && !filepath.IsAbs(binary)
}

// Step is one run of one tool.
type Step struct {
	Tool Tool
	Args []string
	// Dir is the folder the step runs in: a slash path relative to the
	// repository's root.
	Dir string
	// Env is added to the runner's own environment. No secret belongs here:
	// secrets are private files (Workspace.WriteFile).
	Env map[string]string
	// OKCodes are the exit codes other than 0 that are a result, not a failure.
	OKCodes []int
	// Lines, if set, is called for each complete line of standard output while
	// the step runs (on runners that cannot follow a step: when it has ended).
	Lines func(line []byte)
	// Keep says whether Result.Stdout is wanted. Streams that Lines consumes
	// are not kept, so that memory does not grow with their length.
	Keep bool
	// Sensitive says that the step's output can hold secrets: a runner that has
	// logs or traces of its own keeps the output out of them.
	Sensitive bool
	// Plugins says what the step does with the plugins that units share.
	Plugins PluginUse
	// Stdio, if set, connects the step to a person's terminal or pipes.
	Stdio *Stdio
	// Bare says that the tool needs no credentials and is given none: of the
	// runner's environment it gets only what finds programs and files. Nothing is
	// lost when such a step is cut off: see Workspace.Run.
	Bare bool
}

// PluginUse says what a step does with the plugins that units share. Terraform
// does not guard its plugin cache: two inits that install into it at once
// spoil each other's files.
type PluginUse int

const (
	NoPlugins      PluginUse = iota
	UsePlugins               // takes only what is there: side by side with others
	InstallPlugins           // may install: alone
)

// StderrKept is how much of a step's standard error a Result holds: its end, in
// bytes.
const StderrKept = 1 << 20

// saidKept is how much of what a tool printed a message holds, in bytes.
const saidKept = 64 << 10

// LastWords returns what a message holds of a tool's standard error: its end, at
// most 64 KiB, without the white space around it.
func LastWords(stderr []byte) string {
	words := bytes.TrimSpace(stderr)
	return string(bytes.TrimSpace(words[max(0, len(words)-saidKept):]))
}

// Result is what a step left behind.
type Result struct {
	ExitCode int
	Stdout   []byte // only with Step.Keep
	Stderr   []byte // the last StderrKept bytes: exactly so many when there were more
	Duration time.Duration
}

// Workspace is where one unit's steps run.
type Workspace interface {
	// Run runs one step and waits for it to end. It returns an *ExitError when
	// the exit code is neither 0 nor one of OKCodes; the Result is valid then.
	//
	// When ctx is cancelled the tool is asked to stop exactly once (SIGINT on a
	// host) and Run still waits for it to end, then returns an error that wraps
	// context.Canceled. A step of which the outcome must not be cut off is
	// given a context that is not cancelled.
	//
	// On a host a bare step without Stdio is one that may be cut off: it is asked
	// together with all that it has started, and killed when it has not ended 5
	// seconds later. What it has started is killed when it ends, however it does;
	// on Linux it is killed when Strata ends.
	Run(ctx context.Context, step Step) (Result, error)

	// Serve starts a step that goes on until it is closed: a server, whose Args
	// are what args makes of the address that it must listen on (unix:// and the
	// path of a socket, or HOST:PORT). It does not wait until the server answers.
	// The step's Args, Lines, Keep, OKCodes, Plugins and Stdio mean nothing here,
	// and its output is seen only in the error of a server that has ended: Err's, or
	// an *ExitError of Serve itself where that waits until the server listens.
	// Whatever happens to ctx later, the server goes on until it is closed.
	Serve(ctx context.Context, step Step, args func(listen string) []string) (Server, error)

	// Path returns the name under which the tools of this workspace find a
	// private file (see WriteFile), usable in Args.
	Path(name string) string

	// WriteFile writes a private file (mode 0600, outside the repository,
	// gone with Close). Its content counts as secret.
	WriteFile(ctx context.Context, name string, data []byte) error

	// ReadFile reads a private file, fs.ErrNotExist if there is none.
	ReadFile(ctx context.Context, name string) ([]byte, error)

	// SourcePath returns the name under which the tools of this workspace find
	// a file of the repository, usable in Args.
	SourcePath(name string) string

	// ReadSource and WriteSource do the same for a file of the repository
	// (slash path relative to its root); RemoveSource removes one.
	ReadSource(ctx context.Context, name string) ([]byte, error)
	WriteSource(ctx context.Context, name string, data []byte) error
	RemoveSource(ctx context.Context, name string) error

	// Exists says whether a file or folder of the repository is there.
	Exists(ctx context.Context, name string) bool

	// Close removes what is private to the workspace.
	Close() error
}

// Server is a tool that runs beside the steps.
type Server interface {
	// Address is where Strata itself reaches it: unix:// and the path of a socket,
	// or HOST:PORT.
	Address() string
	// Ended is closed when the server has ended by itself, never because of Close.
	// Err says why then, on a host as an *ExitError; it is nil before.
	Ended() <-chan struct{}
	Err() error
	// Close ends the server and waits for it; closing twice does nothing more.
	Close() error
}

// Spec says for what a workspace is opened.
type Spec struct {
	ID  string // the unit's id; names the workspace in messages
	Dir string // the unit's folder, slash path relative to the repository's root
	// DataDir is the folder, relative to the repository's root, that only one
	// process may use at a time.
	DataDir string
	// LockTimeout bounds the wait for another process that uses DataDir.
	LockTimeout time.Duration
	// Waiting is called once when another process uses DataDir, with its words
	// on who it is.
	Waiting func(holder string)
}

// Runner opens workspaces.
type Runner interface {
	Open(ctx context.Context, spec Spec) (Workspace, error)
	// Persistent says whether files a step leaves in the repository's folders
	// survive the workspace: true on a host, false in a container. Local state
	// is refused where it would be lost.
	Persistent() bool
	// Check says whether the folder (slash path relative to the repository's
	// root) can be worked in, before anything is touched.
	Check(dir string) error
}

// ExitError is returned when a tool ran and failed.
type ExitError struct {
	Tool     string
	Args     []string
	ExitCode int
	Stderr   string // its LastWords
}

func (e *ExitError) Error() string {
	sub := ""
	if len(e.Args) > 0 {
		sub = " " + e.Args[0]
	}
	msg := fmt.Sprintf("%s%s: exit code %d", e.Tool, sub, e.ExitCode)
	if s := strings.TrimSpace(e.Stderr); s != "" {
		msg += ": " + s
	}
	return msg
}

// NotFoundError is returned when the tool itself is not there.
type NotFoundError struct{ Tool Tool }

func (e *NotFoundError) Error() string {
	if strings.ContainsAny(e.Tool.Binary, `/\`) {
		return fmt.Sprintf("%s: there is no program %s", e.Tool.Name, e.Tool.Binary)
	}
	return fmt.Sprintf("%s: %q is not on PATH: install it, or say where it is", e.Tool.Name, e.Tool.Binary)
}

// Stdio connects a step to its caller. Nil streams are empty.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}
