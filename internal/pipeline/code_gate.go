package pipeline

import (
	"context"
	"io/fs"
	"path"
	"slices"

	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/sync/errgroup"

	"github.com/strata-tf/strata/internal/affected"
	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/scan"
	"github.com/strata-tf/strata/internal/stack"
)

// scansAtOnce is how many tools look at the code side by side: each takes a
// processor, and Terraform wants some too.
const scansAtOnce = 2

// codeGate looks at the repository's code, once for all units, while these are
// planned: at what git holds or would hold, without what Terraform and Strata
// keep beside it.
type codeGate struct {
	*gates
	tools []codeTool
	here  runner.Runner      // of the checkout
	files *affected.Snapshot // as they are looked at
	whole bool               // findings count that concern none of the units
	stop  context.CancelFunc
	done  chan struct{} // closed when every tool has told

	clean *tree // the files, with nothing beside them
	scrub *runner.Scrubber

	// By unit, once done is closed:
	refuse map[string]map[string]int // how many findings refuse it, by tool
	failed []string                  // why enforced tools told nothing
}

// openCode starts the tools that are on.
func (g *gates) openCode() error {
	var tools []codeTool
	scrub := g.scrubber()
	for _, sc := range scan.Scanners() {
		if mode := g.mode(sc.Name); sc.Input == scan.Code && mode != stack.Off {
			tools = append(tools, g.scanner(sc, mode, scrub))
		}
	}
	if g.validates {
		tools = append(tools, g.formatter(g.mode(stack.GateValidate)))
	}
	if len(tools) == 0 || g.verb != "scan" && len(g.units) == 0 {
		return nil
	}
	files, err := g.workingTree()
	if err != nil {
		return err
	}
	files = files.Only(func(name string) bool { return !affected.Written(name) && !g.skips(name) })
	if g.base != "" {
		files = files.Replace(g.files, g.replaced)
	}
	files = files.Plain()
	c := &codeGate{gates: g, tools: tools, here: g.Runner, files: files, whole: g.verb == "scan" && !g.named, done: make(chan struct{})}
	c.clean, c.scrub = &tree{files: files.In(inTree), at: g.At}, scrub
	ctx, cancel := context.WithCancel(g.soft)
	c.stop = cancel
	g.code = c
	go func() {
		defer close(c.done)
		c.run(ctx)
	}()
	return nil
}

// run lets the tools look, side by side, and weighs what they found.
func (c *codeGate) run(ctx context.Context) {
	found := make([][]finding.Finding, len(c.tools))
	errs := make([]error, len(c.tools))
	var group errgroup.Group
	group.SetLimit(scansAtOnce)
	for i, t := range c.tools {
		group.Go(func() error {
			found[i], errs[i] = c.one(ctx, t)
			return nil
		})
	}
	_ = group.Wait() // the functions return no errors
	c.weighAll(found, errs)
}

// weighAll leaves in each check what counts, and says of the rest why it does
// not. What two tools found counts once.
func (c *codeGate) weighAll(found [][]finding.Finding, errs []error) {
	c.refuse = make(map[string]map[string]int)
	users := c.users(found)
	counted := make(map[string][]finding.Finding) // by mode: what only warns must not stand for what would refuse
	for i, t := range c.tools {
		check := c.check(t.name, t.mode)
		if errs[i] != nil {
			words := c.scrub.Text(firstLine(errs[i].Error()))
			c.fault(check, words)
			if t.mode == stack.Enforce {
				c.failed = append(c.failed, words)
			}
			continue
		}
		list := scrubbed(finding.Scope(append(found[i], c.unseen(t)...), func(file string) []string { return users[file] }), c.scrub)
		list = slices.DeleteFunc(list, func(f finding.Finding) bool { return !c.concerns(f) })
		for j := range list {
			if c.nowhere(list[j]) {
				list[j].Units = ids(c.units)
			}
			list[j].Units = slices.DeleteFunc(list[j].Units, func(id string) bool { return !c.graph.Has(id) })
		}
		list, known := c.weigh(check, list)
		counted[t.mode] = append(counted[t.mode], list...)
		c.keepNew(check, &check.Known, known)
	}
	for mode, list := range counted {
		counts, twice := finding.Duplicates(list, stack.Trivy, stack.Tfsec)
		c.share(mode, counts, twice)
	}
}

// scrubber knows the secrets of all units of the run.
func (g *gates) scrubber() *runner.Scrubber {
	hide := slices.Clone(g.Hide)
	for _, unit := range g.units {
		hide = append(hide, g.secretsOf(unit)...)
	}
	return runner.NewScrubber(hide...)
}

// share gives findings to the checks of their tools, and notes whom they refuse.
func (c *codeGate) share(mode string, counts, twice []finding.Finding) {
	for _, f := range counts {
		check := c.check(f.Tool, mode)
		c.keepNew(check, &check.Findings, []finding.Finding{f})
		if mode != stack.Enforce {
			continue
		}
		for _, unit := range f.Units {
			if c.refuse[unit] == nil {
				c.refuse[unit] = make(map[string]int)
			}
			c.refuse[unit][f.Tool]++
		}
	}
	for _, f := range twice {
		check := c.check(f.Tool, mode)
		c.keepNew(check, &check.Known, []finding.Finding{f})
	}
}

// concerns says whether a finding counts in this run: it is in what a selected
// unit uses or, where all are looked at, in what no unit uses at all.
func (c *codeGate) concerns(f finding.Finding) bool {
	return slices.ContainsFunc(f.Units, c.graph.Has) || c.whole && len(f.Units) == 0 || c.nowhere(f)
}

// nowhere says whether a finding is in no file of the code: then it is everybody's.
func (c *codeGate) nowhere(f finding.Finding) bool {
	_, there := slices.BinarySearch(c.files.Names, f.File)
	return f.Unit == "" && !there
}

// skips says whether a file is not to be looked at.
func (g *gates) skips(name string) bool {
	return slices.ContainsFunc(g.settings.Scan.Skip, func(glob string) bool {
		is, err := doublestar.Match(glob, name)
		return err == nil && is
	})
}

// unseen are the units' files with resources that a tool does not read, and the
// modules that are where none looks: what is in them is not known to be right.
func (c *codeGate) unseen(t codeTool) []finding.Finding {
	if t.reads == nil {
		return nil
	}
	var list []finding.Finding
	add := func(unit *stack.Unit, file, why string) {
		list = append(list, finding.Finding{
			Tool: t.name, Rule: scan.Unread, Severity: finding.High, Unit: unit.ID(), Dir: unit.Path, File: file,
			Title: t.name + " " + why + ": nothing in it was looked at",
			Help:  "see to it that another scanner reads it, and suppress this",
		})
	}
	for _, unit := range c.units {
		modules, err := c.reader.Tree(unit.Path)
		if err != nil {
			continue // the tool tells what it cannot read
		}
		for _, dir := range sortedKeys(modules) {
			entries, err := fs.ReadDir(c.files.FS, dir)
			if err != nil || len(entries) == 0 {
				add(unit, dir, "was not given this module, which is hidden, left out or of another repository")
			}
			for _, entry := range entries {
				name := path.Join(dir, entry.Name())
				if !stack.IsTerraformFile(name) || t.reads(name) {
					continue
				}
				if text, err := fs.ReadFile(c.files.FS, name); err != nil || scanned.Match(text) {
					add(unit, name, "does not read files of this kind")
				}
			}
		}
	}
	return finding.Number(list)
}

// users lists the units that use each of the files with findings: those of other
// environments too, since a file that only they use is not for this one.
func (c *codeGate) users(found [][]finding.Finding) map[string][]string {
	var names []string
	for _, list := range found {
		for _, f := range list {
			names = append(names, f.File)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	users := make(map[string][]string)
	if len(names) == 0 {
		return users
	}
	closures := affected.NewClosures(c.files.FS)
	for _, unit := range c.tree.Units {
		for _, name := range closures.Unit(unit).Match(names) {
			users[name] = append(users[name], unit.ID())
		}
	}
	return users
}

// judge holds a unit against what was found in its code; it waits for it.
func (c *codeGate) judge(r *unitRun, v *verdict) error {
	if c == nil {
		return nil
	}
	select {
	case <-c.done:
	default:
		r.event(report.Waiting, "waits for the scans of the code")
		select {
		case <-c.done:
		case <-r.soft.Done():
			return r.soft.Err()
		}
	}
	for tool, n := range c.refuse[r.unit.ID()] {
		v.refuses(tool, n)
	}
	v.failed = append(v.failed, c.failed...)
	return nil
}

// finish waits for the tools, unless the run was stopped.
func (c *codeGate) finish() {
	if c != nil {
		<-c.done
	}
}

func (c *codeGate) close() error {
	if c == nil {
		return nil
	}
	c.stop()
	<-c.done
	return c.clean.close()
}
