package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/scan"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/terraform"
)

// inTree is where the code is in the tree that tools are given, with nothing beside
// it: trivy leaves folders of some names out right below what it looks at.
const inTree = "repository"

// lookLimit is how long a tool may look at the code.
const lookLimit = 20 * time.Minute

// codeTool is a tool that looks at code.
type codeTool struct {
	name, mode string
	install    string // how to get it, and by which gate it is switched off
	gate       string
	reads      func(name string) bool // whether it reads a file of this name; nil for all
	program    runner.Tool
	how        string // all that its result depends on beside its version and the files
	version    func(ctx context.Context, ws runner.Workspace) (string, error)
	look       func(ctx context.Context, ws runner.Workspace) (scan.Report, error)
}

// scanner is a scanner as a tool of the gate.
func (g *gates) scanner(sc scan.Scanner, mode string, scrub *runner.Scrubber) codeTool {
	program := g.program(sc.Tool)
	how, _ := json.Marshal([]any{sc.Args(scan.Options{}), sc.Env, program.Image, program.Binary}) // plain data
	return codeTool{
		name: sc.Name, mode: mode, install: sc.Install, gate: sc.Name, program: program, how: string(how),
		reads: sc.Reads,
		version: func(ctx context.Context, ws runner.Workspace) (string, error) {
			result, err := ws.Run(ctx, runner.Step{Tool: program, Args: sc.VersionArgs, Dir: ".", Env: sc.Env, Keep: true, Bare: true})
			return scan.ParseVersion(result.Stdout), err
		},
		look: func(ctx context.Context, ws runner.Workspace) (scan.Report, error) {
			o := scan.Options{Root: ws.SourcePath(inTree), Cache: ws.Path("checks")}
			if g.looksFromAbove(sc) {
				o.Above = ws.SourcePath(".")
			}
			result, err := ws.Run(ctx, runner.Step{Tool: program, Args: sc.Args(o), Dir: inTree, Env: sc.Env, OKCodes: sc.OKCodes, Keep: true, Sensitive: true, Bare: true})
			if err := ran(err); err != nil {
				return scan.Report{}, err
			}
			return sc.Read(o, scan.Output{
				ExitCode: shellCode(result.ExitCode, err), Stdout: scrub.JSON(result.Stdout), Stderr: []byte(scrub.Text(string(result.Stderr))),
				Cut: len(result.Stderr) >= runner.StderrKept, // as it was said: a scrubbed one has another length
			})
		},
	}
}

// shellCode is the exit code that a shell tells of a process, which a scanner's own
// wrapper or a container does too: 128 and the signal that ended it.
func shellCode(code int, err error) int {
	if code >= 0 || err == nil {
		return code
	}
	for number, name := range map[int]string{2: "interrupt", 6: "aborted", 11: "segmentation fault", 15: "terminated"} {
		if strings.Contains(err.Error(), "signal: "+name) {
			return 128 + number
		}
	}
	return 128 + 9
}

// looksFromAbove says whether a scanner would leave code out if it looked at the
// repository itself.
func (g *gates) looksFromAbove(sc scan.Scanner) bool {
	return sc.Name == stack.Trivy && slices.ContainsFunc(g.code.files.Names, func(name string) bool {
		return stack.IsTerraformFile(name) && scan.TrivyLeavesOut(name)
	})
}

// formatter is Terraform's own, as a tool of the gate.
func (g *gates) formatter(mode string) codeTool {
	return codeTool{
		name: g.tool.Name, mode: mode, gate: stack.GateValidate, program: g.tool, how: strings.Join(terraform.FmtArgs(), " "),
		version: func(context.Context, runner.Workspace) (string, error) { return g.version.Number, nil },
		look: func(ctx context.Context, ws runner.Workspace) (scan.Report, error) {
			result, err := ws.Run(ctx, runner.Step{Tool: g.tool, Args: terraform.FmtArgs(), Dir: inTree, Env: g.env, OKCodes: []int{terraform.FmtUnformatted}, Keep: true, Bare: true})
			if err := ran(err); err != nil {
				return scan.Report{}, err
			}
			list, err := terraform.ReadFmt(g.tool.Name, result.ExitCode, result.Stdout, result.Stderr)
			return scan.Report{Findings: list, Files: 1}, err
		},
	}
}

// one lets one tool look, unless it has looked at the same files.
func (c *codeGate) one(ctx context.Context, t codeTool) ([]finding.Finding, error) {
	started := time.Now()
	c.Progress.Event(report.Event{Kind: report.Note, Time: started, Text: t.name + " looks at the code"})
	told, cached, err := c.told(ctx, t)
	if err == nil {
		err = c.lookedAtAll(t, told)
	}
	check := c.check(t.name, t.mode)
	c.looked(check, told.Files, time.Since(started).Seconds())
	c.mu.Lock()
	defer c.mu.Unlock()
	check.Version, check.Cached, check.Ignored = cmp.Or(told.Version, check.Version), cached, told.Suppressed
	return told.Findings, err
}

func (c *codeGate) told(ctx context.Context, t codeTool) (told scan.Report, cached bool, err error) {
	version, err := c.ask(ctx, t)
	if err != nil {
		return told, false, c.missing(err, t.install, t.gate)
	}
	digest := c.digest(t, version)
	if told, ok := c.kept(ctx, t, digest); ok {
		return told, true, nil
	}
	ws, err := c.clean.open(ctx, t.name)
	if err != nil {
		return told, false, err
	}
	defer ws.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, lookLimit, fmt.Errorf("%s took longer than %s", t.name, lookLimit))
	defer cancel()
	if told, err = t.look(ctx, ws); err != nil {
		return scan.Report{}, false, cmp.Or(timedOut(ctx), err)
	}
	told.Version = cmp.Or(told.Version, version)
	c.retain(ctx, c.key(t), keptScan{digest, told})
	return told, false, nil
}

// timedOut is why a time limit ended a context; nil where none did.
func timedOut(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return context.Cause(ctx)
	}
	return nil
}

// ask asks a tool for its version.
func (c *codeGate) ask(ctx context.Context, t codeTool) (string, error) {
	ws, err := c.here.Open(ctx, runner.Spec{ID: t.name, Dir: "."})
	if err != nil {
		return "", err
	}
	version, err := t.version(ctx, ws)
	return version, errors.Join(err, ws.Close())
}

// lookedAtAll refuses a tool that looked at no file although there is code: it
// tells the same of what it did not find and of what it knows nothing about.
func (c *codeGate) lookedAtAll(t codeTool, told scan.Report) error {
	if told.Files > 0 || len(told.Findings) > 0 {
		return nil
	}
	for _, name := range c.files.Names {
		if !stack.IsTerraformFile(name) {
			continue
		}
		text, err := fs.ReadFile(c.files.FS, name)
		if err != nil || scanned.Match(text) {
			return fmt.Errorf("%s looked at no file, although %s holds resources: run it by hand to see why", t.name, name)
		}
	}
	return nil
}

// scanned finds a resource that every scanner knows: one of the large clouds'.
var scanned = regexp.MustCompile(`"(aws|azurerm|google)_[a-z0-9_]+"\s*("|:)`)

// digest is of all that a tool's result depends on.
func (c *codeGate) digest(t codeTool, version string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q\n", t.name, version, t.how)
	for _, name := range c.files.Names {
		id, _ := c.files.ID(name)
		fmt.Fprintf(h, "%q %s\n", name, id)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// keptScan is what a tool told last.
type keptScan struct {
	Digest string
	Report scan.Report
}

func (*codeGate) key(t codeTool) string { return "scans/" + t.name + ".json" }

// kept is what a tool told of the same files.
func (c *codeGate) kept(ctx context.Context, t codeTool, digest string) (scan.Report, bool) {
	var k keptScan
	if !c.recall(ctx, c.key(t), &k) || k.Digest != digest {
		return scan.Report{}, false
	}
	return k.Report, true
}
