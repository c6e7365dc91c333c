package policy

import (
	"regexp"
	"slices"
	"strings"
)

// OPA does not tell which rule a message is of. The constant parts of the texts
// that a rule can make do, where they differ.

// account is what is known of the messages that a rule can give.
type account struct {
	texts [][]string // constant parts, in their order; what is between them is unknown
	vague bool       // it may give others
}

// accountOf finds the texts of a rule's messages.
func accountOf(r *rule) account {
	var a account
	value := r.value
	if value == nil && len(r.keys) > 0 {
		value = r.keys[len(r.keys)-1]
	}
	a.collect(r, value, 3)
	if len(a.texts) == 0 {
		a.vague = true
	}
	return a
}

// collect follows variables only so many times.
func (a *account) collect(r *rule, t *term, times int) {
	if t == nil {
		return
	}
	switch t.kind {
	case "string":
		a.texts = append(a.texts, []string{t.text})
	case "var":
		found := false
		for _, e := range r.body {
			if times > 0 && len(e.call) == 3 && (operator(e.call[0]) == "assign" || operator(e.call[0]) == "eq") && e.call[1].kind == "var" && e.call[1].text == t.text {
				a.collect(r, e.call[2], times-1)
				found = true
			}
		}
		a.vague = a.vague || !found
	case "object":
		for i, key := range t.keys {
			if key.kind == "string" && slices.Contains(textKeys(), key.text) {
				a.collect(r, t.items[i], times)
				return
			}
		}
		a.vague = true
	case "template":
		a.add(parts(t.items))
	case "call":
		a.collectCall(t)
	default:
		a.vague = true
	}
}

var verbPattern = regexp.MustCompile(`%[-+# 0]*(\[\d+\])?[\d*]*(\.[\d*]*)?[a-zA-Z]`)

func (a *account) collectCall(t *term) {
	args := t.items[1:]
	switch name := operator(t.items[0]); {
	case name == "sprintf" && len(args) == 2 && args[0].kind == "string":
		const percent = "\x00"
		format := strings.ReplaceAll(args[0].text, "%%", percent)
		var texts []string
		for _, part := range verbPattern.Split(format, -1) {
			texts = append(texts, strings.ReplaceAll(part, percent, "%"))
		}
		a.add(texts)
	case name == "concat" && len(args) == 2 && args[0].kind == "string" && args[0].text == "" && args[1].kind == "array":
		a.add(parts(args[1].items))
	default:
		a.vague = true
	}
}

// parts are the constants among terms that make a text one after another.
func parts(terms []*term) []string {
	texts := []string{""}
	for _, t := range terms {
		if t.kind == "string" {
			texts[len(texts)-1] += t.text
		} else {
			texts = append(texts, "")
		}
	}
	return texts
}

// add adds a text, if it has any constant part.
func (a *account) add(texts []string) {
	if strings.Join(texts, "") == "" {
		a.vague = true
		return
	}
	a.texts = append(a.texts, texts)
}

// score is how much of a message is constant in the rule, 0 if the rule cannot
// have given it.
func (a account) score(message string) int {
	best := 0
	for _, texts := range a.texts {
		if fits(message, texts) {
			best = max(best, len(strings.Join(texts, "")))
		}
	}
	return best
}

// fits says whether a text begins with the first part, ends with the last, and
// has the others between them.
func fits(text string, parts []string) bool {
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok || len(parts) == 1 {
		return ok && rest == ""
	}
	last := parts[len(parts)-1]
	if rest, ok = strings.CutSuffix(rest, last); !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return false
		}
	}
	return true
}

// by is the index of the rule that gave a message, negative if that cannot be
// told.
func (a *Analysis) by(m Message) int {
	if len(a.rules) == 1 {
		return 0
	}
	found, best, same := -1, 0, false
	for i, account := range a.accounts {
		switch score := account.score(m.raw); {
		case score > best:
			found, best, same = i, score, false
		case score == best && score > 0:
			same = true
		}
	}
	if found >= 0 {
		if same {
			return -1
		}
		return found
	}
	vague := -1
	for i, account := range a.accounts {
		if account.vague {
			if vague >= 0 {
				return -1
			}
			vague = i
		}
	}
	return vague
}
