package stack

import (
	"fmt"
	"maps"
	"slices"
)

// place is all units of one layer in one region of one environment.
type place struct {
	units      []*Unit
	byInstance map[string]*Unit
}

// needResolver finds the units that needs name.
type needResolver struct {
	tree     *Tree
	places   map[string]map[string]map[string]*place // environment, layer, region
	met      map[string]bool                         // layer and need: some unit was found
	problems []string
}

// resolveNeeds fills in Needs and Inputs of all units.
func resolveNeeds(t *Tree) []string {
	r := &needResolver{tree: t, met: map[string]bool{}}
	r.index()
	populated := map[string]bool{}
	for _, u := range t.Units {
		populated[u.Layer] = true
	}
	for i := range t.Config.Layers {
		layer := &t.Config.Layers[i]
		needs := parseNeeds(layer)
		for _, u := range t.Units {
			if u.Layer == layer.Name {
				r.unit(u, layer, needs)
			}
		}
		for _, n := range needs {
			if !n.whole() && populated[layer.Name] && populated[n.layer] && !r.met[layer.Name+" "+n.String()] {
				r.unmet(layer, n)
			}
		}
	}
	return r.problems
}

func parseNeeds(layer *Layer) []need {
	needs := make([]need, len(layer.Needs))
	for i, s := range layer.Needs {
		needs[i] = parseNeed(s)
	}
	return needs
}

func (r *needResolver) index() {
	r.places = map[string]map[string]map[string]*place{}
	for _, u := range r.tree.Units {
		layers := r.places[u.Environment]
		if layers == nil {
			layers = map[string]map[string]*place{}
			r.places[u.Environment] = layers
		}
		regions := layers[u.Layer]
		if regions == nil {
			regions = map[string]*place{}
			layers[u.Layer] = regions
		}
		p := regions[u.Region]
		if p == nil {
			p = &place{byInstance: map[string]*Unit{}}
			regions[u.Region] = p
		}
		p.units = append(p.units, u)
		if u.Instance != "" {
			p.byInstance[u.Instance] = u
		}
	}
}

// unit resolves one unit's needs and inputs.
func (r *needResolver) unit(u *Unit, layer *Layer, needs []need) {
	var ids []string
	needed := map[string][]*Unit{} // by layer, for inputs
	for _, n := range needs {
		for _, found := range r.find(u, n) {
			r.met[layer.Name+" "+n.String()] = true
			if found != u {
				ids = append(ids, found.ID())
				needed[n.layer] = append(needed[n.layer], found)
			}
		}
	}
	slices.Sort(ids)
	u.Needs = slices.Compact(ids)
	if len(layer.Inputs) == 0 {
		return
	}
	u.Inputs = make(map[string]Ref, len(layer.Inputs))
	for _, variable := range slices.Sorted(maps.Keys(layer.Inputs)) {
		r.input(u, variable, layer.Inputs[variable], needed)
	}
}

// find lists the units that a need of u names, within u's environment.
func (r *needResolver) find(u *Unit, n need) []*Unit {
	regions := r.places[u.Environment][n.layer]
	var found []*Unit
	for _, region := range wanted(u, n, regions) {
		p := regions[region]
		switch same := p.byInstance[u.Instance]; {
		case n.instance != "":
			if only := p.byInstance[n.instance]; only != nil {
				found = append(found, only)
			}
		case same != nil:
			found = append(found, same)
		default:
			found = append(found, p.units...)
		}
	}
	return found
}

// wanted lists the regions of a layer that a need of u means: those it names,
// or else u's own and the global one. A global unit serves all regions, so it
// needs all of them.
func wanted(u *Unit, n need, regions map[string]*place) []string {
	var list []string
	for _, region := range slices.Sorted(maps.Keys(regions)) {
		switch {
		case n.region == "*" || n.region == region,
			n.region == "" && (u.Region == GlobalRegion || region == u.Region || region == GlobalRegion):
			list = append(list, region)
		}
	}
	return list
}

// unmet tells of a need that names an instance or a region that exists nowhere.
func (r *needResolver) unmet(layer *Layer, n need) {
	var regions, instances []string
	for _, u := range r.tree.Units {
		if u.Layer == n.layer {
			regions = append(regions, u.Region)
			instances = append(instances, u.Instance)
		}
	}
	message := fmt.Sprintf("layer %s needs %s, which does not exist in any environment", layer.Name, n)
	slices.Sort(regions)
	slices.Sort(instances)
	switch {
	case n.region != "" && n.region != "*" && !slices.Contains(regions, n.region):
		message += fmt.Sprintf(": %s has no region %q%s", n.layer, n.region, suggest(n.region, slices.Compact(regions)))
	case n.instance != "" && !slices.Contains(instances, n.instance):
		message += fmt.Sprintf(": %s has no instance %q%s", n.layer, n.instance, suggest(n.instance, slices.Compact(instances)))
	}
	r.problems = append(r.problems, message)
}
