package affected

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// attributes answers what .gitattributes files say of a path. It reads them
// when they are first asked for.
type attributes struct {
	top    string // of the working tree
	common string
	config gitConfig
	fold   bool

	mu     sync.Mutex
	rules  map[string][]attributeRule // by folder
	macros map[string][]string
}

// attributeRule is one line: a pattern and what it sets.
type attributeRule struct {
	pattern gitPattern
	sets    []string
}

func newAttributes(r *Repository, fold bool) *attributes {
	a := &attributes{top: r.top, common: r.common, config: r.config, fold: fold,
		rules:  make(map[string][]attributeRule),
		macros: map[string][]string{"binary": {"-diff", "-merge", "-text"}},
	}
	// Only these and the root's own may define macros: read them first.
	a.folder("")
	return a
}

// What follows no folder: the weakest and the strongest file.
const (
	userAttributes = "\x00user"
	infoAttributes = "\x00info"
)

// of returns a path's attributes: "" is set, "-" unset, else the value.
func (a *attributes) of(name string) map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := make(map[string]string)
	a.apply(found, a.file(userAttributes), name)
	for i := -1; i < len(name); i++ {
		if i >= 0 && name[i] != '/' {
			continue
		}
		dir := name[:max(i, 0)]
		a.apply(found, a.folder(dir), strings.TrimPrefix(name[len(dir):], "/"))
	}
	a.apply(found, a.file(infoAttributes), name)
	return found
}

func (a *attributes) apply(found map[string]string, rules []attributeRule, rel string) {
	if a.fold {
		rel = strings.ToLower(rel)
	}
	for _, rule := range rules {
		if rule.pattern.match(rel, false) {
			a.set(found, rule.sets, 0)
		}
	}
}

func (a *attributes) set(found map[string]string, sets []string, depth int) {
	for _, word := range sets {
		key, value, hasValue := strings.Cut(word, "=")
		switch {
		case hasValue:
			found[key] = value
		case strings.HasPrefix(word, "-"):
			found[word[1:]] = "-"
		case strings.HasPrefix(word, "!"):
			delete(found, word[1:])
		default:
			found[word] = ""
			if depth < 5 {
				a.set(found, a.macros[word], depth+1)
			}
		}
	}
}

func (a *attributes) folder(dir string) []attributeRule {
	rules, known := a.rules[dir]
	if !known {
		rules = a.read(filepath.Join(a.top, filepath.FromSlash(dir), ".gitattributes"))
		a.rules[dir] = rules
	}
	return rules
}

func (a *attributes) file(which string) []attributeRule {
	rules, known := a.rules[which]
	if known {
		return rules
	}
	name := filepath.Join(a.common, "info", "attributes")
	if which == userAttributes {
		if name = expandHome(a.config.get("core.attributesfile")); name == "" {
			name = filepath.Join(userConfigDir(), "git", "attributes")
		}
	}
	rules = a.read(name)
	a.rules[which] = rules
	return rules
}

// read reads a file; one that cannot be read says nothing.
func (a *attributes) read(name string) []attributeRule {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	var rules []attributeRule
	for line := range bytes.Lines(bytes.TrimPrefix(text, []byte("\ufeff"))) {
		words := strings.Fields(string(line))
		if len(words) < 2 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if macro, ok := strings.CutPrefix(words[0], "[attr]"); ok {
			a.macros[macro] = words[1:]
			continue
		}
		p, ok := parsePattern(strings.Trim(words[0], `"`), a.fold)
		if ok && !p.negated {
			rules = append(rules, attributeRule{p, words[1:]})
		}
	}
	return rules
}

// exist says whether any attributes file may hold something: among the tracked
// names, or outside of them.
func (a *attributes) exist(names func(func(string) bool)) bool {
	if len(a.file(userAttributes)) > 0 || len(a.file(infoAttributes)) > 0 || len(a.folder("")) > 0 {
		return true
	}
	for name := range names {
		if path.Base(name) == ".gitattributes" {
			return true
		}
	}
	return false
}
