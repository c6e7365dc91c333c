package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/strata-tf/strata/internal/finding"
)

// Message is one thing that a policy says of a plan. It can have values of the
// plan in it, sensitive ones too: they are to be scrubbed.
type Message struct {
	Text     string // one line
	ID       string // what the policy calls its rule, if it says
	Resource string // the address, if the policy says
	Help     string
	Severity finding.Severity // empty if the policy says none
	raw      string           // the text as it came
}

// textKeys are those under which an object has its message, as conftest and
// others have it.
func textKeys() []string { return []string{"msg", "message", "reason", "description"} }

// Messages reads what a query gave, in whatever form policies give it: a set or
// a list of strings or objects, an object whose keys or values are messages, a
// string, or whether it is so. What cannot be read is a message too, as it is.
func Messages(q Query, data []byte) ([]Message, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("read what the policies gave: %w", err)
	}
	return messages(tree, q.String()), nil
}

// messages reads one value; of one that only says true, the name is the message.
func messages(tree any, name string) []Message {
	switch t := tree.(type) {
	case nil:
		return nil
	case bool:
		if !t {
			return nil
		}
		return []Message{said(name)}
	case []any:
		var all []Message
		for _, item := range t {
			found := messages(item, name)
			if _, ok := item.(bool); ok || len(found) == 0 {
				// It is in the list, whatever it says.
				found = []Message{said(compact(item))}
			}
			all = append(all, found...)
		}
		return all
	case map[string]any:
		return objectMessages(t)
	case string:
		return []Message{said(t)}
	}
	return []Message{said(compact(tree))}
}

func objectMessages(t map[string]any) []Message {
	for _, key := range textKeys() {
		if text, ok := t[key].(string); ok {
			m := said(text)
			m.ID = first(t, "id", "rule", "rule_id", "policy", "policy_id", "code")
			m.Resource = first(t, "resource", "address", "resource_address", "addr")
			m.Help = first(t, "help", "remediation", "url", "documentation")
			if s, err := finding.ParseSeverity(first(t, "severity", "level")); err == nil {
				m.Severity = s
			}
			return []Message{m}
		}
	}
	var all []Message
	for _, key := range sortedKeys(t) {
		if text, ok := t[key].(string); ok {
			all = append(all, said(key+": "+text))
			continue
		}
		all = append(all, messages(t[key], key)...)
	}
	return all
}

// first is the first of an object's fields that is a string.
func first(t map[string]any, keys ...string) string {
	for _, key := range keys {
		if text, ok := t[key].(string); ok && text != "" {
			return line(text)
		}
	}
	return ""
}

func said(text string) Message {
	return Message{Text: line(text), raw: text}
}

func compact(tree any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(tree) // it was JSON
	return strings.TrimSpace(b.String())
}

// line makes one line of a text.
func line(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	const most = 2000
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

var addressPattern = regexp.MustCompile(`[A-Za-z0-9_-]+(?:\[(?:"(?:[^"\\]|\\.)*"|\d+)\])?(?:\.[A-Za-z0-9_-]+(?:\[(?:"(?:[^"\\]|\\.)*"|\d+)\])?)+`)

// in lists the plan's addresses that a message names, sorted.
func (p *Plan) in(m Message) []string {
	if p == nil {
		return nil
	}
	if p.addresses[m.Resource] {
		return []string{m.Resource}
	}
	var all []string
	for _, address := range addressPattern.FindAllString(m.raw, -1) {
		if p.addresses[address] {
			all = append(all, address)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Findings are the messages as findings of a unit. Where it can be told, they
// name the rule's file and line and the plan's resource. All rules of a query
// have one name in Rego: findings have that with a name of the rule's own behind
// it, as terraform.deny/no-public-ingress. A message of a denial
// is of high severity, and a warning of low: a policy may say that its is
// graver, never that it is less.
func (a *Analysis) Findings(unit string, plan *Plan, messages []Message) []finding.Finding {
	var list []finding.Finding
	for _, m := range messages {
		f := finding.Finding{
			Tool: finding.OPA, Rule: a.query.Rule(), Severity: finding.High, Title: m.Text, Unit: unit, Resource: m.Resource, Help: m.Help,
		}
		if a.query.Warn {
			f.Severity = finding.Low
		}
		if m.Severity != "" && m.Severity.AtLeast(f.Severity) {
			f.Severity = m.Severity
		}
		if addresses := plan.in(m); len(addresses) == 1 {
			f.Resource = addresses[0]
		}
		i := a.by(m)
		if i >= 0 {
			f.File, f.Line = a.rules[i].file, a.rules[i].line
		} else if len(a.rules) > 0 && a.oneFile() {
			f.File = a.rules[0].file
		}
		name := a.name(i, m)
		f.Rule, f.Aliases = f.Rule+"/"+name, []string{f.Rule, name}
		list = append(list, f)
	}
	return finding.Number(list)
}

// name tells the rules of a query apart: otherwise accepting a finding of one
// would accept those of the others too.
func (a *Analysis) name(i int, m Message) string {
	if m.ID != "" {
		return m.ID
	}
	if i >= 0 {
		if name := a.rules[i].name(a.accounts[i]); name != "" {
			return name
		}
	}
	sum := sha256.Sum256([]byte(m.raw))
	return hex.EncodeToString(sum[:4])
}

var wordPattern = regexp.MustCompile(`[a-z0-9]+`)

// name is the rule's title, or else what is constant in its message.
func (r *rule) name(a account) string {
	text := r.title
	if text == "" && len(a.texts) == 1 && !a.vague {
		text = strings.Join(a.texts[0], " ")
	}
	name := strings.Join(wordPattern.FindAllString(strings.ToLower(text), -1), "-")
	const most = 50
	if len(name) > most {
		name = name[:strings.LastIndex(name[:most+1], "-")+1]
	}
	return strings.Trim(name, "-")
}

func (a *Analysis) oneFile() bool {
	return !slices.ContainsFunc(a.rules, func(r *analysed) bool { return r.file != a.rules[0].file })
}
