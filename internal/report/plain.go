package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// PlainOptions says how plain progress is written.
type PlainOptions struct {
	// Heartbeat is the time between two words on what is still running: 0 is
	// 30 seconds, a negative one turns them off.
	Heartbeat time.Duration
	// Groups names whose logs fold: "github", "gitlab", or "" for none. Where
	// they do, a unit's lines and diagnostics are held back and written
	// together when it ends.
	Groups string
	Color  bool
}

const (
	heartbeat   = 30 * time.Second
	namesOfBeat = 5    // running units that a heartbeat names
	lineUpTo    = 4096 // columns of one line of a tool; its log file has all
)

// NewPlain returns the progress for logs: one plain line for each event that
// is worth it, and a heartbeat.
func NewPlain(w io.Writer, opts PlainOptions) Progress {
	if opts.Heartbeat == 0 {
		opts.Heartbeat = heartbeat
	}
	return &plain{w: w, opts: opts, style: style{opts.Color}, groups: newGroups(opts.Groups)}
}

type plain struct {
	w      io.Writer
	opts   PlainOptions
	style  style
	groups *groups

	mu      sync.Mutex
	tracker tracker
	stopped bool
	quit    chan struct{}
	beating sync.WaitGroup
}

// Start implements Progress.
func (p *plain) Start(verb, environment string, units int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	p.tracker.begin(verb, environment, units)
	if units == 0 { // it looks at code
		p.write(p.tracker.verb + " " + p.tracker.environment)
	} else {
		p.write(fmt.Sprintf("%s %s: %s", p.tracker.verb, p.tracker.environment, count(units, "unit")))
	}
	if p.opts.Heartbeat > 0 && p.quit == nil {
		p.quit = make(chan struct{})
		p.beating.Add(1)
		go p.beat(p.quit)
	}
}

// Event implements Progress.
func (p *plain) Event(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped || !p.tracker.note(&e) {
		return
	}
	if p.groups.hold(&e) {
		return
	}
	if text := p.text(&e); text != "" {
		p.say(&e, text)
	}
	if e.Kind == UnitFinished {
		p.flush(e.UnitID)
	}
}

// Stop implements Progress.
func (p *plain) Stop() {
	p.mu.Lock()
	if !p.stopped {
		for _, id := range p.groups.held() {
			p.flush(id)
		}
	}
	p.stopped = true
	quit := p.quit
	p.quit = nil
	p.mu.Unlock()
	if quit != nil {
		close(quit)
	}
	p.beating.Wait()
}

// say writes a line of the run or of one unit.
func (p *plain) say(e *Event, text string) {
	since := max(e.Time.Sub(p.tracker.start), 0)
	head := fmt.Sprintf("[%02d:%02d] ", int(since.Minutes()), int(since.Seconds())%60)
	if e.UnitID != "" {
		head += clean(e.UnitID) + "  "
	}
	p.write(p.style.dim(head) + text)
}

func (p *plain) write(line string) { _, _ = io.WriteString(p.w, disarm(line)+"\n") }

// flush writes what was held back for a unit.
func (p *plain) flush(id string) {
	if text := p.groups.take(id, time.Now()); text != "" {
		_, _ = io.WriteString(p.w, text)
	}
}

// beat says what is still running, until the run ends.
func (p *plain) beat(quit chan struct{}) {
	defer p.beating.Done()
	ticker := time.NewTicker(p.opts.Heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-quit:
			return
		case <-ticker.C:
			p.mu.Lock()
			if !p.stopped && len(p.tracker.running) > 0 {
				p.write(p.stillRunning())
			}
			p.mu.Unlock()
		}
	}
}

func (p *plain) stillRunning() string {
	var parts []string
	running := p.tracker.longest()
	for n, a := range running {
		if n == namesOfBeat {
			parts = append(parts, "and "+thousands(len(running)-n)+" more")
			break
		}
		parts = append(parts, strings.TrimSpace(a.id+" "+cut(a.doing(), 200)))
	}
	text := fmt.Sprintf("still running (%s): %s; %d of %d done", elapsed(time.Since(p.tracker.start)),
		strings.Join(parts, "; "), len(p.tracker.done), p.tracker.total)
	if p.tracker.failed > 0 {
		text += fmt.Sprintf(", %d failed", p.tracker.failed)
	}
	if p.tracker.drifted > 0 {
		text += fmt.Sprintf(", %d drifted", p.tracker.drifted)
	}
	return text
}
