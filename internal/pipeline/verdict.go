package pipeline

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/stack"
)

// verdict is what the gates say of one unit.
type verdict struct {
	refuse map[string]int // enforced findings, by tool
	failed []string       // why enforced tools told nothing
}

func (v *verdict) add(c *report.Check, counted []finding.Finding) {
	if c.Mode != stack.Enforce || len(counted) == 0 {
		return
	}
	v.refuses(c.Tool, len(counted))
}

// refuses counts findings of a tool that refuse the unit.
func (v *verdict) refuses(tool string, n int) {
	if v.refuse == nil {
		v.refuse = make(map[string]int)
	}
	v.refuse[tool] += n
}

// err is why the unit may not go on: a tool that had to tell something and did
// not is a failure, findings are a refusal.
func (v *verdict) err() error {
	if len(v.failed) > 0 {
		return errors.New(strings.Join(slices.Compact(slices.Sorted(slices.Values(v.failed))), "; "))
	}
	if len(v.refuse) == 0 {
		return nil
	}
	tools, n := slices.Sorted(maps.Keys(v.refuse)), 0
	for _, tool := range tools {
		n += v.refuse[tool]
	}
	verb := "refuses"
	if len(tools) > 1 {
		verb = "refuse"
	}
	return &RefusedError{fmt.Sprintf("%s %s it (%s)", strings.Join(tools, " and "), verb, plural(n, "finding", "findings"))}
}

// judge holds the unit's plan against the gates, the cheapest first.
func (r *unitRun) judge() error {
	g := r.gates
	if g == nil {
		return nil
	}
	if over := overLimits(g.limits(), r.unit.ID(), r.plan); len(over) > 0 {
		c := g.check(toolStrata, stack.Enforce)
		g.looked(c, 1, 0)
		g.keepNew(c, &c.Findings, over)
		return &RefusedError{over[0].Title}
	}
	var v verdict
	for _, judge := range []func(*unitRun, *verdict) error{g.policy.judge, g.compliance.judge, g.code.judge} {
		if err := judge(r, &v); err != nil {
			return err
		}
	}
	return v.err()
}

// hold adds what a tool found to its check and returns what of it counts.
func (g *gates) hold(c *report.Check, list []finding.Finding) []finding.Finding {
	counted, known := g.weigh(c, list)
	g.keepNew(c, &c.Findings, counted)
	g.keepNew(c, &c.Known, known)
	return counted
}

// keepNew adds findings to a list of a check, but for those that the check has
// already: a unit that is planned again is judged again.
func (g *gates) keepNew(c *report.Check, list *[]finding.Finding, found []finding.Finding) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range found {
		key := c.Tool + " " + c.Mode + " " + f.Fingerprint()
		if !g.seen[key] {
			g.seen[key] = true
			*list = append(*list, f)
		}
	}
}

// weigh parts what counts from what is accepted, and counts what is less grave
// than the threshold.
func (g *gates) weigh(c *report.Check, list []finding.Finding) (counted, known []finding.Finding) {
	counted, known = g.suppress(c, list)
	g.mu.Lock()
	g.held = append(g.held, counted...)
	g.mu.Unlock()
	counted, accepted := g.accepted.Apply(counted)
	return counted, append(known, accepted...)
}

// suppress is weigh without the baseline.
func (g *gates) suppress(c *report.Check, list []finding.Finding) (counted, known []finding.Finding) {
	grave := finding.Threshold(list, c.Severity)
	counted, known, _ = finding.Suppress(grave, g.suppressions(), time.Now())
	g.mu.Lock()
	defer g.mu.Unlock()
	c.Below += len(list) - len(grave)
	return counted, known
}

func (g *gates) suppressions() []finding.Suppression {
	var list []finding.Suppression
	for _, x := range g.settings.Scan.Suppress {
		list = append(list, finding.Suppression(x))
	}
	return list
}

// fault notes that a tool told nothing, of the whole or of a unit.
func (g *gates) fault(c *report.Check, words string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !slices.Contains(c.Errors, words) {
		c.Errors = append(c.Errors, words)
	}
}

// fault notes that a tool told nothing of the unit, and fails it where the tool had
// to tell something.
func (r *unitRun) fault(c *report.Check, v *verdict, err error) {
	words := r.scrub.Text(firstLine(err.Error()))
	r.gates.fault(c, words)
	if c.Mode == stack.Enforce {
		v.failed = append(v.failed, words)
	}
}

// looked counts what a tool has looked at.
func (g *gates) looked(c *report.Check, n int, seconds float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c.Looked += n
	c.Seconds += seconds
}

// scrubbed makes findings fit to be shown: policies and tools may say what is
// secret.
func scrubbed(list []finding.Finding, scrub *runner.Scrubber) []finding.Finding {
	list = slices.Clone(list)
	for i := range list {
		for _, text := range []*string{&list[i].Title, &list[i].Help, &list[i].Rule, &list[i].Resource, &list[i].File} {
			*text = scrub.Text(*text)
		}
		list[i].Aliases = slices.Clone(list[i].Aliases)
		for j := range list[i].Aliases {
			list[i].Aliases[j] = scrub.Text(list[i].Aliases[j])
		}
	}
	return list
}
