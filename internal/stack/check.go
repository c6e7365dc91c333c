package stack

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/strata-tf/strata/internal/graph"
)

// check finds what the schema cannot: names that do not exist, placeholders,
// circles. The document tells where things stand.
func check(cfg *Config, doc *document) []Problem {
	c := &checker{cfg: cfg, doc: doc, layers: map[string]*Layer{}, templates: map[string]template{}}
	c.names()
	for i := range cfg.Layers {
		c.layer(&cfg.Layers[i], fmt.Sprintf("layers[%d]", i))
	}
	c.backend(&cfg.Backend, nil, "backend")
	for i, rule := range cfg.Unknown {
		c.glob(rule.Glob, fmt.Sprintf("unknown[%d].glob", i))
	}
	c.hooks("hooks.before-plan", cfg.Hooks.BeforePlan)
	c.hooks("hooks.before-apply", cfg.Hooks.BeforeApply)
	c.hooks("hooks.after-apply", cfg.Hooks.AfterApply)
	c.policy(&cfg.Policy)
	c.scan(&cfg.Scan)
	for i, b := range cfg.Drift.Baseline {
		c.glob(b.Unit, fmt.Sprintf("drift.baseline[%d].unit", i))
	}
	for _, kind := range Kinds() {
		c.destination(cfg.Notify.Destination(kind), "notify."+kind)
	}
	c.circles()
	return c.problems
}

// checker collects what is wrong with a configuration.
type checker struct {
	cfg       *Config
	doc       *document
	layers    map[string]*Layer
	templates map[string]template // layers' paths, by layer
	nameless  bool                // a layer's name could not be read
	problems  []Problem
}

func (c *checker) problem(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{Pos: c.doc.at(path), Message: fmt.Sprintf(format, args...)})
}

// names indexes the layers and finds those named twice.
func (c *checker) names() {
	first := map[string]string{}
	for i := range c.cfg.Layers {
		layer := &c.cfg.Layers[i]
		at := fmt.Sprintf("layers[%d].name", i)
		if layer.Name == "" {
			c.nameless = true
			continue
		}
		if there, ok := first[layer.Name]; ok {
			c.problem(at, "two layers are named %q, the first on line %d", layer.Name, c.doc.at(there).Line)
			continue
		}
		first[layer.Name] = at
		c.layers[layer.Name] = layer
		c.templates[layer.Name], _ = parseTemplate(layer.Path, pathPlaceholders())
	}
}

func (c *checker) layer(layer *Layer, at string) {
	c.path(layer, at)
	for i, s := range layer.Needs {
		if s != "" {
			c.need(parseNeed(s), layer, fmt.Sprintf("%s.needs[%d]", at, i))
		}
	}
	c.inputs(layer, at)
	if layer.Backend != nil {
		c.backend(layer.Backend, layer, at+".backend")
	}
	for i, file := range layer.VarFiles {
		c.file(file, layer, fmt.Sprintf("%s.var-files[%d]", at, i))
	}
	for i, glob := range layer.Watch {
		c.file(glob, layer, fmt.Sprintf("%s.watch[%d]", at, i))
		c.glob(glob, fmt.Sprintf("%s.watch[%d]", at, i))
	}
	c.template(layer.Workspace, layer, at+".workspace")
	for i, name := range layer.Environments {
		if _, ok := c.cfg.Environments[name]; !ok && name != "" {
			c.problem(fmt.Sprintf("%s.environments[%d]", at, i), "there is no environment %q%s",
				name, suggest(name, slices.Collect(maps.Keys(c.cfg.Environments))))
		}
		if slices.Index(layer.Environments, name) < i {
			c.problem(fmt.Sprintf("%s.environments[%d]", at, i), "environment %q stands here twice", name)
		}
	}
}

// glob checks that a pattern can be matched with.
func (c *checker) glob(pattern, at string) {
	if !doublestar.ValidatePattern(pattern) {
		c.problem(at, "%q is no valid glob", pattern)
	}
}

// need checks that what is needed can exist.
func (c *checker) need(n need, layer *Layer, at string) bool {
	if _, ok := c.layers[n.layer]; !ok {
		if !c.nameless {
			c.problem(at, "there is no layer %q%s", n.layer, suggest(n.layer, slices.Collect(maps.Keys(c.layers))))
		}
		return false
	}
	if n.layer == layer.Name && n.whole() {
		c.problem(at, "layer %s needs itself", layer.Name)
	}
	if t := c.templates[n.layer]; len(t) > 0 {
		if n.instance != "" && !t.has("instance") {
			c.problem(at, "%s: layer %s has no instances: its path has no {instance}", n, n.layer)
		}
		if n.region != "" && n.region != "*" && n.region != GlobalRegion && !t.has("region") {
			c.problem(at, "%s: layer %s has no regions: its path has no {region}", n, n.layer)
		}
	}
	return true
}

// inputs checks that each input is an output of one of the layer's needs.
func (c *checker) inputs(layer *Layer, at string) {
	needed := map[string]bool{}
	for _, s := range layer.Needs {
		needed[parseNeed(s).layer] = true
	}
	for _, variable := range slices.Sorted(maps.Keys(layer.Inputs)) {
		there := at + ".inputs." + variable
		if slices.Contains(layer.Secrets, variable) {
			c.problem(there+"#", "variable %s cannot be both an input and a secret", variable)
		}
		n, _ := parseInput(layer.Inputs[variable])
		if c.need(n, &Layer{}, there) && !needed[n.layer] {
			c.problem(there, "input %s reads from %s, which is not among the needs of %s: add it to needs",
				variable, n.layer, layer.Name)
		}
	}
}

func (c *checker) hooks(at string, hooks []Hook) {
	for i, hook := range hooks {
		there := fmt.Sprintf("%s[%d]", at, i)
		for j, name := range hook.Layers {
			if _, ok := c.layers[name]; !ok && name != "" && !c.nameless {
				c.problem(fmt.Sprintf("%s.layers[%d]", there, j), "there is no layer %q%s",
					name, suggest(name, slices.Collect(maps.Keys(c.layers))))
			}
		}
		if len(hook.Run) > 0 && hook.Run[0] == "" {
			c.problem(there+".run", "the command is empty")
		}
		if hook.Dir != "" && !insideRoot(hook.Dir) {
			c.problem(there+".dir", "%q leads out of the repository: it must be relative to its root", hook.Dir)
		}
	}
}

func (c *checker) policy(p *Policy) {
	c.tidy(p.Path, "policy.path")
	if p.Timeout == 0 {
		c.problem("policy.timeout", "policy.timeout: 0 would be no time at all: leave the key out for the default")
	}
}

func (c *checker) scan(s *Scan) {
	c.tidy(s.Compliance.Path, "scan."+Compliance+".path")
	c.tidy(s.Baseline, "scan.baseline")
	for i, glob := range s.Skip {
		c.tidy(glob, fmt.Sprintf("scan.skip[%d]", i))
		c.glob(glob, fmt.Sprintf("scan.skip[%d]", i))
	}
	for i, x := range s.Suppress {
		at := fmt.Sprintf("scan.suppress[%d]", i)
		c.glob(x.Rule, at+".rule")
		c.tidy(x.Path, at+".path")
		c.glob(x.Path, at+".path")
	}
}

// tidy checks a path, or a glob of paths, that is written in one way only.
func (c *checker) tidy(p, at string) {
	if p == "" {
		return
	}
	if fault := pathFault(p); fault != "" {
		c.problem(at, "%q %s", clip(p), fault)
	}
}

// destination checks that the environments of its events exist.
func (c *checker) destination(d *Destination, at string) {
	if d == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(d.Events)) {
		if _, ok := c.cfg.Environments[name]; !ok && name != anyOther {
			c.problem(at+".events."+name+"#", "there is no environment %q%s", clip(name),
				suggest(name, append(slices.Collect(maps.Keys(c.cfg.Environments)), anyOther)))
		}
	}
}

// circles finds layers that need each other.
func (c *checker) circles() {
	needs := map[string][]string{}
	for name, layer := range c.layers {
		needs[name] = nil
		for _, s := range layer.Needs {
			n := parseNeed(s)
			if _, ok := c.layers[n.layer]; ok && n.whole() && n.layer != name {
				needs[name] = append(needs[name], n.layer)
			}
		}
	}
	var cycle *graph.CycleError
	if _, err := graph.New(needs); errors.As(err, &cycle) {
		i := slices.IndexFunc(c.cfg.Layers, func(l Layer) bool { return l.Name == cycle.Path[0] })
		c.problem(fmt.Sprintf("layers[%d].needs", i), "layers need each other in a circle: %s", cycle)
	}
}
