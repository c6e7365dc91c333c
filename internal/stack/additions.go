package stack

import (
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// additions lists ways to add entries, the best first. Odd YAML may make any of
// them wrong: whoever takes one looks at what came of it.
func (s *source) additions(entries []Baseline) [][]edit {
	pairs, ok := mapping(s.body)
	if !ok { // comments, or nothing at all
		return [][]edit{s.atEnd(blockDrift(entries))}
	}
	drift := pairOf(pairs, "drift")
	switch root, flow := flowMapping(s.body); {
	case flow && drift == nil:
		return s.intoFlow(root.Start, root.End, firstKey(pairs), []string{`"drift": {"baseline": [` + strings.Join(flowItems(entries, true), ", ") + "]}"})
	case flow:
		return s.intoDrift(drift, entries, true)
	case drift == nil:
		first := pairs[0].Key.GetToken()
		text := shifted(blockDrift(entries), first.Position.Column-1)
		return [][]edit{s.atEnd(text), s.before(first.Position.Line, text)}
	}
	return s.intoDrift(drift, entries, false)
}

// intoDrift adds entries where there is a key drift. asJSON says that all of the
// file is in brackets.
func (s *source) intoDrift(drift *ast.MappingValueNode, entries []Baseline, asJSON bool) [][]edit {
	pairs, _ := mapping(drift.Value)
	var list *ast.SequenceNode
	baseline := pairOf(pairs, "baseline")
	if baseline != nil {
		list, _ = baseline.Value.(*ast.SequenceNode)
	}
	key := drift.Key.GetToken().Position
	m, flow := flowMapping(drift.Value)
	var ways [][]edit
	if flow && !asJSON {
		ways = s.unfold(m.Start, m.End, emptyDrift, shifted(blockBaseline(entries), key.Column+1))
	}
	switch {
	case baseline == nil && flow:
		name := "baseline"
		if asJSON {
			name = `"baseline"`
		}
		item := name + ": [" + strings.Join(flowItems(entries, asJSON), ", ") + "]"
		return append(ways, s.intoFlow(m.Start, m.End, firstKey(pairs), []string{item})...)
	case baseline == nil:
		first := pairs[0].Key.GetToken().Position
		return [][]edit{s.before(key.Line+1, shifted(blockBaseline(entries), first.Column-1))}
	case list == nil:
		return nil
	case list.IsFlowStyle:
		if !flow {
			ways = s.unfold(list.Start, list.End, emptyList, shifted(blockItems(entries), baseline.Key.GetToken().Position.Column+1))
		}
		var first *token.Token
		if len(list.Values) > 0 {
			first = startToken(list.Values[0])
		}
		return append(ways, s.intoFlow(list.Start, list.End, first, flowItems(entries, asJSON))...)
	}
	dash := list.Start.Position
	text := shifted(blockItems(entries), dash.Column-1)
	return [][]edit{s.before(s.listEnd(dash.Line, dash.Column-1)+1, text), s.before(dash.Line, text)}
}

const (
	emptyDrift = `^\{ *(baseline *: *\[ *\] *,? *)?\}$`
	emptyList  = `^\[ *\]$`
)

// unfold takes empty brackets away and puts a block on the lines behind them.
func (s *source) unfold(open, closing *token.Token, empty, block string) [][]edit {
	from, to := s.offset(open), s.offset(closing)+1
	if from < 0 || to <= from || !regexp.MustCompile(empty).MatchString(s.text[from:to]) {
		return nil
	}
	line := open.Position.Line
	rest := strings.TrimSpace(s.text[to : s.starts[line-1]+len(s.line(line))])
	if rest != "" && !strings.HasPrefix(rest, "#") {
		return nil
	}
	from = len(strings.TrimRight(s.text[:from], " "))
	return [][]edit{append([]edit{{from, to, ""}}, s.before(line+1, block)...)}
}

// intoFlow puts items between brackets: behind the last item, or before the
// first one, which a token begins; nil if there is none.
func (s *source) intoFlow(open, closing, first *token.Token, items []string) [][]edit {
	from, to := s.offset(open), s.offset(closing)
	if from < 0 || to <= from {
		return nil
	}
	if first == nil {
		return [][]edit{{{from + 1, from + 1, strings.Join(items, ", ")}}}
	}
	at := s.offset(first)
	if at < from {
		return nil
	}
	space := " "
	ownLine := false
	before := s.text[s.starts[first.Position.Line-1]:at]
	if strings.TrimSpace(before) == "" && first.Position.Line > open.Position.Line {
		ownLine, space = true, "\n"+before
	}
	text := strings.Join(items, ","+space)
	var ways [][]edit
	last := len(strings.TrimRight(s.text[:to], " \t\r\n"))
	switch comma := s.text[last-1] == ','; {
	case s.perhapsComment(last, to):
	case comma && ownLine:
		ways = append(ways, []edit{{last, last, space + text + ","}})
	case comma:
		ways = append(ways, []edit{{last, last, space + text}})
	default:
		ways = append(ways, []edit{{last, last, "," + space + text}})
	}
	if ownLine && closing.Position.Line > first.Position.Line { // a comment behind the last item
		ways = append(ways, s.before(closing.Position.Line, before+text+",\n"))
	}
	return append(ways, []edit{{at, at, text + "," + space}})
}

// perhapsComment says whether an offset may be the end of a comment; another
// offset is behind it.
func (s *source) perhapsComment(at, behind int) bool {
	line := s.text[strings.LastIndexByte(s.text[:at], '\n')+1 : at]
	return strings.Contains(s.text[at:behind], "\n") && regexp.MustCompile(`(^|\s)#`).MatchString(line)
}

// listEnd is the last line of a list in block style, of which the first dash's
// line and indentation are known.
func (s *source) listEnd(first, dash int) int {
	last := first
	for i := first + 1; i <= len(s.starts); i++ {
		rest := strings.TrimLeft(s.line(i), " ")
		switch indent := len(s.line(i)) - len(rest); {
		case strings.TrimSpace(rest) == "":
		case indent > dash, indent == dash && (rest == "-" || strings.HasPrefix(rest, "- ")):
			last = i
		case !strings.HasPrefix(rest, "#"):
			return last
		}
	}
	return last
}

// renewals writes entries over those that are there, by their index: the values
// that differ, and nothing between them.
func (s *source) renewals(there []Baseline, renewed map[int]Baseline) ([]edit, bool) {
	root, _ := mapping(s.body)
	drift, _ := mapping(valueOf(root, "drift"))
	list, _ := valueOf(drift, "baseline").(*ast.SequenceNode)
	if list == nil || len(list.Values) != len(there) {
		return nil, false
	}
	var edits []edit
	for i, entry := range renewed {
		pairs, _ := mapping(list.Values[i])
		was, is := there[i].fields(), entry.fields()
		for n, field := range is {
			if field == was[n] {
				continue
			}
			pair := pairOf(pairs, field.name)
			if pair == nil {
				return nil, false
			}
			more, ok := s.rewrite(pair, field)
			if !ok {
				return nil, false
			}
			edits = append(edits, more...)
		}
	}
	return edits, true
}

// rewrite gives a key another value.
func (s *source) rewrite(pair *ast.MappingValueNode, is field) ([]edit, bool) {
	at := s.offset(pair.Value.GetToken())
	if at < 0 || at >= len(s.text) {
		return nil, false
	}
	switch value := pair.Value.(type) {
	case *ast.StringNode:
		end := s.scalarEnd(at, value.Value)
		if s.text[at] == '"' { // perhaps the file is JSON
			return []edit{{at, end, quotedText(is.text)}}, end > at
		}
		return []edit{{at, end, is.yaml()}}, end > at
	case *ast.LiteralNode:
		sign := regexp.MustCompile(`^[|>][-+0-9]*`).FindString(s.text[at:])
		line, key := value.Start.Position.Line, pair.Key.GetToken().Position.Column-1
		last := s.listEnd(line, key)
		return []edit{{at, at + len(sign), is.yaml()}, {s.lineStart(line + 1), s.lineStart(last + 1), ""}}, sign != ""
	}
	return nil, false
}

func valueOf(pairs []*ast.MappingValueNode, key string) ast.Node {
	if pair := pairOf(pairs, key); pair != nil {
		return pair.Value
	}
	return nil
}

// pairOf is the pair of a key, nil if there is none.
func pairOf(pairs []*ast.MappingValueNode, key string) *ast.MappingValueNode {
	for _, pair := range pairs {
		if pair.Key.GetToken().Value == key {
			return pair
		}
	}
	return nil
}

func firstKey(pairs []*ast.MappingValueNode) *token.Token {
	if len(pairs) == 0 {
		return nil
	}
	return pairs[0].Key.GetToken()
}

func flowMapping(node ast.Node) (*ast.MappingNode, bool) {
	m, ok := node.(*ast.MappingNode)
	return m, ok && m.IsFlowStyle
}
