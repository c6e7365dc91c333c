package stack

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
)

// parsing is the state of reading one Terraform folder.
type parsing struct {
	fsys     fs.FS
	dir      string
	files    []string
	problems []Problem

	m         *Module
	override  bool              // the file at hand is an override file
	text      []byte            // its text
	required  []string          // version constraints
	providers map[string]string // local name -> source address
	implied   []string          // local names in use
}

func newParsing(fsys fs.FS, dir string) *parsing {
	return &parsing{
		fsys: fsys, dir: dir,
		m:         &Module{Variables: map[string]Variable{}, Outputs: map[string]Output{}},
		providers: map[string]string{},
	}
}

// module reads the files: first the ordinary ones, then those that override
// them, each group by name.
func (p *parsing) module() *Module {
	slices.Sort(p.files)
	p.m.Files = p.files
	var overrides []string
	for _, name := range p.files {
		if isOverride(name) {
			overrides = append(overrides, name)
			continue
		}
		p.file(name)
	}
	p.override = true
	for _, name := range overrides {
		p.file(name)
	}
	p.m.Required = strings.Join(p.required, ", ")
	p.m.Providers = p.sources()
	return p.m
}

// isOverride says whether a file's settings replace those of other files.
func isOverride(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	return base == "override" || strings.HasSuffix(base, "_override")
}

// file reads one file.
func (p *parsing) file(name string) {
	full := path.Join(p.dir, name)
	text, err := fs.ReadFile(p.fsys, full)
	if err != nil {
		p.problems = append(p.problems, Problem{Position{File: full}, "cannot be read: " + cause(err).Error()})
		return
	}
	p.text = text
	body, diags := parseHCL(text, full)
	p.diagnose(diags)
	content, _, diags := body.PartialContent(moduleSchema())
	p.diagnose(diags)
	for _, block := range content.Blocks {
		p.block(block)
	}
}

func (p *parsing) diagnose(diags hcl.Diagnostics) {
	p.problems = append(p.problems, diagnosed(diags, p.dir)...)
}

// diagnosed keeps HCL's errors in its own words. An error without a place is
// one of fallback.
func diagnosed(diags hcl.Diagnostics, fallback string) []Problem {
	var problems []Problem
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		message := strings.TrimSuffix(d.Summary, ".")
		if detail := strings.Join(strings.Fields(d.Detail), " "); detail != "" {
			message += ": " + detail
		}
		pos := Position{File: fallback}
		if d.Subject != nil {
			pos = position(*d.Subject)
		}
		problems = append(problems, Problem{pos, message})
	}
	return problems
}

// parseHCL parses a file in HCL's own or its JSON syntax, by its name.
func parseHCL(text []byte, name string) (hcl.Body, hcl.Diagnostics) {
	var file *hcl.File
	var diags hcl.Diagnostics
	if strings.HasSuffix(name, ".json") {
		file, diags = json.Parse(text, name)
	} else {
		file, diags = hclsyntax.ParseConfig(text, name, hcl.InitialPos)
	}
	if file == nil || file.Body == nil {
		return hcl.EmptyBody(), diags
	}
	return file.Body, diags
}

func position(r hcl.Range) Position {
	return Position{File: r.Filename, Line: r.Start.Line, Column: r.Start.Column}
}

// moduleSchema is what is read of a file; all else is left alone.
func moduleSchema() *hcl.BodySchema {
	return &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "terraform"},
		{Type: "variable", LabelNames: []string{"name"}},
		{Type: "output", LabelNames: []string{"name"}},
		{Type: "module", LabelNames: []string{"name"}},
		{Type: "provider", LabelNames: []string{"name"}},
		{Type: "resource", LabelNames: []string{"type", "name"}},
		{Type: "data", LabelNames: []string{"type", "name"}},
		{Type: "ephemeral", LabelNames: []string{"type", "name"}},
		{Type: "check", LabelNames: []string{"name"}},
	}}
}
