package affected

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/strata-tf/strata/internal/stack"
)

// folder is one Terraform folder. Of a file that a glance tells enough of nothing
// more is read before a value is asked for.
type folder struct {
	closures *Closures
	dir      string
	code     []string // files that Terraform reads: the ordinary ones, then those that override
	links    []string // symbolic links among the files that it finds by itself
	auto     []string // variable files that it loads by itself, in their order
	calls    []call
	backend  bool     // there is a backend block, or may be one
	telling  []string // files whose expressions may name files
	override bool     // there are files that override others

	one, every sync.Once
	some, all  parsed // the telling files, and all of them
	mu         sync.Mutex
	files      map[string]parsedFile
}

// parsedFile is what the parser made of a file.
type parsedFile struct {
	body   *hclsyntax.Body
	broken bool
}

// parsed is all that the files of a folder declare.
type parsed struct {
	bodies    []*hclsyntax.Body
	templates []hclsyntax.Expression // every string of a .tf.json file
	locals    map[string]hcl.Expression
	variables map[string]variable
	modules   map[string]*module
	sources   []*module // module blocks, in their order
	backend   bool      // there is a backend block, or may be one
	broken    []string  // files that could not be parsed whole
	archives  []archive // of .tf.json files
}

// archive is an argument of an archive_file.
type archive struct {
	argument string
	expr     hcl.Expression
}

// module is a module block: what it gives to the module, count and for_each too.
type module struct {
	name, source, file string
	args               map[string]hcl.Expression
}

// call is a module block whose source is a local folder.
type call struct {
	name, file string
	dir        string   // relative to the repository's root, symbolic links followed
	via        []string // the symbolic links on the way
}

// isTest says whether a file is a test of Terraform's or OpenTofu's.
func isTest(name string) bool {
	for _, ending := range []string{".tftest.hcl", ".tftest.json", ".tofutest.hcl", ".tofutest.json", ".tfmock.hcl", ".tfmock.json"} {
		if strings.HasSuffix(name, ending) {
			return name[0] != '.'
		}
	}
	return false
}

// isAuto says whether Terraform loads a variable file without being told.
func isAuto(name string) bool {
	return name == "terraform.tfvars" || name == "terraform.tfvars.json" ||
		strings.HasSuffix(name, ".auto.tfvars") || strings.HasSuffix(name, ".auto.tfvars.json")
}

// isOverride says whether what a file declares replaces what others do.
func isOverride(name string) bool {
	name = strings.TrimSuffix(name, ".json")
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".tf"), ".tofu")
	return name == "override" || strings.HasSuffix(name, "_override")
}

// newFolder looks at a folder's files.
func newFolder(c *Closures, dir string) *folder {
	f := &folder{closures: c, dir: dir}
	entries, err := fs.ReadDir(c.fsys, dot(dir))
	if err != nil {
		return f
	}
	var overrides []string
	for _, entry := range entries {
		base := entry.Name()
		code, auto := stack.IsTerraformFile(base), isAuto(base)
		if entry.IsDir() || !code && !auto && !isTest(base) && base != lockFile {
			continue
		}
		name := path.Join(dir, base)
		if entry.Type()&fs.ModeSymlink != 0 {
			f.links = append(f.links, name)
		}
		switch {
		case auto:
			f.auto = append(f.auto, name)
		case code && isOverride(base):
			overrides = append(overrides, name)
		case code:
			f.code = append(f.code, name)
		}
	}
	// terraform.tfvars and its .json come first, the others by their name.
	slices.SortStableFunc(f.auto, func(a, b string) int { return autoOrder(a) - autoOrder(b) })
	f.code = append(f.code, overrides...)
	f.override = len(overrides) > 0
	f.glance()
	return f
}

const lockFile = ".terraform.lock.hcl"

func autoOrder(name string) int {
	switch path.Base(name) {
	case "terraform.tfvars":
		return 0
	case "terraform.tfvars.json":
		return 1
	}
	return 2
}

// glance finds the calls, and the files that have to be parsed.
func (f *folder) glance() {
	for _, name := range f.code {
		found, ok := glimpse{}, false
		if !f.override && !strings.HasSuffix(name, ".json") {
			found, ok = f.closures.quick(name)
		}
		if !ok {
			f.telling = append(f.telling, name)
			continue
		}
		f.backend = f.backend || found.backend
		for _, c := range found.calls {
			f.call(c.name, c.source, name)
		}
	}
	if len(f.telling) == 0 {
		return
	}
	p := f.expressions()
	f.backend = f.backend || p.backend
	for _, m := range p.sources {
		f.call(m.name, m.source, m.file)
	}
}

// call adds a module block where its source is a folder of the repository.
func (f *folder) call(name, source, file string) {
	if !isLocal(source) {
		return
	}
	dir, ok := inside(path.Join(f.dir, source))
	if !ok {
		return
	}
	c := call{name: name, file: file}
	c.dir, c.via = f.closures.real(dir)
	f.calls = append(f.calls, c)
}

func isLocal(source string) bool {
	return source == "." || source == ".." || strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../")
}

// expressions parses the files whose expressions may name files, once.
func (f *folder) expressions() *parsed {
	if f.override {
		return f.parse()
	}
	f.one.Do(func() { f.read(&f.some, f.telling) })
	return &f.some
}

// parse parses all files, once. What cannot be parsed is remembered, never
// dropped.
func (f *folder) parse() *parsed {
	f.every.Do(func() { f.read(&f.all, f.code) })
	return &f.all
}

func (f *folder) read(p *parsed, names []string) {
	p.locals, p.variables, p.modules = make(map[string]hcl.Expression), make(map[string]variable), make(map[string]*module)
	for _, name := range names {
		override := isOverride(path.Base(name))
		if strings.HasSuffix(name, ".json") {
			text, err := fs.ReadFile(f.closures.fsys, name)
			if err != nil {
				p.broken = append(p.broken, name)
				continue
			}
			p.json(name, bytes.TrimPrefix(text, []byte("\ufeff")), override)
			continue
		}
		file := f.native(name)
		if file.broken {
			text, _ := fs.ReadFile(f.closures.fsys, name)
			p.spoilt(name, text)
		}
		if file.body != nil {
			p.native(name, file.body, override)
		}
	}
}

// native parses one file, once.
func (f *folder) native(name string) parsedFile {
	f.mu.Lock()
	defer f.mu.Unlock()
	if file, ok := f.files[name]; ok {
		return file
	}
	var found parsedFile
	text, err := fs.ReadFile(f.closures.fsys, name)
	file, diags := hclsyntax.ParseConfig(bytes.TrimPrefix(text, []byte("\ufeff")), name, hcl.InitialPos)
	found.broken = err != nil || diags.HasErrors()
	if file != nil {
		found.body, _ = file.Body.(*hclsyntax.Body)
	}
	if f.files == nil {
		f.files = make(map[string]parsedFile)
	}
	f.files[name] = found
	return found
}

func (p *parsed) native(name string, body *hclsyntax.Body, override bool) {
	if override {
		p.replace(body)
	}
	p.bodies = append(p.bodies, body)
	for _, block := range body.Blocks {
		attrs := make(map[string]hcl.Expression, len(block.Body.Attributes))
		for name, attr := range block.Body.Attributes {
			attrs[name] = attr.Expr
		}
		label := ""
		if len(block.Labels) == 1 {
			label = block.Labels[0]
		}
		p.block(block.Type, label, attrs, name, override)
		for _, inner := range block.Body.Blocks {
			p.backend = p.backend || block.Type == "terraform" && inner.Type == "backend"
		}
	}
}

// replace takes out of the files before what a body overrides.
func (p *parsed) replace(body *hclsyntax.Body) {
	for _, block := range body.Blocks {
		switch block.Type {
		case "resource", "data", "ephemeral", "module", "variable", "output", "locals":
		default:
			continue
		}
		for _, earlier := range p.bodies {
			for _, old := range earlier.Blocks {
				if old.Type != block.Type || !slices.Equal(old.Labels, block.Labels) {
					continue
				}
				for name := range block.Body.Attributes {
					delete(old.Body.Attributes, name)
				}
			}
		}
	}
}

// block adds what a block declares; label is its only one.
func (p *parsed) block(kind, label string, attrs map[string]hcl.Expression, file string, override bool) {
	switch kind {
	case "locals":
		for name, expr := range attrs {
			if _, twice := p.locals[name]; twice && !override {
				expr = unknownExpr // of .tf and .tofu files, or a fault
			}
			p.locals[name] = expr
		}
	case "variable":
		v, known := p.variables[label]
		switch {
		case known && !override:
			v = variable{odd: true}
		case known:
			v.override(attrs)
		default:
			v.override(attrs)
		}
		p.variables[label] = v
	case "module":
		m := p.modules[label]
		if m != nil && override {
			for name, expr := range attrs {
				m.args[name] = expr
			}
		} else {
			m = &module{name: label, args: attrs, file: file}
			if p.modules[label] != nil {
				m.args = nil
				p.modules[label].args = nil // two of one name: nothing is known of what they are given
			}
			p.modules[label] = m
			p.sources = append(p.sources, m)
		}
		if expr := attrs["source"]; expr != nil {
			m.source = constant(expr)
		}
	}
}

// constant is the text of an expression that refers to nothing, else "".
func constant(expr hcl.Expression) string {
	value, diags := expr.Value(nil)
	if diags.HasErrors() || !value.IsKnown() || value.IsNull() || value.Type() != cty.String {
		return ""
	}
	return value.AsString()
}

var unknownExpr = hcl.StaticExpr(cty.DynamicVal, hcl.Range{})

// spoilt remembers a file that does not parse, and finds the module calls in its
// text: Terraform 0.11's syntax, or a file half written.
func (p *parsed) spoilt(name string, text []byte) {
	p.broken = append(p.broken, name)
	p.backend = true // or may have one
	for _, match := range sourceText.FindAllSubmatch(text, -1) {
		p.sources = append(p.sources, &module{source: string(match[1]), file: name})
	}
}
