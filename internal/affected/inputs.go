package affected

import (
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/strata-tf/strata/internal/stack"
)

// Inputs are the files that a unit's result depends on. They say nothing of
// whether a file exists: one that is absent is an input too, since adding it
// matters.
type Inputs struct {
	files map[string]string // path -> why
	areas []area
	parts []part
	// backend says that the unit has a backend block.
	backend bool
	// Warnings say where something could not be read exactly, and what counts
	// instead.
	Warnings []string
}

// part is the inputs of a module, which many units may share.
type part struct {
	why string
	in  *Inputs
}

// area is a part of the repository of which every file counts.
type area struct {
	dir    string // "" is the repository's root
	kind   kind   // of files right in dir; any below it where it is zero
	prefix string // of the path below dir; "" for all
	at     string // what the path below dir has before it where glob is matched: dir stands for a link there
	glob   string // of the path below dir; "" for all
	why    string
}

// kind is a sort of files that Terraform finds in a folder by itself.
type kind int

const (
	codeFiles     kind = iota + 1 // .tf and their like
	variableFiles                 // *.auto.tfvars and their like
	testFiles                     // *.tftest.hcl and their like
)

func (k kind) holds(base string) bool {
	switch k {
	case codeFiles:
		return stack.IsTerraformFile(base)
	case variableFiles:
		return isAuto(base)
	case testFiles:
		return isTest(base)
	}
	return true
}

// begin is what the paths of all files of the area begin with.
func (a *area) begin() string {
	if a.dir == "" {
		return a.prefix
	}
	return a.dir + "/" + a.prefix
}

// matches says whether the area has a file.
func (a *area) matches(name string) bool {
	rest := name
	if a.dir != "" {
		if len(name) <= len(a.dir) || name[len(a.dir)] != '/' || name[:len(a.dir)] != a.dir {
			return false
		}
		rest = name[len(a.dir)+1:]
	}
	if a.kind != 0 {
		return strings.IndexByte(rest, '/') < 0 && a.kind.holds(rest)
	}
	if !strings.HasPrefix(rest, a.prefix) {
		return false
	}
	return a.glob == "" || doublestar.MatchUnvalidated(a.glob, a.at+rest)
}

// reaches says whether the area may have a file below a folder.
func (a *area) reaches(dir string) bool {
	if within(dir, a.dir) || dir == a.dir {
		return true
	}
	if !within(a.dir, dir) || a.kind != 0 {
		return false
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(dir, a.dir), "/")
	if !strings.HasPrefix(rest+"/", a.prefix) && !strings.HasPrefix(a.prefix, rest+"/") {
		return false
	}
	return a.glob == "" || mayMatchBelow(a.glob, a.at+rest)
}

// mayMatchBelow says whether a glob may match something below a folder.
func mayMatchBelow(glob, dir string) bool {
	for {
		pattern, more, deeper := strings.Cut(glob, "/")
		name, rest, _ := strings.Cut(dir, "/")
		switch {
		case strings.Contains(pattern, "**"), strings.ContainsAny(pattern, `{\`): // braces may hold slashes
			return true
		case !deeper, !doublestar.MatchUnvalidated(pattern, name):
			return false
		case rest == "":
			return true
		}
		glob, dir = more, rest
	}
}

// file adds one file. The first reason given for it stays.
func (in *Inputs) file(name, why string) {
	name, ok := inside(name)
	if !ok {
		return
	}
	if in.files == nil {
		in.files = make(map[string]string)
	}
	if _, known := in.files[name]; !known {
		in.files[name] = why
	}
}

func (in *Inputs) area(a area) {
	dir, ok := inside(a.dir)
	if !ok {
		return
	}
	a.dir = dir
	if !slices.Contains(in.areas, a) {
		in.areas = append(in.areas, a)
	}
}

// part adds the inputs of a module.
func (in *Inputs) part(why string, module *Inputs) {
	for _, p := range in.parts {
		if p.in == module {
			return
		}
	}
	in.parts = append(in.parts, part{why, module})
}

// inside cleans a path; ok is false for one that leads out of the repository.
func inside(name string) (string, bool) {
	name = path.Clean(name)
	if name == "." {
		return "", true
	}
	return name, name != ".." && !strings.HasPrefix(name, "../") && !strings.HasPrefix(name, "/")
}

// within says whether a name is below a folder; "" is the root.
func within(dir, name string) bool {
	if dir == "" {
		return name != ""
	}
	return len(name) > len(dir) && name[len(dir)] == '/' && name[:len(dir)] == dir
}

// Why says why the file is an input, ok false where it is none.
func (in *Inputs) Why(name string) (why string, ok bool) {
	if list := in.matches([]string{name}, nil); name != "" && len(list) > 0 {
		return list[0].why, true
	}
	return "", false
}

// Written says whether a file is no input of any unit, wherever it lies: what
// Terraform and Strata write beside what people write.
func Written(name string) bool {
	base := name[strings.LastIndexByte(name, '/')+1:]
	return strings.HasPrefix(name, ".terraform/") || strings.Contains(name, "/.terraform/") ||
		strings.HasPrefix(name, ".strata/") || strings.Contains(name, "/.strata/") || strings.HasSuffix(base, ".tfstate") ||
		strings.Contains(base, ".tfstate.") || strings.HasSuffix(base, ".tfplan") || base == "crash.log"
}

// match is one of a list of names that is an input.
type match struct {
	at  int
	why string
}

// matches lists those of the sorted names that are inputs, in their order.
// known remembers the answer of parts for these names; nil remembers nothing.
func (in *Inputs) matches(names []string, known map[*Inputs][]match) []match {
	var found []match
	if len(in.files) <= 4*len(names) {
		for name, why := range in.files {
			if i, ok := slices.BinarySearch(names, name); ok {
				found = append(found, match{i, why})
			}
		}
	} else {
		for i, name := range names {
			if why, ok := in.files[name]; ok {
				found = append(found, match{i, why})
			}
		}
	}
	for i := range in.areas {
		a := &in.areas[i]
		begin := a.begin()
		i, _ := slices.BinarySearch(names, begin)
		for ; i < len(names) && strings.HasPrefix(names[i], begin); i++ {
			if a.matches(names[i]) && !Written(names[i]) {
				found = append(found, match{i, a.why})
			}
		}
	}
	for _, p := range in.parts {
		list, ok := known[p.in]
		if !ok {
			list = p.in.matches(names, known)
			if known != nil {
				known[p.in] = list
			}
		}
		for _, m := range list {
			found = append(found, match{m.at, chain(m.why, p.why)})
		}
	}
	if len(found) < 2 {
		return found
	}
	slices.SortStableFunc(found, func(a, b match) int { return a.at - b.at })
	return slices.CompactFunc(found, func(a, b match) bool { return a.at == b.at })
}

// chain joins reasons, from the file to the unit.
func chain(inner, outer string) string {
	if inner == "" || outer == "" {
		return inner + outer
	}
	return inner + " → " + outer
}

// Match lists those of the sorted names that are inputs, sorted.
func (in *Inputs) Match(names []string) []string {
	var found []string
	for _, m := range in.matches(names, nil) {
		found = append(found, names[m.at])
	}
	return found
}

// warnings are all of them, those of modules too.
func (in *Inputs) warnings() []string {
	all := in.Warnings
	for _, p := range in.parts {
		all = append(all[:len(all):len(all)], p.in.warnings()...)
	}
	return all
}

// reaches says whether a file below a folder is an input, or may become one.
func (in *Inputs) reaches(dir string) bool {
	for name := range in.files {
		if within(dir, name) {
			return true
		}
	}
	for i := range in.areas {
		if in.areas[i].reaches(dir) {
			return true
		}
	}
	return false
}
