package report

import (
	"net/url"
	"strings"
)

const mdFindingHead = "| Rule | Where | What | Used by |\n|---|---|---|---|\n"

// mdChapter is a chapter of findings, each with its row at both lengths. What
// stands around the rows takes at most frame bytes.
type mdChapter struct {
	chapter
	parts []*detail // of the hits
	frame int
}

// mdChapters are the findings of a run as they are listed. Those that refuse
// stand behind units that failed, and before all else.
func mdChapters(run *Run) []*mdChapter {
	var list []*mdChapter
	for n, c := range chapters(run) {
		m := &mdChapter{chapter: c}
		for _, h := range c.hits {
			rank := 0
			if !c.refuses {
				rank = 1
			}
			m.parts = append(m.parts, &detail{finding: true, rank: rank, weight: 10 + 10*n + h.gravity(), short: mdRow(h, true), full: mdRow(h, false)})
		}
		m.frame = m.around(run)
		list = append(list, m)
	}
	return list
}

// around is how many bytes a chapter takes beside its rows, at most.
func (c *mdChapter) around(run *Run) int {
	var b strings.Builder
	c.write(&b, run) // with no row
	return b.Len() + len(grave(c.hits))*(len(mdFindingHead)+len("\n"))
}

// write writes the rows that are chosen. How many findings there are of each
// severity and tool is said of all.
func (c *mdChapter) write(b *strings.Builder, run *Run) {
	title := c.title + ": " + severities(c.hits)
	if c.refuses {
		b.WriteString("\n### " + title + "\n")
	} else {
		b.WriteString("\n<details>\n<summary>" + title + "</summary>\n")
	}
	parts := c.parts
	for _, group := range grave(c.hits) {
		b.WriteString("\n**" + string(group[0].severity()) + "**: " + mdText(byTool(run, group)) + "\n")
		left := 0
		for n, p := range parts[:len(group)] {
			if p.chosen == "" {
				left++
				continue
			}
			if n == left { // the first
				b.WriteString("\n" + mdFindingHead)
			}
			b.WriteString(p.chosen)
		}
		switch {
		case left == len(group):
			b.WriteString("\n" + thousands(left) + " not listed\n")
		case left > 0:
			b.WriteString("\n… and " + thousands(left) + " more\n")
		}
		parts = parts[len(group):]
	}
	if !c.refuses {
		b.WriteString("\n</details>\n")
	}
}

// mdRow is a finding as a row of a table.
func mdRow(h hit, short bool) string {
	code := func(s string) string { return mdCode(brief(s, 200)) }
	where := h.where(code)
	if h.Resource != "" {
		where = strings.TrimLeft(where+" "+code(h.Resource), " ")
	}
	what, users := mdText(brief(h.what(), 100)), ""
	if !short {
		what, users = mdText(brief(h.what(), 500)), h.users(code)
		if h.Help != "" {
			what += " (" + mdHelp(h.Help) + ")"
		}
	}
	return "| " + mdCode(brief(h.Rule, 100)) + " " + mdText(brief(h.Tool, toolUpTo)) + " | " + where + " | " + what + " | " + users + " |\n"
}

// mdHelp is what to do about a finding: a link where it is a page's address.
func mdHelp(help string) string {
	u, err := url.Parse(help)
	plain := strings.IndexFunc(help, func(r rune) bool {
		return !(r < 0x80 && isWord(byte(r))) && !strings.ContainsRune("-._~/?#=&%+:", r)
	}) < 0
	if err == nil && plain && len(help) <= 300 && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		return "[help](" + help + ")"
	}
	return mdText(brief(help, 300))
}
