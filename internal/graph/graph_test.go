package graph

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func mustNew(t testing.TB, needs map[string][]string) *Graph {
	t.Helper()
	g, err := New(needs)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// parse reads "a: b c; b: c" as a graph in which every word is an id.
func parse(text string) map[string][]string {
	needs := map[string][]string{}
	for line := range strings.SplitSeq(text, ";") {
		id, list, _ := strings.Cut(line, ":")
		id = strings.TrimSpace(id)
		needs[id] = append(needs[id], strings.Fields(list)...)
		for _, need := range strings.Fields(list) {
			if _, ok := needs[need]; !ok {
				needs[need] = nil
			}
		}
	}
	return needs
}

func TestOrder(t *testing.T) {
	for _, test := range []struct{ graph, want string }{
		{"a", "a"},
		{"a: b", "b a"},
		{"c: a; b: a; d: b c", "a b c d"},
		{"a: z; b; c: b", "b c z a"},
		{"d: c c c; c: b; b: a", "a b c d"},
	} {
		if got := strings.Join(mustNew(t, parse(test.graph)).Order(), " "); got != test.want {
			t.Errorf("order of %q is %q, want %q", test.graph, got, test.want)
		}
	}
}

func TestEmpty(t *testing.T) {
	g := mustNew(t, nil)
	if g.Len() != 0 || len(g.Order()) != 0 || g.Has("a") || g.Needs("a") != nil {
		t.Error("an empty graph has something in it")
	}
}

func TestCycles(t *testing.T) {
	for _, test := range []struct{ graph, want string }{
		{"a: a", "a needs a"},
		{"a: b; b: c; c: a", "a needs b needs c needs a"},
		{"b: c; c: b; a: b; d", "b needs c needs b"},
		{"z: m; m: z; k: l; l: m", "m needs z needs m"},
	} {
		_, err := New(parse(test.graph))
		var cycle *CycleError
		if !errors.As(err, &cycle) || err.Error() != test.want {
			t.Errorf("error of %q is %v, want %q", test.graph, err, test.want)
		}
	}
}

func TestUnknownNeed(t *testing.T) {
	_, err := New(map[string][]string{"a": {"b"}})
	var unknown *UnknownError
	if !errors.As(err, &unknown) || err.Error() != "a needs b, which does not exist" {
		t.Errorf("error is %v", err)
	}
}

func TestNeighbours(t *testing.T) {
	g := mustNew(t, parse("clients: platform databases; databases: platform; platform: foundation"))
	for _, test := range []struct {
		what string
		got  []string
		want string
	}{
		{"needs", g.Needs("clients"), "databases platform"},
		{"needs of a leaf", g.Needs("foundation"), ""},
		{"needs of nothing", g.Needs("x"), ""},
		{"all needs", g.AllNeeds("databases"), "foundation platform"},
		{"all needs of several", g.AllNeeds("databases", "platform"), "foundation"},
		{"all dependents", g.AllDependents("foundation"), "clients databases platform"},
		{"all dependents of several", g.AllDependents("platform", "databases", "x"), "clients"},
		{"reversed needs", g.Reverse().Needs("platform"), "clients databases"},
		{"reversed order", g.Reverse().Order(), "clients databases platform foundation"},
	} {
		if got := strings.Join(test.got, " "); got != test.want {
			t.Errorf("%s: %q, want %q", test.what, got, test.want)
		}
	}
}

func TestSubgraph(t *testing.T) {
	g := mustNew(t, parse("a: b d; b: c; c: e; d: e; f: b"))
	for _, test := range []struct{ keep, want string }{
		{"a c", "c| a:c"},
		{"a e", "e| a:e"},
		{"a d e f", "e| d:e a:d,e f:e"},
		{"a f", "a| f|"},
		{"x", ""},
	} {
		sub := g.Subgraph(strings.Fields(test.keep))
		var got []string
		for _, id := range sub.Order() {
			if needs := sub.Needs(id); len(needs) > 0 {
				got = append(got, id+":"+strings.Join(needs, ","))
			} else {
				got = append(got, id+"|")
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("subgraph of %q is %q, want %q", test.keep, strings.Join(got, " "), test.want)
		}
		for _, id := range sub.Order() {
			for _, d := range sub.Reverse().Needs(id) {
				if !slices.Contains(sub.Needs(d), id) {
					t.Errorf("%s is a dependent of %s, which it does not need", d, id)
				}
			}
		}
	}
}

// layered is three units and n clients that need two of them.
func layered(n int) map[string][]string {
	needs := map[string][]string{"foundation": nil, "platform": {"foundation"}, "databases": {"platform"}}
	for i := range n {
		needs[fmt.Sprintf("clients/c%04d", i)] = []string{"platform", "databases"}
	}
	return needs
}

func BenchmarkNew5000(b *testing.B) {
	needs := layered(5000)
	for b.Loop() {
		g := mustNew(b, needs)
		g.Subgraph(g.Order()[3:])
	}
}
