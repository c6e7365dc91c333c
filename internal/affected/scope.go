package affected

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// checkoutRoot stands for the repository's root in absolute paths (path.cwd,
// abspath): nobody can tell yet where it will lie.
const checkoutRoot = "/%strata%"

// scope is what an expression of a module can refer to, as far as it is known
// without running Terraform. All else is unknown, never an error.
type scope struct {
	closures  *Closures
	fsys      fs.FS
	unit      string                      // the unit's folder: Terraform runs there
	module    string                      // the module's folder
	vars      func(name string) cty.Value // unknown for one that is not known
	locals    func() map[string]hcl.Expression
	workspace string

	parent *scope // of the module that calls this one, nil for the unit's own
	climb  int    // how many .. the way from the unit to the module begins with
	// bound says that what was found depends on more than the module's folder and
	// the way there from the unit: on what the module is given, or on the unit.
	bound bool
	// least is the fewest .. that a path in it begins with: one that does not leave
	// the unit's own folders is another file in each unit.
	least int

	known     map[string]cty.Value // locals already evaluated
	busy      map[string]bool      // locals that are being evaluated
	functions map[string]function.Function
}

// bindAll notes that a value depends on the unit itself.
func (s *scope) bindAll() {
	for ; s != nil; s = s.parent {
		s.bound = true
	}
}

// climbed notes how many .. a path begins with.
func (s *scope) climbed(up int) {
	for ; s != nil; s = s.parent {
		s.least = min(s.least, up)
	}
}

// alone says whether what was found is the same for every unit from which the
// way to the module is the same.
func (s *scope) alone() bool { return !s.bound && s.least >= s.climb }

// value evaluates an expression; what it cannot know is unknown. more are
// variables of the place where it stands.
func (s *scope) value(expr hcl.Expression, more map[string]cty.Value) (value cty.Value) {
	defer func() {
		// The libraries give up on some odd expressions: nothing is known of these.
		if recover() != nil {
			value = cty.DynamicVal
		}
	}()
	value, diags := expr.Value(s.context(expr, s.variables(expr, more)))
	if diags.HasErrors() {
		return cty.DynamicVal
	}
	value, _ = value.UnmarkDeep()
	return value
}

// variables are the values of all that an expression refers to.
func (s *scope) variables(expr hcl.Expression, more map[string]cty.Value) map[string]cty.Value {
	all := make(map[string]cty.Value)
	var locals, vars map[string]cty.Value
	for _, traversal := range expr.Variables() {
		root := traversal.RootName()
		if _, given := more[root]; given {
			continue
		}
		name, named := attribute(traversal)
		switch root {
		case "local":
			if locals == nil {
				locals = make(map[string]cty.Value)
			}
			if named {
				locals[name] = s.local(name)
			}
		case "var":
			if vars == nil {
				vars = make(map[string]cty.Value)
			}
			if named {
				vars[name] = s.vars(name)
			}
		case "path":
			all["path"] = s.paths(name)
		case "terraform":
			all["terraform"] = s.terraform()
		default:
			all[root] = cty.DynamicVal
		}
	}
	if locals != nil {
		all["local"] = cty.ObjectVal(locals)
	}
	if vars != nil {
		all["var"] = cty.ObjectVal(vars)
	}
	maps.Copy(all, more)
	return all
}

func attribute(traversal hcl.Traversal) (string, bool) {
	if len(traversal) < 2 {
		return "", false
	}
	attr, ok := traversal[1].(hcl.TraverseAttr)
	return attr.Name, ok
}

func (s *scope) paths(name string) cty.Value {
	if name != "module" && name != "root" {
		s.bindAll()
	}
	return cty.ObjectVal(map[string]cty.Value{
		"module": cty.StringVal(relative(s.unit, s.module)),
		"root":   cty.StringVal("."),
		"cwd":    cty.StringVal(checkoutRoot + "/" + s.unit),
	})
}

// terraform is what Terraform says of itself. Without a workspace it works in
// the one named default.
func (s *scope) terraform() cty.Value {
	s.bindAll()
	workspace := s.workspace
	if workspace == "" {
		workspace = "default"
	}
	return cty.ObjectVal(map[string]cty.Value{"workspace": cty.StringVal(workspace)})
}

// local evaluates a local value, once; one that refers to itself is unknown.
func (s *scope) local(name string) cty.Value {
	if value, ok := s.known[name]; ok {
		return value
	}
	expr, ok := s.locals()[name]
	if !ok || s.busy[name] {
		return cty.DynamicVal
	}
	if s.known == nil {
		s.known, s.busy = make(map[string]cty.Value), make(map[string]bool)
	}
	s.busy[name] = true
	value := s.value(expr, nil)
	delete(s.busy, name)
	s.known[name] = value
	return value
}

// relative is the path from one folder of the repository to another.
func relative(from, to string) string {
	if from == to {
		return "."
	}
	f, t := strings.Split(from, "/"), strings.Split(to, "/")
	for len(f) > 0 && len(t) > 0 && f[0] == t[0] {
		f, t = f[1:], t[1:]
	}
	parts := slices.Repeat([]string{".."}, len(f))
	return path.Join(append(parts, t...)...)
}

// climbs counts the .. that a path begins with.
func climbs(name string) int {
	n := 0
	for ; name == ".." || strings.HasPrefix(name, "../"); n++ {
		name = strings.TrimPrefix(name[2:], "/")
	}
	return n
}

// place turns a path as Terraform sees it into one of the repository; ok is
// false for one that lies elsewhere.
func (s *scope) place(name string) (string, bool) {
	if rest, ok := strings.CutPrefix(name, checkoutRoot); ok {
		return inside(strings.TrimPrefix(rest, "/"))
	}
	if strings.HasPrefix(name, "/") || strings.HasPrefix(name, "~") {
		return "", false
	}
	if s.parent != nil {
		s.climbed(climbs(path.Clean(name)))
	}
	return inside(path.Join(s.unit, name))
}
