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
// table of the units with their counts, and below it the details of each. It
// is always shorter than limit bytes (0 is CommentLimit): details go first,
// then unchanged units become a count, then the table becomes a bare list.
func Markdown(w io.Writer, run *Run, limit int) error {
	if limit <= 0 {
		limit = CommentLimit
	}
	_, err := io.WriteString(w, markdown(run, limit-1))
	return err
}

func markdown(run *Run, room int) string {
	parts := allDetails(run)
	need := 0
	for _, p := range parts {
		if p.rank == 0 {
			need += len(p.short)
		}
	}
	head, fits := mdHead(run, room, min(need, room/2))
	if !fits {
		return mdCompact(run, room, len(parts))
	}
	choose(parts, room-len(head)-noticeRoom)
	var b strings.Builder
	b.WriteString(head)
	left, shortened := 0, 0
	for _, p := range parts {
		b.WriteString(p.chosen)
		switch {
		case p.chosen == "":
			left++
		case p.chosen != p.full:
			shortened++
		}
	}
	b.WriteString(notice(run, left, shortened))
	return b.String()
}

// choose decides which details are shown: first all in short, what failed or
// drifted before the rest, and of drift the severest; then the smallest in full,
// as long as there is room.
func choose(parts []*detail, room int) {
	order := slices.Clone(parts)
	slices.SortStableFunc(order, func(a, b *detail) int { return cmp.Or(a.rank-b.rank, a.weight-b.weight) })
	for _, p := range order {
		if len(p.short) <= room {
			p.chosen = p.short
			room -= len(p.short)
		}
	}
	slices.SortStableFunc(order, func(a, b *detail) int {
		return cmp.Or(a.rank-b.rank, len(a.full)-len(b.full))
	})
	for _, p := range order {
		if more := len(p.full) - len(p.short); p.chosen != "" && more <= room {
			p.chosen = p.full
			room -= more
		}
	}
}

// notice says what was left out, and where to find it.
func notice(run *Run, left, shortened int) string {
	where := "`--format json` shows everything."
	if run.Logs != "" {
		where = "Everything is in " + mdCode(brief(path.Join(run.Logs, "run.json"), 150)) + "."
	}
	switch {
	case left > 0 && shortened > 0:
		return "\nThere was no room for the details of " + count(left, "unit") + ", and those of " + count(shortened, "unit") + " are shortened. " + where + "\n"
	case left > 0:
		return "\nThere was no room for the details of " + count(left, "unit") + ". " + where + "\n"
	case shortened > 0:
		return "\nThe details of " + count(shortened, "unit") + " are shortened. " + where + "\n"
	case run.Logs != "":
		return "\nLogs: " + mdCode(brief(run.Logs, 150)) + "\n"
	default:
		return ""
	}
}
