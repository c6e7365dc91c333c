package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// LiveOptions says how live progress is drawn.
type LiveOptions struct {
	Width  func() int // columns of the terminal, asked for each frame; nil or 0 is 80
	Height func() int // its rows; nil or 0 is 24
	Color  bool
}

const (
	frame      = 100 * time.Millisecond
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	clipLines  = "\x1b[?7l"
	wrapLines  = "\x1b[?7h"
	eraseRow   = "\x1b[2K"
	upOneRow   = "\x1b[A"
)

// NewLive returns the progress for terminals: a header and one line for each
// running unit, drawn again in place. Units that end scroll above them.
func NewLive(w io.Writer, opts LiveOptions) Progress {
	return &live{w: w, opts: opts, style: style{opts.Color}}
}

type live struct {
	w     io.Writer
	opts  LiveOptions
	style style

	mu      sync.Mutex
	tracker tracker
	above   []string // lines that are to scroll above the display
	drawn   []int    // the widths of the lines on the screen
	last    string   // what is on the screen
	stopped bool
	quit    chan struct{}
	drawing sync.WaitGroup
}

// Start implements Progress.
func (l *live) Start(verb, environment string, units int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return
	}
	l.tracker.begin(verb, environment, units)
	if l.quit == nil {
		l.quit = make(chan struct{})
		l.drawing.Add(1)
		_, _ = io.WriteString(l.w, hideCursor)
		go l.loop(l.quit)
	}
}

// Event implements Progress.
func (l *live) Event(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped || !l.tracker.note(&e) {
		return
	}
	switch {
	case e.Kind == UnitFinished && e.Unit != nil:
		l.say(e.UnitID, l.style.unit(e.Unit, Outcome(e.Unit)))
	case e.Kind == Diagnosed && e.Diagnostic != nil && !isWarning(e.Diagnostic):
		l.say(e.UnitID, l.style.red(headline(e.Diagnostic)))
	case e.Kind == Line && strings.TrimSpace(clean(e.Text)) != "":
		l.say(e.UnitID, "| "+cut(clean(e.Text), lineUpTo))
	case e.Kind == Note:
		l.say("", clean(e.Text))
	}
}

func (l *live) say(id, text string) {
	if id != "" {
		text = clean(id) + "  " + text
	}
	l.above = append(l.above, text)
}

// Stop implements Progress: what is still to be said is written, and the
// display is taken away.
func (l *live) Stop() {
	l.mu.Lock()
	first := !l.stopped
	l.stopped = true
	quit := l.quit
	l.mu.Unlock()
	if !first {
		return
	}
	if quit != nil {
		close(quit)
	}
	l.drawing.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	l.paint(&b, nil)
	if quit != nil {
		b.WriteString(showCursor)
	}
	_, _ = io.WriteString(l.w, b.String())
}

// loop draws, at most ten times a second.
func (l *live) loop(quit chan struct{}) {
	defer l.drawing.Done()
	ticker := time.NewTicker(frame)
	defer ticker.Stop()
	for {
		select {
		case <-quit:
			return
		case <-ticker.C:
			l.mu.Lock()
			l.draw()
			l.mu.Unlock()
		}
	}
}

// draw writes a frame, where it differs from the last.
func (l *live) draw() {
	lines := l.lines()
	now := strings.Join(lines, "\n") + fmt.Sprint("\n", l.width())
	if now == l.last && len(l.above) == 0 {
		return
	}
	l.last = now
	var b strings.Builder
	l.paint(&b, lines)
	_, _ = io.WriteString(l.w, b.String())
}

// paint replaces what is on the screen. The cursor stands below the display
// between frames, so that what others write (a ^C) is on a line of its own,
// which the next frame takes away.
func (l *live) paint(b *strings.Builder, lines []string) {
	width := l.width()
	rows := 0
	for _, w := range l.drawn {
		rows += max(1, (w+width-1)/width) // a terminal made narrower has wrapped them
	}
	// Row by row: some terminals keep what "erase below" takes away.
	b.WriteString("\r" + eraseRow + strings.Repeat(upOneRow+eraseRow, rows))
	for _, line := range l.above {
		b.WriteString(line + "\r\n")
	}
	l.above, l.drawn = nil, l.drawn[:0]
	if len(lines) == 0 {
		return
	}
	b.WriteString(clipLines) // for characters that this terminal draws wider than we think
	for n, line := range lines {
		b.WriteString(l.colour(n, line) + "\r\n")
		l.drawn = append(l.drawn, columns().StringWidth(line))
	}
	b.WriteString(wrapLines)
}

func (l *live) colour(n int, line string) string {
	if n == 0 {
		return l.style.bold(line)
	}
	return line
}

func (l *live) width() int { return ask(l.opts.Width, 80) }

func ask(f func() int, otherwise int) int {
	if f != nil {
		if n := f(); n > 0 {
			return n
		}
	}
	return otherwise
}
