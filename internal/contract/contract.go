// Package contract finds which values a unit reads from the units before it
// and puts them into the form Terraform takes.
package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/strata-tf/strata/internal/stack"
)

// Binding says that a variable of a unit takes an output of a need.
type Binding struct {
	Variable string
	From     stack.Ref
}

// Bindings lists what unit reads from needs, sorted by variable: what its
// layer's inputs say, and every declared variable named <layer>_<output> where
// the layer has one unit among the needs and that unit declares the output.
// needs are all units that must be done before, directly or not, their Module
// read.
func Bindings(unit *stack.Unit, needs []*stack.Unit) ([]Binding, error) {
	byID := make(map[string]*stack.Unit, len(needs))
	byLayer := make(map[string][]*stack.Unit)
	for _, need := range needs {
		byID[need.ID()] = need
		byLayer[need.Layer] = append(byLayer[need.Layer], need)
	}
	bindings, err := configured(unit, byID)
	if err != nil {
		return nil, err
	}
	for _, variable := range slices.Sorted(maps.Keys(unit.Module.Variables)) {
		if _, given := unit.Inputs[variable]; given || slices.Contains(unit.Secrets, variable) {
			continue
		}
		binding, ok, err := byName(unit, variable, byLayer)
		if err != nil {
			return nil, err
		}
		if ok {
			bindings = append(bindings, binding)
		}
	}
	slices.SortFunc(bindings, func(a, b Binding) int { return strings.Compare(a.Variable, b.Variable) })
	return bindings, nil
}

// configured returns the bindings that strata.yaml spells out.
func configured(unit *stack.Unit, needs map[string]*stack.Unit) ([]Binding, error) {
	var bindings []Binding
	for _, variable := range slices.Sorted(maps.Keys(unit.Inputs)) {
		ref := unit.Inputs[variable]
		if _, declared := unit.Module.Variables[variable]; !declared {
			return nil, fmt.Errorf("%s: strata.yaml gives the input %q, but %s declares no such variable", unit.ID(), variable, unit.Path)
		}
		need := needs[ref.Unit]
		if need == nil {
			return nil, fmt.Errorf("%s: the input %q reads %s, which is not among its needs", unit.ID(), variable, ref.Unit)
		}
		if _, declared := need.Module.Outputs[ref.Output]; !declared {
			return nil, fmt.Errorf("%s: the input %q reads output %q of %s, but %s declares no such output", unit.ID(), variable, ref.Output, ref.Unit, need.Path)
		}
		bindings = append(bindings, Binding{Variable: variable, From: ref})
	}
	return bindings, nil
}

// byName finds the output that a variable's own name asks for.
func byName(unit *stack.Unit, variable string, byLayer map[string][]*stack.Unit) (Binding, bool, error) {
	// The longest layer name first: of the layers app and app-data, the
	// variable app_data_id means the second.
	layers := slices.SortedFunc(maps.Keys(byLayer), func(a, b string) int {
		if d := len(b) - len(a); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, layer := range layers {
		output, ok := strings.CutPrefix(variable, strings.ReplaceAll(layer, "-", "_")+"_")
		if !ok {
			continue
		}
		var having []string
		for _, need := range byLayer[layer] {
			if _, declared := need.Module.Outputs[output]; declared {
				having = append(having, need.ID())
			}
		}
		switch {
		case len(having) == 0:
			continue
		case len(byLayer[layer]) == 1:
			return Binding{Variable: variable, From: stack.Ref{Unit: having[0], Output: output}}, true, nil
		case !unit.Module.Variables[variable].HasDefault:
			return Binding{}, false, fmt.Errorf("%s: variable %q could be output %q of %s: say which with the layer's `inputs` in strata.yaml (for example %s: %s.%s)",
				unit.ID(), variable, output, strings.Join(having, " or "), variable, address(byLayer[layer][0]), output)
		}
	}
	return Binding{}, false, nil
}

// address names a unit as an input does.
func address(u *stack.Unit) string {
	if u.Instance != "" {
		return u.Layer + "/" + u.Instance
	}
	return u.Layer + "@" + u.Region
}

// Variables returns the content of a .tfvars.json: the values by variable, and
// the secrets. A secret of a variable that is no string is read as JSON.
func Variables(unit *stack.Unit, values map[string]json.RawMessage, secrets map[string]string) ([]byte, error) {
	all := maps.Clone(values)
	if all == nil {
		all = make(map[string]json.RawMessage)
	}
	for name, secret := range secrets {
		if !utf8.ValidString(secret) {
			return nil, fmt.Errorf("%s: secret %s is not valid UTF-8, as Terraform's strings are: give it in base64", unit.ID(), name)
		}
		raw := json.RawMessage(secret)
		if t := unit.Module.Variables[name].Type; t == "" || t == "string" || !json.Valid(raw) {
			quoted, err := json.Marshal(secret)
			if err != nil {
				return nil, fmt.Errorf("%s: secret %s: %w", unit.ID(), name, err)
			}
			raw = quoted
		}
		all[name] = raw
	}
	if len(all) == 0 {
		return nil, nil
	}
	return json.Marshal(all)
}
