package report

import (
	"fmt"
	"time"
)

// lines are the lines of the display now, none wider or more than the terminal
// has room for. One column and one row stay free: a full line would wrap, and
// the cursor has a row of its own.
func (l *live) lines() []string {
	now := time.Now()
	width, room := l.width()-1, ask(l.opts.Height, 24)-1
	if room < 1 {
		return nil
	}
	lines := []string{cut(l.header(now), width)}
	running := l.tracker.longest()
	left := 0
	if fit := room - 1; len(running) > fit {
		fit = max(fit-1, 0) // the last row says how many have none
		running, left = running[:fit], len(running)-fit
	}
	id := 0
	for _, a := range running {
		id = max(id, columns().StringWidth(a.id))
	}
	id = min(id, max(width/2, 10))
	for _, a := range running {
		line := fmt.Sprintf("%6s  ", elapsed(now.Sub(a.started))) + pad(cut(a.id, id), id) + "  " + a.doing()
		lines = append(lines, cut(line, width))
	}
	if left > 0 && room > 1 {
		lines = append(lines, cut(fmt.Sprintf("        … and %d more running", left), width))
	}
	return lines
}

// header says how far the run is.
func (l *live) header(now time.Time) string {
	t := &l.tracker
	text := fmt.Sprintf("%s %s · %d/%d done", t.verb, t.environment, len(t.done), t.total)
	if t.failed > 0 {
		text += fmt.Sprintf(" · %d failed", t.failed)
	}
	if t.drifted > 0 {
		text += fmt.Sprintf(" · %d drifted", t.drifted)
	}
	if n := len(t.running); n > 0 {
		text += fmt.Sprintf(" · %d running", n)
	}
	return text + " · " + elapsed(now.Sub(t.start))
}
