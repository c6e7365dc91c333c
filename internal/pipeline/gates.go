package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/stack"
)

// gates hold the units of a run to the rules of its environment.
type gates struct {
	*session
	*rules
	verb     string
	accepted finding.Baseline

	code       *codeGate       // nil where nothing looks at the code
	policy     *policyGate     // nil where no policy is asked
	compliance *complianceGate // nil where no plan is held against sentences
	validates  bool            // units' code is validated and tested
	ruled      *tree           // the files that gates go by

	mu     sync.Mutex
	checks map[string]*report.Check // by tool and mode
	seen   map[string]bool          // what checks hold, by tool, mode and fingerprint
	held   []finding.Finding        // all that would count without a baseline
}

// openGates reads the rules and starts what the gates of the verb need. What is
// wrong with them is said before anything is touched.
func (s *session) openGates(verb string) error {
	r, err := s.findRules(verb)
	if err != nil {
		return err
	}
	g := &gates{session: s, rules: r, verb: verb, checks: make(map[string]*report.Check), seen: make(map[string]bool)}
	if s.WriteBaseline == nil { // else it is about to be
		if g.accepted, err = r.baseline(s.Baselines); err != nil {
			return err
		}
	}
	g.ruled = &tree{files: r.files, at: s.At}
	s.gates = g
	g.warnExpired()
	if len(r.changed) > 0 {
		g.hold(g.check(toolStrata, stack.Warn), r.changed)
	}
	g.validates = g.mode(stack.GateValidate) != stack.Off
	if err = g.openPolicy(); err == nil {
		err = g.openCompliance()
	}
	if err == nil {
		err = g.openCode()
	}
	if err != nil {
		return errors.Join(err, g.close())
	}
	if g.base != "" && (g.ask() || s.judged()) {
		s.notes = append(s.notes, r.from)
	}
	return nil
}

// ask says whether any gate holds anything in this run.
func (g *gates) ask() bool {
	return g.code != nil || g.policy != nil || g.compliance != nil || g.validates || g.limits() != nil || len(g.checks) > 0
}

// gatesOf are the gates that a verb asks: a plan and a deploy ask all.
func gatesOf(verb string) []string {
	switch verb {
	case "plan", "deploy":
		return append([]string{stack.GateValidate, stack.GatePolicy}, stack.Scanners()...)
	case "scan":
		return stack.Scanners()
	case "policy":
		return []string{stack.GatePolicy}
	case "validate":
		return []string{stack.GateValidate}
	}
	return nil
}

// mode is what a gate does in this run: a verb that is about the gate asks it
// where the environment does not, and only tells then.
func (g *gates) mode(gate string) string {
	if !slices.Contains(gatesOf(g.verb), gate) {
		return stack.Off
	}
	found := false
	switch gate {
	case stack.GatePolicy:
		found = g.has(g.settings.Policy.Path)
	case stack.Compliance:
		found = g.has(g.settings.Scan.Compliance.Path)
	}
	mode := g.settings.Mode(g.Select.Environment, gate, found)
	if g.WriteBaseline != nil && mode == stack.Enforce {
		mode = stack.Warn // all that is found is accepted
	}
	switch {
	case g.verb == "scan" && len(g.Tools) > 0:
		if !slices.Contains(g.Tools, gate) {
			return stack.Off
		}
		fallthrough
	case g.verb == "policy", g.verb == "validate":
		if mode == stack.Off {
			return stack.Warn
		}
	}
	return mode
}

// readPlans says whether somebody holds units' plans against rules, also those
// of plans that change nothing.
func (g *gates) readPlans() bool { return g != nil && (g.policy != nil || g.compliance != nil) }

// close ends what the gates have started.
func (g *gates) close() error {
	if g == nil {
		return nil
	}
	return errors.Join(g.code.close(), g.policy.close(), g.ruled.close())
}

// finish hands what the gates have told to the run.
func (g *gates) finish(run *report.Run) {
	if g == nil {
		return
	}
	g.code.finish()
	g.mu.Lock()
	defer g.mu.Unlock()
	place := func(c *report.Check) int {
		order := append([]string{toolStrata, g.tool.Name, opa}, stack.Scanners()...)
		return slices.Index(order, c.Tool)
	}
	for _, c := range slices.SortedFunc(maps.Values(g.checks), func(a, b *report.Check) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a.Mode, b.Mode))
	}) {
		c.Findings = slices.SortedFunc(slices.Values(c.Findings), finding.Compare)
		c.Undetermined = slices.SortedFunc(slices.Values(c.Undetermined), finding.Compare)
		c.Known = slices.SortedFunc(slices.Values(c.Known), finding.Compare)
		slices.Sort(c.Errors)
		run.Checks = append(run.Checks, *c)
	}
}

// check is where a tool's findings are collected that are gated in one way.
func (g *gates) check(tool, mode string) *report.Check {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := tool + " " + mode
	if g.checks[key] == nil {
		g.checks[key] = &report.Check{
			Tool: tool, Mode: mode, Findings: []finding.Finding{},
			Severity: g.threshold(tool),
		}
	}
	return g.checks[key]
}

// threshold is how grave a tool's findings must be to count: what is said is for
// scanners, which find much. What policies deny counts however grave they call it,
// and Terraform's warnings refuse nothing.
func (g *gates) threshold(tool string) finding.Severity {
	switch {
	case slices.Contains(stack.Scanners(), tool):
		return finding.Severity(g.settings.Severity(g.Select.Environment, tool))
	case tool == opa || tool == toolStrata:
		return finding.Info
	}
	return finding.Medium
}

// warnExpired names the suppressions that hold no longer.
func (g *gates) warnExpired() {
	_, _, expired := finding.Suppress(nil, g.suppressions(), time.Now())
	for _, x := range expired {
		g.warnings = append(g.warnings, fmt.Sprintf("%s in %s was suppressed until %s (%s, %s), and counts again", x.Rule, cmp.Or(x.Path, "every file"), x.Until, x.Reason, x.Owner))
	}
}

// program is a gate's tool as strata.yaml has it.
func (g *gates) program(usual runner.Tool) runner.Tool {
	said := g.settings.Tools[usual.Name]
	usual.Binary, usual.Image = cmp.Or(said.Binary, usual.Binary), cmp.Or(said.Image, usual.Image)
	if g.Image != nil {
		usual.Image = cmp.Or(g.Image(usual.Name), usual.Image)
	}
	if runner.InRepository(said.Binary) { // it runs in files of its own, where the repository is not
		usual.Binary = filepath.Join(g.Root, filepath.FromSlash(said.Binary))
	}
	return usual
}

// nothing is what follows where nothing can come of a gate: a refusal where it is
// enforced.
func (g *gates) nothing(gate, tool, mode, why string) error {
	if mode == stack.Enforce {
		return &RefusedError{fmt.Sprintf("%s is enforced in %s, and %s: that would let everything pass", gate, g.Select.Environment, why)}
	}
	g.fault(g.check(tool, mode), why)
	return nil
}

// missing says what to do about a tool that is not there.
func (g *gates) missing(err error, install, gate string) error {
	var missing *runner.NotFoundError
	if !errors.As(err, &missing) {
		return err
	}
	return fmt.Errorf("%s is not on PATH: %s, say where it is (`tools: {%s: {binary: …}}` in strata.yaml), or switch it off (`environments: {%s: {gates: {%s: off}}}`)",
		missing.Tool.Name, install, missing.Tool.Name, g.Select.Environment, gate)
}

// limits are those of the environment, for the verbs that ask them.
func (g *gates) limits() *stack.Limits {
	if g.verb != "plan" && g.verb != "deploy" {
		return nil
	}
	return g.settings.Environments[g.Select.Environment].Limits
}

// ended says whether an error is that the run was stopped, and nothing that a
// tool is to blame for.
func ended(ctx context.Context, err error) bool {
	return ctx.Err() != nil && err != nil
}
