package store

import (
	"fmt"
	"maps"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// backendSettings are an S3 backend's settings from all places, merged: an
// attribute of an object is "object.attribute".
type backendSettings struct {
	values  map[string]string
	nested  map[string]bool // objects that are set
	dynamic map[string]bool // set, to what only Terraform knows
}

func newSettings() *backendSettings {
	return &backendSettings{values: map[string]string{}, nested: map[string]bool{}, dynamic: map[string]bool{}}
}

// backendReader reads each file once.
type backendReader struct {
	read   func(path string) ([]byte, error)
	blocks map[string]map[string]cty.Value // objects in the backend block, by file
	files  map[string]map[string]cty.Value // backend configuration files
}

func newBackendReader(read func(path string) ([]byte, error)) *backendReader {
	return &backendReader{read: read, blocks: map[string]map[string]cty.Value{}, files: map[string]map[string]cty.Value{}}
}

// settings merges as Terraform does: the block, then the configuration file,
// then single values.
func (r *backendReader) settings(u *stack.Unit) (*backendSettings, error) {
	s := newSettings()
	block := u.Module.Backend
	maps.Copy(s.values, block.Settings)
	for _, name := range block.Dynamic {
		s.dynamic[name] = true
	}
	objects, err := r.objects(block.Pos.File)
	if err != nil {
		return nil, err
	}
	for name, value := range objects {
		s.set(name, value)
	}
	if u.Backend.Config != "" {
		file, err := r.file(u.Backend.Config)
		if err != nil {
			return nil, err
		}
		for name, value := range file {
			s.set(name, value)
		}
	}
	for name, text := range u.Backend.Values {
		s.set(name, cty.StringVal(text))
	}
	return s, nil
}

// set lays a setting over those before.
func (s *backendSettings) set(name string, value cty.Value) {
	delete(s.values, name)
	delete(s.dynamic, name)
	delete(s.nested, name)
	maps.DeleteFunc(s.values, func(old, _ string) bool { return strings.HasPrefix(old, name+".") })
	switch {
	case value.IsNull():
	case !value.IsWhollyKnown():
		s.dynamic[name] = true
	case value.Type().IsObjectType() || value.Type().IsMapType():
		s.nested[name] = true
		for attr, inner := range value.AsValueMap() {
			s.setText(name+"."+attr, inner)
		}
	default:
		s.setText(name, value)
	}
}

func (s *backendSettings) setText(name string, value cty.Value) {
	text, err := convert.Convert(value, cty.String)
	if err == nil && !text.IsNull() {
		s.values[name] = text.AsString()
	}
}

// objects are the settings of a file's backend block that are objects: what
// stack leaves out.
func (r *backendReader) objects(name string) (map[string]cty.Value, error) {
	if found, ok := r.blocks[name]; ok {
		return found, nil
	}
	r.blocks[name] = nil
	text, err := r.read(name)
	if err != nil {
		return nil, fmt.Errorf("read the backend block: %w", err)
	}
	if !mentions(text) {
		return nil, nil
	}
	found := map[string]cty.Value{}
	content, _, _ := parse(text, name).PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "terraform"}}})
	for _, outer := range content.Blocks {
		content, _, _ := outer.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "backend", LabelNames: []string{"type"}}}})
		for _, block := range content.Blocks {
			attrs, _ := block.Body.JustAttributes()
			for attr, value := range constants(attrs) {
				if value.Type().IsObjectType() || value.Type().IsMapType() {
					found[attr] = value
				}
			}
		}
	}
	r.blocks[name] = found
	return found, nil
}

// file reads a backend configuration file.
func (r *backendReader) file(name string) (map[string]cty.Value, error) {
	if found, ok := r.files[name]; ok {
		return found, nil
	}
	text, err := r.read(name)
	if err != nil {
		return nil, fmt.Errorf("read its backend configuration: %w", err)
	}
	attrs, _ := parse(text, name).JustAttributes()
	r.files[name] = constants(attrs)
	return r.files[name], nil
}

// parse reads what can be read: Terraform tells what is wrong.
func parse(text []byte, name string) hcl.Body {
	var file *hcl.File
	if strings.HasSuffix(name, ".json") {
		file, _ = json.Parse(text, name)
	} else {
		file, _ = hclsyntax.ParseConfig(text, name, hcl.InitialPos)
	}
	if file == nil || file.Body == nil {
		return hcl.EmptyBody()
	}
	return file.Body
}

func constants(attrs hcl.Attributes) map[string]cty.Value {
	found := make(map[string]cty.Value, len(attrs))
	for name, attr := range attrs {
		if value, known := evaluate(attr.Expr); known {
			found[name] = value
		}
	}
	return found
}

// evaluate is the value of an expression that refers to nothing.
func evaluate(expr hcl.Expression) (cty.Value, bool) {
	if len(expr.Variables()) > 0 {
		return cty.NilVal, false
	}
	value, diags := expr.Value(nil)
	if diags.HasErrors() {
		return cty.NilVal, false
	}
	value, _ = value.UnmarkDeep()
	return value, true
}
