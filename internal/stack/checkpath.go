package stack

import (
	"path"
	"slices"
	"strings"
)

// pathPlaceholders may stand in a layer's path.
func pathPlaceholders() []string { return []string{"region", "instance", "env"} }

// settingPlaceholders may stand in what is filled in for each unit.
func settingPlaceholders() []string {
	return []string{"path", "layer", "region", "instance", "env"}
}

// path checks a layer's path pattern, and its environments against it.
func (c *checker) path(layer *Layer, at string) {
	if layer.Path == "" {
		if _, given := c.doc.positions[at+".path"]; given {
			c.problem(at+".path", "%s.path is empty: write . for the repository's root", at)
		}
		return
	}
	t, err := parseTemplate(layer.Path, pathPlaceholders())
	if err != nil {
		c.problem(at+".path", "%s.path: %v", at, err)
		return
	}
	if fault := pathFault(layer.Path); fault != "" {
		c.problem(at+".path", "%q %s", layer.Path, fault)
	}
	if a, b, ok := adjacent(t); ok {
		c.problem(at+".path", "{%s}{%s} cannot be told apart in a folder's name: put something between them", a, b)
	}
	_, given := c.doc.positions[at+".environments#"]
	switch {
	case t.has("env") && (given || len(layer.Environments) > 0):
		c.problem(at+".environments#", "the path of %s has {env}, so its folders tell the environments: leave environments out", layer.Name)
	case !t.has("env") && len(layer.Environments) == 0:
		c.problem(at+".path", "the path of %s has no {env}: add it, or list the environments that share its folders under environments", layer.Name)
	}
}

// pathFault says what is wrong with a path from the repository's root.
func pathFault(p string) string {
	segments := strings.Split(p, "/")
	switch {
	case strings.HasPrefix(p, "/") || len(p) > 1 && p[1] == ':':
		return "is absolute: paths are relative to the repository's root"
	case slices.Contains(segments, ".."):
		return "has ..: paths stay below the repository's root"
	case strings.Contains(p, `\`):
		return `has \: write / between folders`
	case strings.ContainsRune(p, 0):
		return "has a zero byte"
	case path.Clean(p) != p:
		return "should be written as " + path.Clean(p)
	}
	return ""
}

// adjacent finds two placeholders with nothing between them.
func adjacent(t template) (string, string, bool) {
	for i := 1; i < len(t); i++ {
		if t[i].placeholder && t[i-1].placeholder {
			return t[i-1].text, t[i].text, true
		}
	}
	return "", "", false
}

// insideRoot says whether a path, placeholders and all, stays in the
// repository. {path} may be as shallow as one folder.
func insideRoot(p string) bool {
	if strings.HasPrefix(p, "/") || strings.Contains(p, `\`) || strings.ContainsRune(p, 0) {
		return false
	}
	clean := path.Clean(p)
	return clean != ".." && !strings.HasPrefix(clean, "../")
}

// file checks a file's path that is filled in for each unit.
func (c *checker) file(file string, layer *Layer, at string) {
	if file == "" {
		return
	}
	if !insideRoot(file) {
		c.problem(at, "%q leads out of the repository: it must be relative to its root", file)
	}
	c.template(file, layer, at)
}

// template checks the placeholders of a setting. A nil layer stands for all.
func (c *checker) template(s string, layer *Layer, at string) {
	t, err := parseTemplate(s, settingPlaceholders())
	if err != nil {
		c.problem(at, "%s: %v", at, err)
		return
	}
	if layer == nil || len(c.templates[layer.Name]) == 0 {
		return
	}
	if t.has("instance") && !c.templates[layer.Name].has("instance") {
		c.problem(at, "%s: {instance} is never filled in: the path of %s has no {instance}", at, layer.Name)
	}
}

func (c *checker) backend(b *Backend, layer *Layer, at string) {
	c.file(b.Config, layer, at+".config")
	for name, value := range b.Values {
		c.template(value, layer, at+".values."+name)
	}
}
