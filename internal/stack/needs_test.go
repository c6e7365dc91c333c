package stack

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree builds units from their ids, in folders that carry all names, for layers
// that are written as "name: needs…" and after "|" their inputs. A layer whose
// units have a region or an instance gets these into its path.
func configFor(layers, units string) (string, string) {
	var config, files strings.Builder
	config.WriteString("layers:\n")
	for line := range strings.SplitSeq(strings.TrimSpace(layers), "\n") {
		definition, inputs, _ := strings.Cut(line, "|")
		name, needs, _ := strings.Cut(definition, ":")
		name = strings.TrimSpace(name)
		dir := "u/" + name
		for id := range strings.FieldsSeq(units) {
			rest, env, _ := strings.Cut(id, ":")
			rest, region, _ := strings.Cut(rest, "@")
			layer, instance, _ := strings.Cut(rest, "/")
			if layer != name {
				continue
			}
			dir = "u/" + name
			file := dir
			if region != GlobalRegion {
				dir, file = dir+"/r-{region}", file+"/r-"+region
			}
			if instance != "" {
				dir, file = dir+"/i-{instance}", file+"/i-"+instance
			}
			files.WriteString(file + "/" + env + "/main.tf\n")
		}
		config.WriteString("- {name: " + name + ", path: '" + dir + "/{env}', needs: [" +
			strings.Join(strings.Fields(needs), ", ") + "], inputs: {" + strings.TrimSpace(inputs) + "}}\n")
	}
	return config.String(), files.String()
}

func TestNeeds(t *testing.T) {
	for _, test := range []struct{ name, layers, units, want string }{
		{
			"own region and environment", "a:\nb: a",
			"a@r1:staging a@r2:staging a@r1:production b@r1:staging b@r2:production",
			"a@r1:production\na@r1:staging\na@r2:staging\nb@r1:staging a@r1:staging\nb@r2:production",
		},
		{
			"a global unit serves all", "a:\nb: a", "a@global:staging b@r1:staging b@r2:staging",
			"a@global:staging\nb@r1:staging a@global:staging\nb@r2:staging a@global:staging",
		},
		{
			"a global unit needs all regions", "a:\nb: a", "a@r1:staging a@r2:staging b@global:staging",
			"a@r1:staging\na@r2:staging\nb@global:staging a@r1:staging a@r2:staging",
		},
		{
			"a region by name", "a:\nb: a@r1", "a@r1:staging a@r2:staging b@r2:staging",
			"a@r1:staging\na@r2:staging\nb@r2:staging a@r1:staging",
		},
		{
			"all regions", "a:\nb: a@*", "a@r1:staging a@r2:staging b@r2:staging",
			"a@r1:staging\na@r2:staging\nb@r2:staging a@r1:staging a@r2:staging",
		},
		{
			"all instances", "a:\nb: a", "a/x@r:staging a/y@r:staging b@r:staging",
			"a/x@r:staging\na/y@r:staging\nb@r:staging a/x@r:staging a/y@r:staging",
		},
		{
			"an instance by name", "a:\nb: a/y", "a/x@r:staging a/y@r:staging a/y@q:staging b@r:staging",
			"a/x@r:staging\na/y@q:staging\na/y@r:staging\nb@r:staging a/y@r:staging",
		},
		{
			"an instance of a region", "a:\nb: a/y@q", "a/x@r:staging a/y@r:staging a/y@q:staging b@r:staging",
			"a/x@r:staging\na/y@q:staging\na/y@r:staging\nb@r:staging a/y@q:staging",
		},
		{
			"the same instance, or else all", "a:\nb: a", "a/x@r:staging a/y@r:staging b/x@r:staging b/z@r:staging",
			"a/x@r:staging\na/y@r:staging\nb/x@r:staging a/x@r:staging\nb/z@r:staging a/x@r:staging a/y@r:staging",
		},
		{
			"an instance of the same layer", "a: a/base", "a/base@r:staging a/x@r:staging a/y@r:staging",
			"a/base@r:staging\na/x@r:staging a/base@r:staging\na/y@r:staging a/base@r:staging",
		},
		{
			"another region of the same layer", "a: a@r1", "a@r1:staging a@r2:staging",
			"a@r1:staging\na@r2:staging a@r1:staging",
		},
		{
			"written twice", "a:\nb: a a@* a@r", "a@r:staging b@r:staging",
			"a@r:staging\nb@r:staging a@r:staging",
		},
		{
			"circle of units", "a: a/y@r a/x@q", "a/x@q:staging a/y@r:staging",
			"!units need each other in a circle: a/x@q:staging needs a/y@r:staging needs a/x@q:staging",
		},
		{
			"no such region", "a:\nb: a@eu-wset-1", "a@eu-west-1:staging b@eu-west-1:staging",
			`!layer b needs a@eu-wset-1, which does not exist in any environment: a has no region "eu-wset-1": did you mean "eu-west-1"?`,
		},
		{
			"no such instance", "a:\nb: a/shpo", "a/shop@r:staging b@r:staging",
			`!layer b needs a/shpo, which does not exist in any environment: a has no instance "shpo": did you mean "shop"?`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			config, files := configFor(test.layers, test.units)
			tree, err := Discover(repo(files), mustLoad(t, config))
			if want, fails := strings.CutPrefix(test.want, "!"); fails {
				if err == nil || err.Error() != want {
					t.Errorf("got:\n%v\nwant:\n%s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, list(tree.Units)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestInputs(t *testing.T) {
	for _, test := range []struct{ name, layers, units, of, want string }{
		{"only unit", "a:\nb: a | v: a.id", "a@r:staging b@r:staging", "b@r:staging", "a@r:staging id"},
		{"own region", "a:\nb: a@* | v: a.id", "a@r:staging a@q:staging b@r:staging", "b@r:staging", "a@r:staging id"},
		{"global", "a:\nb: a | v: a.id", "a@global:staging b@r:staging", "b@r:staging", "a@global:staging id"},
		{"region by name", "a:\nb: a@q | v: a@q.id", "a@r:staging a@q:staging b@r:staging", "b@r:staging", "a@q:staging id"},
		{"region of the need", "a:\nb: a@q | v: a.id", "a@r:staging a@q:staging b@r:staging", "b@r:staging", "a@q:staging id"},
		{"instance by name", "a:\nb: a | v: a/x.y.id", "a/x.y@r:staging a/z@r:staging b@r:staging", "b@r:staging", "a/x.y@r:staging id"},
		{"same instance", "a:\nb: a | v: a.id", "a/x@r:staging a/z@r:staging b/z@r:staging", "b/z@r:staging", "a/z@r:staging id"},
		{
			"ambiguous instances", "a:\nb: a | v: a.id", "a/x@r:staging a/z@r:staging b@r:staging", "",
			"b@r:staging: input v reads a.id, which is ambiguous: it could be a/x.id or a/z.id; write one of them",
		},
		{
			"ambiguous regions", "a:\nb: a | v: a.id", "a@r:staging a@q:staging b@global:staging", "",
			"b@global:staging: input v reads a.id, which is ambiguous: it could be a@q.id or a@r.id; write one of them",
		},
		{
			"not there", "a:\nb: a | v: a.id", "a@q:staging b@r:staging", "",
			`b@r:staging: input v reads a.id, but no unit that it needs is a; add "a@*" to the needs of b`,
		},
		{
			"not needed", "a:\nb: a | v: a@q.id", "a@q:staging a@r:staging b@r:staging", "",
			`b@r:staging: input v reads a@q.id, but no unit that it needs is a@q; add "a@q" to the needs of b`,
		},
		{
			"nowhere", "a:\nb: a | v: a.id", "a@r:production b@r:staging", "",
			`b@r:staging: input v reads a.id, but no unit that it needs is a`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			config, files := configFor(test.layers, test.units)
			tree, err := Discover(repo(files), mustLoad(t, config))
			if test.of == "" {
				if err == nil || err.Error() != test.want {
					t.Errorf("got:\n%v\nwant:\n%s", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			ref := tree.Unit(test.of).Inputs["v"]
			if got := ref.Unit + " " + ref.Output; got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
