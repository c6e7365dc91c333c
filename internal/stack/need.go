package stack

import "strings"

// need is an entry of needs, or an input without its output: a layer, and
// perhaps an instance and a region.
type need struct {
	layer, instance, region string
}

// parseNeed reads layer[/instance][@region].
func parseNeed(s string) need {
	rest, region, _ := strings.Cut(s, "@")
	layer, instance, _ := strings.Cut(rest, "/")
	return need{layer: layer, instance: instance, region: region}
}

// parseInput reads need.output. Names of instances and regions may hold dots,
// those of outputs may not.
func parseInput(s string) (need, string) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return parseNeed(s), ""
	}
	return parseNeed(s[:i]), s[i+1:]
}

// String writes the need as it stands in strata.yaml.
func (n need) String() string {
	s := n.layer
	if n.instance != "" {
		s += "/" + n.instance
	}
	if n.region != "" {
		s += "@" + n.region
	}
	return s
}

// whole says whether the need is a layer, and no part of one.
func (n need) whole() bool { return n.instance == "" && n.region == "" }
