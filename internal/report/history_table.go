package report

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/strata-tf/strata/internal/ledger"
)

const (
	pointsUpTo = 60 // drift runs, and units that grew, that are listed
	unreadUpTo = 20 // entries listed that could not be read
	barWidth   = 20
	whoUpTo    = 30 // columns of who started a run
)

// historyText collects the lines of a history.
type historyText struct {
	h   *ledger.History
	out strings.Builder
}

// columns writes rows of clean cells, the columns below each other.
func (t *historyText) columns(rows [][]string) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, cells := range rows {
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush() // into memory
	for line := range strings.Lines(b.String()) {
		t.line(strings.TrimSuffix(line, "\n"))
	}
}

// runs lists the runs, the newest first.
func (t *historyText) runs() {
	t.line(clean(t.h.Environment) + ": " + count(t.h.Total, "run"))
	if len(t.h.Runs) == 0 {
		return
	}
	rows := [][]string{{"STARTED (UTC)", "VERB", "RESULT", "UNITS", "TIME", "WHO", "RUN"}}
	for i := range t.h.Runs {
		r := &t.h.Runs[i]
		rows = append(rows, []string{
			stamp(r.Started), brief(r.Verb, 20), resultOf(r), unitsOf(r), duration(r.Seconds), cut(clean(r.Who), whoUpTo), brief(r.Run, 60),
		})
	}
	t.section("Runs")
	t.columns(rows)
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return "unknown"
	}
	return at.UTC().Format(time.DateTime)
}

// resultOf is the result of a run, and the exit code where the result does not
// tell it.
func resultOf(r *ledger.RunSummary) string {
	text := resultWord(Result(r.Result))
	usual := map[string]int{string(Succeeded): ExitDone, string(Failed): ExitFailed, string(Refused): ExitRefused, string(Interrupted): ExitInterrupted}
	code, known := usual[r.Result]
	switch {
	case known && code == r.ExitCode:
		return text
	case r.ExitCode == ExitDifferences:
		return text + ", drift"
	default:
		return text + fmt.Sprintf(", exit %d", r.ExitCode)
	}
}

func unitsOf(r *ledger.RunSummary) string {
	counts := make(map[Result]int)
	for result, n := range r.Units {
		if n > 0 {
			counts[Result(result)] += n
		}
	}
	if len(counts) == 0 {
		return "none"
	}
	return resultsText(counts)
}

// verbs tells how the runs of each verb went, and how long they took.
func (t *historyText) verbs() {
	if len(t.h.Verbs) == 0 {
		return
	}
	rows := [][]string{{"VERB", "RUNS", "SUCCEEDED", "P50", "P90", "P99", "LONGEST"}}
	for _, v := range t.h.Verbs {
		rows = append(rows, []string{
			brief(v.Verb, 20), thousands(v.Runs),
			fmt.Sprintf("%s (%d%%)", thousands(v.Succeeded), v.Succeeded*100/max(v.Runs, 1)), // never 100 where one failed
			duration(v.Seconds.P50), duration(v.Seconds.P90), duration(v.Seconds.P99), duration(v.Seconds.Max),
		})
	}
	t.section("Success and time")
	t.columns(rows)
}

// drift has a line for each run that looked for drift, the oldest first, with a
// bar of how much it found.
func (t *historyText) drift() {
	points := t.h.Drift
	if len(points) == 0 {
		return
	}
	t.section("Drift")
	if left := len(points) - pointsUpTo; left > 0 {
		t.line("… " + count(left, "earlier run"))
		points = points[left:]
	}
	most := 0
	for _, p := range points {
		most = max(most, p.Attributes)
	}
	rows := [][]string{{"STARTED (UTC)", "UNITS", "DIFFERENCES", "IGNORED", "NOT LOOKED AT", ""}}
	for _, p := range points {
		rows = append(rows, []string{
			stamp(p.Time), thousands(p.Units), thousands(p.Attributes), thousands(p.Ignored), thousands(p.Failed), bar(p.Attributes, most),
		})
	}
	t.columns(rows)
}

// bar draws a number beside the largest one. What is not zero is seen.
func bar(n, most int) string {
	if n <= 0 || most <= 0 {
		return ""
	}
	return strings.Repeat("#", max(1, n*barWidth/most))
}

// growth lists the units whose state has another size than at first, the one
// that grew most first.
func (t *historyText) growth() {
	grown := make([]ledger.Growth, 0, len(t.h.Growth))
	for _, g := range t.h.Growth {
		if g.Bytes() != 0 || g.First.Resources != g.Last.Resources {
			grown = append(grown, g)
		}
	}
	if len(t.h.Growth) == 0 {
		return
	}
	t.section("Size of states")
	same := len(t.h.Growth) - len(grown)
	left := max(len(grown)-pointsUpTo, 0)
	if len(grown) > 0 {
		rows := [][]string{{"UNIT", "FIRST", "LAST", "GROWN BY", "RESOURCES"}}
		for _, g := range grown[:len(grown)-left] {
			rows = append(rows, []string{
				brief(g.Unit, 200), bytesText(g.First.Bytes), bytesText(g.Last.Bytes), signed(g.Bytes()),
				thousands(g.First.Resources) + " → " + thousands(g.Last.Resources),
			})
		}
		t.columns(rows)
	}
	if left > 0 {
		t.line("… and " + count(left, "more unit"))
	}
	if same > 0 {
		t.line(count(same, "unit") + " of the same size as at first")
	}
}

func signed(n int64) string {
	if n < 0 {
		return "-" + bytesText(-n)
	}
	return "+" + bytesText(n)
}

// bytesText says a size as people do: 812 B, 1.4 KiB, 12 MiB.
func bytesText(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	size, unit := float64(n), ""
	for _, unit = range []string{"KiB", "MiB", "GiB", "TiB"} {
		if size /= 1024; size < 1023.95 {
			break
		}
	}
	if size < 9.95 {
		return fmt.Sprintf("%.1f %s", size, unit)
	}
	return fmt.Sprintf("%.0f %s", size, unit)
}

// unread warns of entries that are missing from all this.
func (t *historyText) unread() {
	for n, text := range t.h.Unread {
		if n == 0 {
			t.line("")
		}
		if n == unreadUpTo {
			t.line("… and " + count(len(t.h.Unread)-n, "more warning"))
			return
		}
		t.line("Warning: missing from this: " + clean(text))
	}
}
