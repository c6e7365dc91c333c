package pipeline

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/strata-tf/strata/internal/affected"
	"github.com/strata-tf/strata/internal/contract"
	"github.com/strata-tf/strata/internal/graph"
	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/terraform"
)

// session is what the units of one run share. It is complete before the first
// unit starts.
type session struct {
	Options
	config *stack.Config
	tree   *stack.Tree
	reader *stack.Reader
	all    *graph.Graph  // every unit of the environment
	units  []*stack.Unit // those selected
	graph  *graph.Graph  // of those selected

	tool    runner.Tool
	version terraform.Version
	env     map[string]string

	soft    context.Context // ends with the first signal
	hard    context.Context // ends with the second
	applies *semaphore.Weighted

	bindings map[string][]contract.Binding // by id of the reading unit
	values   values
	turns    *turns
	out      *output
	now      *session           // of the checkout, where this one is of another commit's code
	blocked  map[string]int     // rescued states that wait, by slug
	held     *affected.Snapshot // the working tree when the run began; nil before it is asked for
	gates    *gates             // that units are held to; nil where the verb has none
	memory   *memory            // of the environment's units; nil where nothing is remembered

	byRecords bool                // the records decide which units run
	compares  bool                // what has changed since a base does
	named     bool                // what was asked for is less than the whole environment
	why       map[string][]string // why each unit runs, where it was not named
	notes     []string            // on the run as a whole
	warnings  []string

	run      *report.Run
	compared compared        // of a drift run
	gone     []record.Record // of a drift run: records without a folder that it looks at
	inner    bool            // it is a part of another run, which is told and kept
	untold   bool            // what it found new could not be told
	began    chan []string   // what failed when the start was told; nil where it was not
	mu       sync.Mutex
	results  map[string]*report.Unit
}

// open reads the repository and checks everything that can be checked before
// anything is touched.
func open(ctx context.Context, verb string, o Options) (*session, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s, err := openUnits(o)
	if err != nil {
		return nil, err
	}
	note, err := s.chooseEnvironment(s.config, verb)
	if err != nil {
		return nil, err
	}
	if note != "" {
		s.notes = append(s.notes, note)
	}
	s.soft, s.hard = ctx, ctx
	if o.Stop != nil {
		soft, cancel := context.WithCancel(ctx)
		context.AfterFunc(o.Stop, cancel)
		s.soft = soft
	}
	if err := s.selectUnits(verb); err != nil {
		return nil, err
	}
	if verb == "drift" {
		if err := s.refuseForgotten(); err != nil {
			return nil, err
		}
	}
	if err := s.ready(verb); err != nil {
		return nil, errors.Join(err, s.gates.close())
	}
	s.startRun(verb)
	return s, nil
}

// ready checks the units and finds the tool that they need, and opens the gates
// of the verb.
func (s *session) ready(verb string) error {
	if verb == "scan" { // only a gate knows whether units are planned
		if err := s.openGates(verb); err != nil || !s.gates.readPlans() {
			return err
		}
		if err := errors.Join(s.read(s.units, false), s.bind(s.units)); err != nil {
			return err
		}
		s.expect()
	}
	if verb != "validate" {
		if err := s.checkUnits(verb); err != nil {
			return err
		}
	}
	if err := s.findTool(); err != nil {
		return err
	}
	if err := s.findRescued(); err != nil {
		return err
	}
	if s.gates != nil || gatesOf(verb) == nil {
		return nil
	}
	return s.openGates(verb)
}

// load reads the configuration and finds the units.
func (s *session) load() error {
	var err error
	if s.config, err = stack.Load(s.Source); err != nil {
		return err
	}
	if s.Binary != "" {
		s.config.Terraform.Binary = s.Binary
	}
	if s.LockTimeout == 0 {
		s.LockTimeout = time.Duration(s.config.Terraform.LockTimeout)
	}
	s.tree, err = stack.Discover(s.Source, s.config)
	s.reader = stack.NewReader(s.Source)
	return err
}

// workingTree is what the repository held when the run began. It is asked before
// the first unit starts.
func (s *session) workingTree() (*affected.Snapshot, error) {
	if s.held == nil {
		files, err := s.WorkingTree()
		if err != nil {
			return nil, fmt.Errorf("read what the repository holds: %w", err)
		}
		s.held = files
	}
	return s.held, nil
}

// checkUnits refuses what would only fail half-way.
func (s *session) checkUnits(verb string) error {
	var errs []error
	for _, unit := range s.units {
		if verb == "drift" && !s.inPlace(unit) {
			continue // its code is not what will run
		}
		errs = append(errs, s.checkSecrets(unit))
		if local := unit.Module.Backend == nil || unit.Module.Backend.Type == "local"; local && !s.Runner.Persistent() {
			errs = append(errs, fmt.Errorf("%s: its state is a local file, which would be lost with the container: give it a remote backend (an s3 block, for one), or run it natively with `strata`", unit.ID()))
		}
		if err := s.Runner.Check(unit.Path); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", unit.ID(), err))
		}
	}
	return errors.Join(errs...)
}

// checkSecrets refuses a unit whose secrets are not all given.
func (s *session) checkSecrets(unit *stack.Unit) error {
	var errs []error
	for _, name := range unit.Secrets {
		if _, declared := unit.Module.Variables[name]; !declared {
			errs = append(errs, fmt.Errorf("%s: strata.yaml gives it the secret %q, but %s declares no such variable", unit.ID(), name, unit.Path))
		} else if _, given := s.secret(name); !given {
			errs = append(errs, fmt.Errorf("%s: its secret %q is not given: %s", unit.ID(), name, s.words().Secret(name)))
		}
	}
	return errors.Join(errs...)
}

// secret finds the value of a secret.
func (s *session) secret(name string) (value string, given bool) {
	if s.Secret == nil {
		return "", false
	}
	return s.Secret(name)
}

// SecretVariable is the environment variable in which a secret is looked for.
func SecretVariable(name string) string {
	return "STRATA_SECRET_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// The tools that run units, by name.
const (
	terraformTool = "terraform"
	tofuTool      = "tofu"
)

// findTool asks Terraform for its version.
func (s *session) findTool() error {
	t := s.config.Terraform
	s.tool = runner.Tool{Name: terraformTool, Binary: t.Binary, Image: t.Image}
	if strings.Contains(path.Base(filepath.ToSlash(t.Binary)), tofuTool) {
		s.tool.Name = tofuTool
	}
	s.env = terraform.Env(s.Environ)
	ws, err := s.Runner.Open(s.soft, runner.Spec{ID: s.tool.Name, Dir: "."})
	if err != nil {
		return err
	}
	defer ws.Close()
	result, err := ws.Run(s.soft, runner.Step{Tool: s.tool, Args: terraform.VersionArgs(), Dir: ".", Env: s.env, Keep: true, Sensitive: true})
	if err != nil {
		var missing *runner.NotFoundError
		if errors.As(err, &missing) {
			return fmt.Errorf("%w (`terraform.binary` in strata.yaml, or --binary; OpenTofu does as well)", err)
		}
		return fmt.Errorf("ask %s for its version: %w", t.Binary, err)
	}
	if s.version, err = terraform.ParseVersion(result.Stdout); err != nil {
		return err
	}
	return s.version.Check(t.Binary, t.Version)
}

func (s *session) startRun(verb string) {
	now := time.Now()
	s.run = &report.Run{
		Notes: s.notes, Warnings: s.warnings,
		Schema: report.Schema, ID: runID(now), Verb: verb,
		Environment: s.Select.Environment, Commit: s.Commit, Started: now.UTC(),
	}
	width := int64(applyWidth)
	if s.Parallelism > 0 {
		width = int64(s.Parallelism)
	}
	s.applies = semaphore.NewWeighted(width)
}

// runID names a run: by its start, so that names sort, and by chance. The first
// three digits behind the dash are the part of the second.
func runID(now time.Time) string {
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails
	part := uint64(now.Nanosecond()) << 12 / uint64(time.Second)
	return fmt.Sprintf("%s-%03x%03x", now.UTC().Format("20060102T150405Z"), part, binary.BigEndian.Uint16(b[:])>>4)
}

// walk visits the units of g in order and side by side and closes the run.
func (s *session) walk(g *graph.Graph, visit func(r *unitRun) error) (*report.Run, error) {
	if err := s.start(g.Len()); err != nil {
		return nil, err
	}
	s.visitAll(g, func(id string, release func()) error { return s.visit(id, release, visit) })
	return s.end()
}

// start opens the run's folder and its display.
func (s *session) start(units int) (err error) {
	if s.out, err = newOutput(s.Options, s.run.ID); err != nil {
		return err
	}
	s.run.Logs = s.out.dir
	s.Progress.Start(s.run.Verb, s.run.Environment, units)
	s.notifyStart()
	return nil
}

func (s *session) visitAll(g *graph.Graph, visit func(id string, release func()) error) {
	slots := s.Parallelism
	if env := s.config.Environments[s.Select.Environment]; slots == 0 && env.Parallelism > 0 {
		slots = env.Parallelism
	}
	if slots == 0 {
		slots = planWidth()
	}
	graph.Walk(s.soft, g, graph.Options{Slots: slots, FailFast: s.FailFast},
		func(_ context.Context, id string, release func()) error { return visit(id, release) },
		func(id, because string) { s.skip(id, because) })
	for _, id := range g.Order() {
		s.run.Units = append(s.run.Units, *s.results[id])
	}
}

// end closes the display and the run.
func (s *session) end() (*report.Run, error) {
	s.Progress.Stop()
	notRun := func(u report.Unit) bool { return u.Result == report.NotRun }
	if s.soft.Err() != nil && slices.ContainsFunc(s.run.Units, notRun) {
		s.run.Result = report.Interrupted
	}
	s.gates.finish(s.run)
	s.run.Seconds = time.Since(s.run.Started).Seconds()
	s.run.Settle()
	if !s.counts() {
		return s.run, s.out.writeRun(s.run)
	}
	if s.memory != nil {
		s.memory.recordLocks(s)
	}
	// What was told is kept, and not the other way round: what a run that is
	// killed in between has found is told once more.
	err := s.out.writeRun(s.run)
	s.notify()
	s.keep()
	return s.run, errors.Join(err, s.out.writeRun(s.run))
}

// counts says whether the run is told and kept: what only looks changes nothing,
// and a part of another run is that one's.
func (s *session) counts() bool { return !onlyLooks(s.run.Verb) && !s.inner }

// onlyLooks says whether a verb looks at code and plans and changes nothing.
func onlyLooks(verb string) bool {
	switch verb {
	case "plan", "scan", "policy", "validate":
		return true
	}
	return false
}

// skip records a unit that is not run.
func (s *session) skip(id, because string) {
	result := s.blank(id)
	result.Result = report.NotRun
	switch {
	case because != "":
		result.Reason = fmt.Sprintf("%s %s", because, s.result(because))
	case s.soft.Err() != nil:
		result.Reason = "the run was interrupted"
	default:
		result.Reason = "another unit failed (--fail-fast)"
	}
	s.finish(result)
}

func (s *session) result(id string) report.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.results[id].Result
}

func (s *session) finish(result *report.Unit) {
	s.mu.Lock()
	s.results[result.ID] = result
	s.mu.Unlock()
	s.Progress.Event(report.Event{Kind: report.UnitFinished, UnitID: result.ID, Time: time.Now(), Unit: result})
}

// blank is a unit's result before anything is known of it.
func (s *session) blank(id string) *report.Unit {
	unit := s.tree.Unit(id)
	if unit == nil {
		return blankOf(s.memory.records[id])
	}
	return &report.Unit{
		ID: id, Path: unit.Path, Layer: unit.Layer, Region: unit.Region, Instance: unit.Instance,
		Needs: unit.Needs, Selected: s.why[id],
	}
}
