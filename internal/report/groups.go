package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const heldUpTo = 1000 // lines held back for one unit; its log file has all

// groups holds back the lines and diagnostics of units where logs can be
// folded, so that those of different units never interleave.
type groups struct {
	vendor string
	units  map[string]*held
	number int // of the group, for names that must be unique
}

type held struct {
	lines   []string
	dropped int
}

func newGroups(vendor string) *groups {
	if vendor != "github" && vendor != "gitlab" {
		vendor = ""
	}
	return &groups{vendor: vendor, units: make(map[string]*held)}
}

// hold keeps a line or a diagnostic for the end of its unit, and tells whether
// it did.
func (g *groups) hold(e *Event) bool {
	if g.vendor == "" || e.UnitID == "" {
		return false
	}
	switch {
	case e.Kind == Line:
		g.add(e.UnitID, cleanLines(e.Text))
	case e.Kind == Diagnosed && e.Diagnostic != nil:
		label := "Error: "
		if isWarning(e.Diagnostic) {
			label = "Warning: "
		}
		g.add(e.UnitID, []string{label + clean(e.Diagnostic.Summary)})
		for _, line := range diagnosticLines(e.Diagnostic) {
			g.add(e.UnitID, []string{"  " + line})
		}
	default:
		return false
	}
	return true
}

func (g *groups) add(id string, lines []string) {
	h := g.units[id]
	if h == nil {
		h = &held{}
		g.units[id] = h
	}
	for _, line := range lines {
		h.lines = append(h.lines, cut(line, lineUpTo))
	}
	// The last lines tell more than the first. Room for as many again keeps
	// the copying rare.
	if extra := len(h.lines) - heldUpTo; extra >= heldUpTo {
		h.lines = slices.Clone(h.lines[extra:])
		h.dropped += extra
	}
}

// held lists the units that lines are still held for.
func (g *groups) held() []string {
	ids := make([]string, 0, len(g.units))
	for id := range g.units {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// take returns the group of a unit, ready to be written, and forgets it.
func (g *groups) take(id string, now time.Time) string {
	h := g.units[id]
	if h == nil {
		return ""
	}
	delete(g.units, id)
	g.number++
	if extra := len(h.lines) - heldUpTo; extra > 0 {
		h.lines, h.dropped = h.lines[extra:], h.dropped+extra
	}
	var b strings.Builder
	begin, end := g.fences(disarm(clean(id)), now)
	b.WriteString(begin + "\n")
	if h.dropped > 0 {
		b.WriteString("… " + count(h.dropped, "earlier line") + " left out\n")
	}
	for _, line := range h.lines {
		b.WriteString(disarm(line) + "\n")
	}
	b.WriteString(end + "\n")
	return b.String()
}

// fences are the lines that begin and end a group.
func (g *groups) fences(title string, now time.Time) (begin, end string) {
	if g.vendor == "github" {
		return "::group::" + strings.ReplaceAll(title, "%", "%25"), "::endgroup::"
	}
	name := fmt.Sprintf("strata_%d_%s", g.number, strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, title))
	begin = fmt.Sprintf("\x1b[0Ksection_start:%d:%s[collapsed=true]\r\x1b[0K%s", now.Unix(), name, title)
	return begin, fmt.Sprintf("\x1b[0Ksection_end:%d:%s\r\x1b[0K", now.Unix(), name)
}
