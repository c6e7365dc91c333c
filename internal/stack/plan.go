package stack

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// layerPlan is a layer with its templates parsed.
type layerPlan struct {
	layer     *Layer
	segments  []template
	hasEnv    bool
	varFiles  []template
	watch     []template
	config    template // of the backend
	demanded  bool     // the backend's file must exist
	values    map[string]template
	workspace template
}

// planLayer parses a layer's templates. Load has checked them, so an error is
// for configurations made by hand.
func planLayer(layer *Layer, cfg *Config) (*layerPlan, error) {
	plan := &layerPlan{layer: layer, values: map[string]template{}}
	backend := cfg.Backend
	if layer.Backend != nil {
		backend = *layer.Backend
	}
	plan.demanded = layer.Backend != nil || backend.Config != defaultBackendConfig
	var firstErr error
	parse := func(s string, allowed []string) template {
		t, err := parseTemplate(s, allowed)
		if err != nil && firstErr == nil {
			firstErr = err
		}
		return t
	}
	if layer.Path != "." {
		for segment := range strings.SplitSeq(layer.Path, "/") {
			t := parse(segment, pathPlaceholders())
			plan.segments = append(plan.segments, t)
			plan.hasEnv = plan.hasEnv || t.has("env")
		}
	}
	for _, file := range layer.VarFiles {
		plan.varFiles = append(plan.varFiles, parse(file, settingPlaceholders()))
	}
	for _, glob := range plan.layer.Watch {
		plan.watch = append(plan.watch, parse(glob, settingPlaceholders()))
	}
	plan.config = parse(backend.Config, settingPlaceholders())
	for name, value := range backend.Values {
		plan.values[name] = parse(value, settingPlaceholders())
	}
	plan.workspace = parse(layer.Workspace, settingPlaceholders())
	return plan, firstErr
}

// literal says whether the layer's path has no placeholder at all.
func (p *layerPlan) literal() bool {
	return !slices.ContainsFunc(p.segments, func(t template) bool {
		_, ok := t.literal()
		return !ok
	})
}

// literal is the template's text, if it has no placeholder.
func (t template) literal() (string, bool) {
	if len(t) != 1 || t[0].placeholder {
		return "", false
	}
	return t[0].text, true
}

// unit builds a unit from its names, all placeholders filled in.
func (d *discovery) unit(plan *layerPlan, n names) *Unit {
	u := &Unit{
		Layer: n.layer, Instance: n.instance, Region: n.region, Environment: n.env, Path: n.path,
		Secrets:   slices.Clone(plan.layer.Secrets),
		Workspace: plan.workspace.expand(n),
	}
	for _, t := range plan.varFiles {
		file := t.expandPath(n)
		if !d.exists(file) {
			d.problem("%s: variable file %s of layer %s does not exist", u.ID(), shown(file), u.Layer)
		}
		u.VarFiles = append(u.VarFiles, file)
	}
	for _, t := range plan.watch {
		u.Watch = append(u.Watch, t.expandPath(n))
	}
	if len(plan.config) > 0 {
		file := plan.config.expandPath(n)
		switch {
		case d.exists(file):
			u.Backend.Config = file
		case plan.demanded:
			d.problem("%s: backend configuration %s of layer %s does not exist", u.ID(), shown(file), u.Layer)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(plan.values)) {
		if u.Backend.Values == nil {
			u.Backend.Values = make(map[string]string, len(plan.values))
		}
		u.Backend.Values[name] = plan.values[name].expand(n)
	}
	return u
}

// exists says whether a file of the repository exists. It asks once.
func (d *discovery) exists(file string) bool {
	exists, asked := d.files[file]
	if !asked {
		info, err := fs.Stat(d.fsys, file)
		exists = err == nil && !info.IsDir()
		d.files[file] = exists
	}
	return exists
}
