package affected

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// largestRead is the size, in bytes, up to which a file's content is looked at
// to find the paths in it.
const largestRead = 1 << 20

// readers are the functions whose first argument is a file.
var readers = map[string]bool{
	"file": true, "filebase64": true, "filebase64sha256": true, "filebase64sha512": true, "filemd5": true,
	"filesha1": true, "filesha256": true, "filesha512": true, "fileexists": true, "templatefile": true,
}

// coreName is a function's name without the prefix that all of Terraform's own
// may have.
func coreName(name string) string { return strings.TrimPrefix(name, "core::") }

// newFunctions are those of Terraform's functions that look at the repository,
// beside the pure ones. One that is missing makes its result unknown.
func newFunctions(s *scope) map[string]function.Function {
	f := make(map[string]function.Function, 16)
	f["file"] = s.reading(cty.String, func(text string) cty.Value { return cty.StringVal(text) })
	f["filebase64"] = s.reading(cty.String, func(text string) cty.Value {
		return cty.StringVal(base64.StdEncoding.EncodeToString([]byte(text)))
	})
	f["fileexists"] = s.reading(cty.Bool, func(string) cty.Value { return cty.True })
	f["fileset"] = s.fileset()
	f["templatefile"] = s.templatefile()
	f["abspath"] = stringFunction(func(name string) string {
		if strings.HasPrefix(name, "/") {
			return path.Clean(name)
		}
		s.bindAll()
		return path.Clean(checkoutRoot + "/" + path.Join(s.unit, name))
	})
	for _, name := range []string{"file", "filebase64", "fileexists", "fileset", "templatefile", "abspath"} {
		f["core::"+name] = f[name]
	}
	return f
}

// always is what every expression can refer to.
var always = sync.OnceValue(func() *hcl.EvalContext {
	f := maps.Clone(pure)
	for name, impl := range pure {
		f["core::"+name] = impl
	}
	return &hcl.EvalContext{Functions: f}
})

// context is what an expression can refer to: variables, and functions where it
// calls any.
func (s *scope) context(expr hcl.Expression, variables map[string]cty.Value) *hcl.EvalContext {
	if s.functions == nil && calls(expr) {
		s.functions = newFunctions(s)
	}
	context := always().NewChild()
	context.Variables, context.Functions = variables, s.functions
	return context
}

// calls says whether an expression may call functions.
func calls(expr hcl.Expression) bool {
	switch e := expr.(type) {
	case *hclsyntax.TemplateExpr:
		for _, part := range e.Parts {
			if calls(part) {
				return true
			}
		}
		return false
	case *hclsyntax.ScopeTraversalExpr, *hclsyntax.LiteralValueExpr:
		return false
	}
	return true
}

// pure are the functions that look at their arguments alone.
var pure = map[string]function.Function{
	"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "chomp": stdlib.ChompFunc, "chunklist": stdlib.ChunklistFunc, "coalesce": coalesce,
	"coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc,
	"csvdecode": stdlib.CSVDecodeFunc, "distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc,
	"floor": stdlib.FloorFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc, "indent": stdlib.IndentFunc,
	"index": stdlib.IndexFunc, "join": stdlib.JoinFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
	"keys": stdlib.KeysFunc, "length": length, "lookup": stdlib.LookupFunc, "lower": stdlib.LowerFunc,
	"max": stdlib.MaxFunc, "merge": stdlib.MergeFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "range": stdlib.RangeFunc,
	"regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc, "replace": replace, "reverse": stdlib.ReverseListFunc,
	"setintersection": stdlib.SetIntersectionFunc, "setproduct": stdlib.SetProductFunc, "setsubtract": stdlib.SetSubtractFunc,
	"setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "split": stdlib.SplitFunc,
	"strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc,
	"trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc,
	"upper": stdlib.UpperFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
	"try": tryfunc.TryFunc, "can": tryfunc.CanFunc, "yamldecode": ctyyaml.YAMLDecodeFunc, "yamlencode": ctyyaml.YAMLEncodeFunc,
	"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
	"tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)), "tostring": stdlib.MakeToFunc(cty.String),
	"tonumber": stdlib.MakeToFunc(cty.Number), "tobool": stdlib.MakeToFunc(cty.Bool),
	"basename": stringFunction(path.Base), "dirname": stringFunction(path.Dir),
	"startswith": about(strings.HasPrefix), "endswith": about(strings.HasSuffix), "strcontains": about(strings.Contains),
	"sensitive": same, "nonsensitive": same, "base64decode": base64decode,
	"one": function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !args[0].CanIterateElements() || args[0].LengthInt() > 1 {
				return cty.NilVal, errors.New("not one element")
			}
			for _, element := range args[0].Elements() {
				return element, nil
			}
			return cty.NullVal(cty.DynamicPseudoType), nil
		},
	}),
}

func stringFunction(do func(string) string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.StringVal(do(args[0].AsString())), nil
		},
	})
}

func about(do func(text, part string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "part", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(do(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

var base64decode = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "text", Type: cty.String}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		text, err := base64.StdEncoding.DecodeString(args[0].AsString())
		return cty.StringVal(string(text)), err
	},
})

var same = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true}},
	Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
	Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0], nil },
})

// length is that of strings too.
var length = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if args[0].Type() == cty.String {
			return stdlib.Strlen(args[0])
		}
		return stdlib.Length(args[0])
	},
})

// coalesce takes the first argument that is neither null nor an empty string:
// what it takes, and its type, are known only where those before it are.
var coalesce = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "values", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true},
	Type: func(args []cty.Value) (cty.Type, error) {
		types := make([]cty.Type, len(args))
		for i, arg := range args {
			types[i] = arg.Type()
		}
		t, _ := convert.UnifyUnsafe(types)
		if t == cty.NilType {
			return cty.NilType, errors.New("arguments of different types")
		}
		return t, nil
	},
	Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
		for _, arg := range args {
			value, err := convert.Convert(arg, t)
			switch {
			case err != nil:
				return cty.NilVal, err
			case !value.IsKnown():
				return cty.UnknownVal(t), nil
			case value.IsNull(), value.Type() == cty.String && value.AsString() == "":
				continue
			}
			return value, nil
		}
		return cty.NilVal, errors.New("no argument has a value")
	},
})

// replace takes what stands between slashes for a regular expression.
var replace = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "part", Type: cty.String}, {Name: "by", Type: cty.String}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		part := args[1].AsString()
		if len(part) > 1 && part[0] == '/' && part[len(part)-1] == '/' {
			return stdlib.RegexReplace(args[0], cty.StringVal(part[1:len(part)-1]), args[2])
		}
		return stdlib.Replace(args[0], args[1], args[2])
	},
})

// reading is a function of a file's content. Of a file that is not there nothing
// is known: it may be made before Terraform runs.
func (s *scope) reading(t cty.Type, do func(text string) cty.Value) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(t),
		Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
			text, ok := s.read(args[0].AsString())
			if !ok {
				return cty.UnknownVal(t), nil
			}
			return do(text), nil
		},
	})
}

// read returns the content of a file that an expression names.
func (s *scope) read(path string) (text string, ok bool) {
	name, ok := s.place(path)
	if !ok {
		return "", false
	}
	info, err := fs.Stat(s.fsys, dot(name))
	if err != nil || info.IsDir() || info.Size() > largestRead {
		return "", false
	}
	data, err := fs.ReadFile(s.fsys, name)
	return string(data), err == nil
}

// templatefile is a template's result, as far as it is known.
func (s *scope) templatefile() function.Function {
	depth := 0
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "vars", Type: cty.DynamicPseudoType, AllowUnknown: true, AllowDynamicType: true}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
			expr, ok := s.template(args[0].AsString())
			if !ok || depth > deepest {
				return cty.UnknownVal(t), nil
			}
			depth++
			defer func() { depth-- }()
			value, diags := expr.Value(s.context(expr, attributesOf(args[1])))
			if diags.HasErrors() {
				return cty.NilVal, fmt.Errorf("the template fails: %w", diags)
			}
			return convert.Convert(value, t)
		},
	})
}

// deepest is how deep templates may be in templates.
const deepest = 8

// template parses a template file.
func (s *scope) template(path string) (hclsyntax.Expression, bool) {
	text, ok := s.read(path)
	if !ok {
		return nil, false
	}
	name, _ := s.place(path)
	expr, diags := hclsyntax.ParseTemplate([]byte(text), name, hcl.InitialPos)
	return expr, !diags.HasErrors()
}

// attributesOf are the attributes of an object, or the elements of a map.
func attributesOf(value cty.Value) map[string]cty.Value {
	if !value.IsKnown() || value.IsNull() || !value.Type().IsObjectType() && !value.Type().IsMapType() {
		return nil
	}
	return value.AsValueMap()
}

// fileset lists files as Terraform does: those below a folder that match a
// pattern, relative to the folder.
func (s *scope) fileset() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "pattern", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Set(cty.String)),
		Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
			dir, pattern, ok := s.filesetOf(args[0].AsString(), args[1].AsString())
			if !ok {
				return cty.UnknownVal(t), nil
			}
			values := []cty.Value{}
			for _, name := range s.list(dir, pattern).names {
				values = append(values, cty.StringVal(name))
			}
			if len(values) == 0 {
				return cty.SetValEmpty(cty.String), nil
			}
			return cty.SetVal(values), nil
		},
	})
}
