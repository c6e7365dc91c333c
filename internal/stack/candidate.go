package stack

import (
	"fmt"
	"maps"
	"slices"
)

// candidate makes units of a folder that a layer's whole path led to, or tells
// why it is none.
func (d *discovery) candidate(plan *layerPlan, dir string, n names) {
	folder := d.folders.read(dir)
	switch {
	case folder.missing:
		return
	case folder.fault != nil:
		d.problem("%s cannot be read: %v", shown(dir), cause(folder.fault))
		return
	}
	if plan.hasEnv {
		if _, ok := d.cfg.Environments[n.env]; !ok {
			if folder.terraform {
				d.unknownEnvironment(dir, n.env)
			}
			return
		}
	}
	if !d.named(plan, dir, n) {
		return
	}
	if !folder.terraform {
		if !folder.left {
			d.bare = append(d.bare, fmt.Sprintf("%s looks like a unit of layer %s", shown(dir), plan.layer.Name))
		}
		return
	}
	n.path = dir
	if n.region == "" {
		n.region = GlobalRegion
	}
	if plan.hasEnv {
		d.units = append(d.units, d.unit(plan, n))
		return
	}
	for _, environment := range plan.layer.Environments {
		n.env = environment
		d.units = append(d.units, d.unit(plan, n))
	}
}

func (d *discovery) unknownEnvironment(dir, name string) {
	existing := slices.Sorted(maps.Keys(d.cfg.Environments))
	d.problem("%s has Terraform files, but there is no environment %q%s; rename the folder, or describe %q under environments in %s",
		shown(dir), name, suggest(name, existing), name, ConfigFile)
}

// named checks the names that folders gave.
func (d *discovery) named(plan *layerPlan, dir string, n names) bool {
	good := true
	for _, name := range []struct{ kind, value string }{
		{"region", n.region}, {"instance", n.instance}, {"environment", n.env},
	} {
		if name.value != "" && !folderName(name.value) {
			good = false
			d.problem("%s: %q cannot be the name of a unit's %s (layer %s): letters, digits, '.', - and _ are allowed, and a letter or digit comes first",
				shown(dir), name.value, name.kind, plan.layer.Name)
		}
	}
	return good
}

// share marks the units that have a folder in common, and tells of those that
// would be one and the same.
func (d *discovery) share() {
	byFolder := map[string][]*Unit{}
	resolver := newResolver(d.fsys)
	for _, u := range d.units {
		folder := u.Path
		if d.folders.links {
			folder = resolver.real(folder)
		}
		byFolder[folder] = append(byFolder[folder], u)
	}
	for _, units := range byFolder {
		for i, u := range units {
			u.Shared = len(units) > 1
			for _, other := range units[:i] {
				if sameSettings(u, other) {
					d.problem("%s and %s are the same folder %s with the same settings: the paths of layers %s and %s overlap",
						other.ID(), u.ID(), shown(u.Path), other.Layer, u.Layer)
				}
			}
		}
	}
}

// sameSettings says whether two units of one folder and environment are told
// apart by nothing.
func sameSettings(a, b *Unit) bool {
	return a.Layer != b.Layer && a.Path == b.Path && a.Environment == b.Environment &&
		a.Workspace == b.Workspace && a.Backend.Config == b.Backend.Config &&
		maps.Equal(a.Backend.Values, b.Backend.Values) && slices.Equal(a.VarFiles, b.VarFiles)
}
