package ciexamples

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/goccy/go-yaml"
)

// node is a value of a YAML document: a map, a list or a scalar.
type node struct{ value any }

func parse(t *testing.T, name string) node {
	t.Helper()
	var value any
	if err := yaml.UnmarshalWithOptions([]byte(example(t, name)), &value, yaml.Strict()); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return node{value}
}

// get goes down by keys. What is not there is an empty node.
func (n node) get(keys ...string) node {
	for _, key := range keys {
		m, _ := n.value.(map[string]any)
		n = node{m[key]}
	}
	return n
}

func (n node) there() bool { return n.value != nil }

func (n node) keys() []string {
	m, _ := n.value.(map[string]any)
	return slices.Sorted(maps.Keys(m))
}

func (n node) list() []node {
	values, _ := n.value.([]any)
	nodes := make([]node, len(values))
	for i, value := range values {
		nodes[i] = node{value}
	}
	return nodes
}

// text is a scalar as text, "" where there is none.
func (n node) text() string {
	if n.value == nil {
		return ""
	}
	return fmt.Sprint(n.value)
}

// strings are the scalars of a list, or the one scalar.
func (n node) texts() []string {
	if _, many := n.value.([]any); !many && n.value != nil {
		return []string{n.text()}
	}
	var all []string
	for _, item := range n.list() {
		all = append(all, item.text())
	}
	return all
}

// gitlabJobs are the jobs of a file with what they extend put in, the hidden
// ones left out. Files that a file belongs to are given after it.
func gitlabJobs(t *testing.T, name string, more ...string) map[string]node {
	t.Helper()
	whole := map[string]any{}
	for _, file := range append(more, name) {
		maps.Copy(whole, parse(t, file).value.(map[string]any))
	}
	var resolve func(name string) map[string]any
	resolve = func(name string) map[string]any {
		own, ok := whole[name].(map[string]any)
		if !ok {
			t.Fatalf("%s: no job %s", name, name)
		}
		job := map[string]any{}
		if base, ok := own["extends"].(string); ok {
			job = resolve(base)
		}
		for key, value := range own {
			inner, isMap := value.(map[string]any)
			outer, wasMap := job[key].(map[string]any)
			if isMap && wasMap {
				outer = maps.Clone(outer)
				maps.Copy(outer, inner)
				value = outer
			}
			job[key] = value
		}
		return job
	}
	jobs := map[string]node{}
	for key := range parse(t, name).value.(map[string]any) {
		if slices.Contains([]string{"stages", "variables", "include", "default", "workflow"}, key) {
			continue
		}
		jobs[key] = node{resolve(key)}
	}
	return jobs
}

func gitDepth(t *testing.T, name, job string) int {
	t.Helper()
	depth, err := strconv.Atoi(gitlabJobs(t, name)[job].get("variables", "GIT_DEPTH").text())
	if err != nil {
		t.Fatal(err)
	}
	return depth
}
