package affected

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"github.com/strata-tf/strata/internal/stack"
)

// rootVariables are the values of a unit's variables, as its files give them.
// One that is given at run time is unknown. The files are read when the first
// value is asked for: most units ask for none.
func (c *Closures) rootVariables(u *stack.Unit, f *folder) func(string) cty.Value {
	given := sync.OnceValues(func() (map[string]cty.Value, bool) {
		all := make(map[string]cty.Value)
		for _, file := range slices.Concat(f.auto, u.VarFiles) {
			values, ok := readVariables(c.fsys, file)
			if !ok {
				return nil, false
			}
			maps.Copy(all, values)
		}
		return all, true
	})
	return func(name string) cty.Value {
		v, declared := f.parse().variables[name]
		if !declared || c.atRunTime(u, name) {
			return cty.DynamicVal
		}
		values, ok := given()
		if !ok {
			return cty.DynamicVal
		}
		value, ok := values[name]
		if !ok {
			value = cty.NilVal
		}
		return v.value(value)
	}
}

// atRunTime says whether a variable of a unit may get a value when it runs: a
// secret, or an output of a need.
func (c *Closures) atRunTime(u *stack.Unit, name string) bool {
	if _, ok := u.Inputs[name]; ok || slices.Contains(u.Secrets, name) {
		return true
	}
	layers := c.layers()[u.Layer]
	for _, need := range u.Needs {
		layers = append(layers[:len(layers):len(layers)], layerOf(need))
	}
	return slices.ContainsFunc(layers, func(layer string) bool {
		return strings.HasPrefix(name, strings.ReplaceAll(layer, "-", "_")+"_")
	})
}

// layerOf is the layer of a need or of a unit's id: layer[/instance][@region].
func layerOf(need string) string {
	name, _, _ := strings.Cut(need, "@")
	name, _, _ = strings.Cut(name, "/")
	return name
}

// neededLayers are the layers that each layer needs, through others too.
func (c *Closures) neededLayers() map[string][]string {
	config, err := stack.Load(c.fsys)
	if err != nil {
		return nil
	}
	direct := make(map[string][]string)
	for _, layer := range config.Layers {
		for _, need := range layer.Needs {
			direct[layer.Name] = append(direct[layer.Name], layerOf(need))
		}
	}
	all := make(map[string][]string)
	for _, layer := range config.Layers {
		found := slices.Clone(direct[layer.Name])
		for i := 0; i < len(found); i++ {
			for _, next := range direct[found[i]] {
				if !slices.Contains(found, next) {
					found = append(found, next)
				}
			}
		}
		all[layer.Name] = found
	}
	return all
}
