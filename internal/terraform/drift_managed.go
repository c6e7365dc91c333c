package terraform

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// managed says whether all that differs of an attribute, which the code does not
// set, is what other resources of the unit manage.
//
// Such a resource has the id or the arn of its parent as a value. What it manages
// is compared as rows: the values of an element without those within lists, each
// time with one value of a list. A row that is there now must be found in one
// such resource as it is now, and one that is gone, and was not just replaced, in
// one as it was deployed, which therefore has drifted itself. A value must be that
// of the same name, where there is one. So of a security group's rules, 22 for
// 10.0.0.0/8 and 443 for anyone do not explain 22 for anyone.
func (r *driftReader) managed(d *drifting, attribute string) bool {
	if attribute == "" || r.setsBack(d, []any{attribute}) {
		return false
	}
	parent, _ := d.Change.After.(map[string]any)
	var children []managing
	for _, c := range r.children(d, parent) {
		if c.mayManage(parent, attribute) {
			c.named = c.names(attribute)
			children = append(children, c)
		}
	}
	some := func(says func(managing) bool) bool { return slices.ContainsFunc(children, says) }
	was, is := at(d.Change.Before, []any{attribute}), parent[attribute]
	before, after := rowsOf(attribute, was), rowsOf(attribute, is)
	replaced := isOne(was) && isOne(is) && len(after) > 0 // such as a default
	differs := false
	for text, row := range after {
		if _, both := before[text]; !both {
			differs = true
			if !some(func(c managing) bool { return c.holds(c.now, row) }) {
				return false
			}
		}
	}
	for text, row := range before {
		if _, both := after[text]; both {
			continue
		}
		differs = true
		if replaced {
			// What is on no more must be a thing that it knows.
			for _, cell := range row {
				if !isZero(cell.value) && !named(after, cell.name) && !some(func(c managing) bool { return c.now.has(cell.name) }) {
					return false
				}
			}
		} else if !some(func(c managing) bool { return c.holds(c.was, row) && !c.holds(c.now, row) }) {
			return false
		}
	}
	return differs
}

// isOne says whether a value is one thing: no list of any length.
func isOne(value any) bool {
	if list, isList := value.([]any); isList {
		return len(list) == 1
	}
	return !isEmpty(value)
}

// named says whether a row has something by that name.
func named(rows map[string]row, name string) bool {
	for _, r := range rows {
		if slices.ContainsFunc(r, func(c cell) bool { return c.name == name && !isZero(c.value) }) {
			return true
		}
	}
	return false
}

// managing is a resource that may manage something of another one.
type managing struct {
	kind   string
	fields map[string]any // as it is, or was
	link   string         // the value by which it belongs to the other one
	links  int            // how many of its fields have that value
	now    content        // nil where it is deleted
	was    content        // as it was deployed
	named  bool           // it tells itself what it manages
}

// children lists the resources that have the id or the arn of the parent.
func (r *driftReader) children(d *drifting, parent map[string]any) []managing {
	var found []managing
	add := func(rc *tfjson.ResourceChange, now, was map[string]any) {
		fields := now
		if fields == nil {
			fields = was
		}
		for _, name := range []string{"id", "arn"} {
			link, _ := parent[name].(string)
			if links := countLinks(fields, link); link != "" && links > 0 {
				found = append(found, managing{kind: rc.Type, fields: fields, link: link, links: links, now: contentOf(now), was: contentOf(was)})
				return
			}
		}
	}
	for address, p := range r.planned {
		if address == d.Address || p.Mode == tfjson.DataResourceMode {
			continue
		}
		now, _ := p.Change.Before.(map[string]any)
		was := now
		if other := r.drifted[address]; other != nil {
			was, _ = other.Change.Before.(map[string]any)
		}
		if now != nil || was != nil {
			add(p.ResourceChange, now, was)
		}
	}
	for address, other := range r.drifted {
		if r.planned[address] == nil && other.deleted() {
			was, _ := other.Change.Before.(map[string]any)
			add(other.ResourceChange, nil, was)
		}
	}
	return found
}

// countLinks counts the fields that have the value, but for a resource's own
// name.
func countLinks(fields map[string]any, value string) int {
	count := 0
	for name, field := range fields {
		if field == value && name != "id" && name != "name" {
			count++
		}
	}
	return count
}

// mayManage says that a resource does not tell that it manages another attribute
// of the same form: one for egress has nothing to say of ingress.
func (c managing) mayManage(parent map[string]any, attribute string) bool {
	if c.fields[attribute] == false {
		return false
	}
	if c.names(attribute) {
		return true
	}
	form := formOf(parent[attribute])
	for other, value := range parent {
		if other != attribute && value != c.link && formOf(value) == form && c.names(other) {
			return false
		}
	}
	return true
}

// names says whether a resource names an attribute of its parent: in its type,
// as a value, or as a switch that is on.
func (c managing) names(attribute string) bool {
	if strings.Contains("_"+c.kind+"_", "_"+attribute+"_") || c.fields[attribute] == true {
		return true
	}
	for _, field := range c.fields {
		if field == attribute {
			return true
		}
	}
	return false
}

// formOf tells values of different make apart.
func formOf(value any) string {
	switch v := value.(type) {
	case string:
		return "text"
	case bool:
		return "bool"
	case json.Number:
		return "number"
	case []any:
		if len(v) > 0 {
			if element, isMap := v[0].(map[string]any); isMap {
				return strings.Join(sortedKeys(element), ",")
			}
		}
		return "list"
	case map[string]any:
		return "map"
	}
	return ""
}

// cell is one value with its name, row what belongs together.
type (
	cell struct {
		name  string
		value any
	}
	row []cell
)

// rowsOf lists the rows of a value that hold something, by their text.
func rowsOf(name string, value any) map[string]row {
	rows := make(map[string]row)
	collectRows(name, value, nil, rows)
	return rows
}

func collectRows(name string, value any, base row, rows map[string]row) {
	add := func(r row) {
		if !slices.ContainsFunc(r, func(c cell) bool { return !isZero(c.value) }) {
			return
		}
		texts := make([]string, len(r))
		for i, c := range r {
			texts[i] = c.name + "=" + canonical(c.value)
		}
		slices.Sort(texts)
		rows[strings.Join(texts, "\n")] = r
	}
	switch v := value.(type) {
	case map[string]any:
		own := slices.Clone(base)
		var inner []string
		var flags row
		for _, key := range sortedKeys(v) {
			switch v[key].(type) {
			case map[string]any, []any:
				if !isEmpty(v[key]) {
					inner = append(inner, key)
				}
			case bool:
				flags = append(flags, cell{key, v[key]})
			case nil:
			default:
				own = append(own, cell{key, v[key]})
			}
		}
		if len(inner) == 0 {
			add(append(own, flags...))
			return
		}
		for _, flag := range flags {
			if flag.value == true { // such as self, beside the addresses of a rule
				add(append(slices.Clone(own), flag))
			}
		}
		for _, key := range inner {
			collectRows(key, v[key], own, rows)
		}
	case []any:
		for _, element := range v {
			collectRows(name, element, base, rows)
		}
	case nil:
	default:
		add(append(slices.Clone(base), cell{name, v}))
	}
}

func isZero(value any) bool {
	return isEmpty(value) || value == false || value == json.Number("0")
}

// content is all that a resource holds: by name the values, and by "" all of
// them.
type content map[string]map[string]bool

func contentOf(fields map[string]any) content {
	if fields == nil {
		return nil
	}
	c := make(content)
	c.collect("", fields)
	all := make(map[string]bool)
	for _, values := range c {
		maps.Copy(all, values)
	}
	c[""] = all
	return c
}

func (c content) has(name string) bool { return c[name] != nil }

func (c content) collect(name string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			c.collect(key, inner)
		}
	case []any:
		for _, inner := range v {
			c.collect(name, inner)
		}
	default:
		if c[name] == nil {
			c[name] = make(map[string]bool)
		}
		if !isEmpty(v) {
			c[name][canonical(v)] = true
		}
	}
}

// holds says whether all of a row is in the content. A setting that is on may be
// written as a word there, enabled as "Enabled", and one of self as the parent's
// name, given once more. What is found by chance explains nothing: a single
// number or word under another name, in a resource that does not tell that it
// manages the attribute.
func (c managing) holds(in content, r row) bool {
	if in == nil {
		return false
	}
	found, sure := 0, c.named
	for _, cell := range r {
		values, value := in[cell.name], canonical(cell.value)
		text, isText := cell.value.(string)
		switch {
		case cell.name == "self" && cell.value == true && c.links > 1:
		case values[value]:
			sure = true
		case len(values) > 0:
			return false
		case isZero(cell.value):
		case cell.value == true:
			if !in.hasWord(cell.name) {
				return false
			}
		case in[""][value]:
			found++
			sure = sure || isText && len(text) >= shortestName
		default:
			return false
		}
	}
	return sure || found > 1
}

// shortestName is the length from which on a text is found by no chance, such as
// an id or an arn.
const shortestName = 8

func (c content) hasWord(word string) bool {
	for value := range c[""] {
		if strings.EqualFold(strings.Trim(value, `"`), word) {
			return true
		}
	}
	return false
}
