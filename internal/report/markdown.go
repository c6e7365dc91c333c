package report

import (
	"cmp"
	"io"
	"path"
	"slices"
	"strings"
)

// CommentLimit is how long a comment on GitHub may be.
const CommentLimit = 65536

// noticeRoom is kept for the sentence on what was left out.
const noticeRoom = 1300

// Markdown writes a run for a pull request or a job summary: what came out, a
// table of the units with their counts, one of the tools with theirs, and below
// them the findings and the details of each unit. It is always shorter than
// limit bytes (0 is CommentLimit): details and findings go first, those that
// refuse the last of them, then unchanged units become a count, then the table
// becomes a bare list.
func Markdown(w io.Writer, run *Run, limit int) error {
	if limit <= 0 {
		limit = CommentLimit
	}
	_, err := io.WriteString(w, markdown(run, limit-1))
	return err
}

func markdown(run *Run, room int) string {
	units, found := allDetails(run), mdChapters(run)
	parts := slices.Clone(units)
	for _, c := range found {
		parts = append(parts, c.parts...)
		room -= c.frame
	}
	need := 0
	for _, p := range parts {
		if p.rank == 0 {
			need += len(p.short)
		}
	}
	head, fits := mdHead(run, room, min(need, room/2))
	if !fits {
		for _, c := range found {
			room += c.frame
		}
		return mdCompact(run, room, len(units))
	}
	choose(parts, room-len(head)-noticeRoom)
	var b strings.Builder
	b.WriteString(head)
	for _, c := range found {
		if c.refuses {
			c.write(&b, run)
		}
	}
	for _, p := range units {
		b.WriteString(p.chosen)
	}
	for _, c := range found {
		if !c.refuses {
			c.write(&b, run)
		}
	}
	b.WriteString(notice(run, omitted(units), omitted(parts[len(units):])))
	return b.String()
}

// omission is how many details are left out, and how many are shortened.
type omission struct{ left, shortened int }

func omitted(parts []*detail) omission {
	var o omission
	for _, p := range parts {
		switch {
		case p.chosen == "":
			o.left++
		case p.chosen != p.full:
			o.shortened++
		}
	}
	return o
}

// choose decides which details are shown: first all in short, what failed or
// drifted before the rest, and of drift the severest; then the smallest in full,
// as long as there is room. Findings that refuse are shown in full before the
// rest is shown at all.
func choose(parts []*detail, room int) {
	order := slices.Clone(parts)
	slices.SortStableFunc(order, func(a, b *detail) int { return cmp.Or(a.rank-b.rank, a.weight-b.weight) })
	var first, rest, refusing []*detail
	for _, p := range order {
		switch {
		case p.rank > 0:
			rest = append(rest, p)
		case p.finding:
			refusing = append(refusing, p)
			fallthrough
		default:
			first = append(first, p)
		}
	}
	room = inShort(first, room)
	room = inFull(refusing, room)
	room = inShort(rest, room)
	slices.SortStableFunc(order, func(a, b *detail) int {
		return cmp.Or(a.rank-b.rank, len(a.full)-len(b.full))
	})
	inFull(order, room)
}

// inShort shows details in short, those that fit, and returns the room that is
// left.
func inShort(parts []*detail, room int) int {
	for _, p := range parts {
		if len(p.short) <= room {
			p.chosen = p.short
			room -= len(p.short)
		}
	}
	return room
}

// inFull shows in full what is shown, as long as it fits, and returns the room
// that is left.
func inFull(parts []*detail, room int) int {
	for _, p := range parts {
		if more := len(p.full) - len(p.chosen); p.chosen != "" && more <= room {
			p.chosen = p.full
			room -= more
		}
	}
	return room
}

// notice says what was left out of units and of findings, and where to find it.
func notice(run *Run, units, findings omission) string {
	var said []string
	switch {
	case units.left > 0 && units.shortened > 0:
		said = append(said, "There was no room for the details of "+count(units.left, "unit")+", and those of "+count(units.shortened, "unit")+" are shortened.")
	case units.left > 0:
		said = append(said, "There was no room for the details of "+count(units.left, "unit")+".")
	case units.shortened > 0:
		said = append(said, "The details of "+count(units.shortened, "unit")+" are shortened.")
	}
	if findings.left > 0 {
		said = append(said, "There was no room for "+count(findings.left, "finding")+".")
	}
	if findings.shortened > 0 {
		said = append(said, "What is said of "+count(findings.shortened, "finding")+" is shortened.")
	}
	switch {
	case len(said) > 0 && run.Logs != "":
		said = append(said, "Everything is in "+mdCode(brief(path.Join(run.Logs, "run.json"), 150))+".")
	case len(said) > 0:
		said = append(said, "`--format json` shows everything.")
	case run.Logs != "":
		said = append(said, "Logs: "+mdCode(brief(run.Logs, 150)))
	default:
		return ""
	}
	return "\n" + strings.Join(said, " ") + "\n"
}
