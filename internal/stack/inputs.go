package stack

import (
	"fmt"
	"strings"
)

// input resolves one input of u to the only unit it can mean.
func (r *needResolver) input(u *Unit, variable, written string, needed map[string][]*Unit) {
	n, output := parseInput(written)
	candidates := unique(needed[n.layer], func(c *Unit) bool {
		return (n.instance == "" || c.Instance == n.instance) && (n.region == "" || c.Region == n.region)
	})
	if n.region == "" && len(candidates) > 1 {
		own := unique(candidates, func(c *Unit) bool { return c.Region == u.Region || c.Region == GlobalRegion })
		if len(own) > 0 {
			candidates = own
		}
	}
	switch len(candidates) {
	case 1:
		u.Inputs[variable] = Ref{Unit: candidates[0].ID(), Output: output}
	case 0:
		r.problems = append(r.problems, fmt.Sprintf("%s: input %s reads %s, but no unit that it needs is %s%s",
			u.ID(), variable, written, n, r.elsewhere(u, n)))
	default:
		r.problems = append(r.problems, fmt.Sprintf("%s: input %s reads %s, which is ambiguous: it could be %s",
			u.ID(), variable, written, spellings(candidates, output)))
	}
}

// elsewhere says that what an input means exists, but is not needed.
func (r *needResolver) elsewhere(u *Unit, n need) string {
	everywhere := n
	if everywhere.region == "" {
		everywhere.region = "*"
	}
	if len(r.find(u, everywhere)) == 0 {
		return ""
	}
	return fmt.Sprintf("; add %q to the needs of %s", everywhere, u.Layer)
}

// unique lists the units that pass, each once.
func unique(units []*Unit, pass func(*Unit) bool) []*Unit {
	var list []*Unit
	seen := map[*Unit]bool{}
	for _, u := range units {
		if pass(u) && !seen[u] {
			seen[u] = true
			list = append(list, u)
		}
	}
	return list
}

// spellings says how each candidate is written so that it alone is meant.
func spellings(candidates []*Unit, output string) string {
	const most = 6
	var list []string
	for _, c := range candidates[:min(most, len(candidates))] {
		n := need{layer: c.Layer, instance: c.Instance}
		alone := len(unique(candidates, func(o *Unit) bool { return o.Instance == c.Instance })) == 1
		if !alone {
			n.region = c.Region
		}
		list = append(list, n.String()+"."+output)
	}
	if more := len(candidates) - len(list); more > 0 {
		return fmt.Sprintf("%s and %d more; write one of them", strings.Join(list, ", "), more)
	}
	return strings.Join(list, " or ") + "; write one of them"
}
