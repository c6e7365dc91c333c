package report

import (
	"slices"
	"strings"
	"time"
)

// tracker knows what a run is doing at the moment. It is guarded by the lock
// of the display that holds it.
type tracker struct {
	verb        string
	environment string
	total       int
	start       time.Time
	running     map[string]*activity
	done        map[string]bool
	failed      int
	drifted     int
}

// activity is what one running unit does.
type activity struct {
	id      string
	started time.Time
	step    string
	text    string // what is worked on
	waiting string // what is waited for, empty when nothing is
}

func (t *tracker) begin(verb, environment string, units int) {
	t.verb, t.environment, t.total = clean(verb), clean(environment), units
	t.start = time.Now()
}

// note takes an event in and tells whether it says anything new: tools repeat
// what they wait for.
func (t *tracker) note(e *Event) bool {
	if t.start.IsZero() {
		t.start = time.Now()
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	if e.UnitID == "" && e.Unit != nil {
		e.UnitID = e.Unit.ID
	}
	switch e.Kind {
	case UnitStarted:
		t.activity(e)
	case StepStarted:
		a := t.activity(e)
		a.step, a.text, a.waiting = clean(e.Text), "", ""
	case Working:
		a := t.activity(e)
		a.text, a.waiting = clean(e.Text), ""
	case Waiting:
		a := t.activity(e)
		text := clean(e.Text)
		if a.waiting == text {
			return false
		}
		a.waiting = text
	case UnitFinished:
		delete(t.running, e.UnitID)
		if t.done == nil {
			t.done = make(map[string]bool)
		}
		if e.Unit != nil && !t.done[e.UnitID] {
			switch {
			case isDrifted(e.Unit):
				t.drifted++
			case vote(e.Unit.Result) > 0 && e.Unit.Result != NotRun:
				t.failed++
			}
		}
		t.done[e.UnitID] = true
	}
	return true
}

// activity is what the unit of an event does. An event of a unit that has
// ended does not bring it back.
func (t *tracker) activity(e *Event) *activity {
	a := t.running[e.UnitID]
	if a != nil {
		return a
	}
	a = &activity{id: clean(e.UnitID), started: e.Time}
	if t.done[e.UnitID] || e.UnitID == "" {
		return a
	}
	if t.running == nil {
		t.running = make(map[string]*activity)
	}
	t.running[e.UnitID] = a
	return a
}

// longest lists the running units, the one that has run longest first.
func (t *tracker) longest() []*activity {
	list := make([]*activity, 0, len(t.running))
	for _, a := range t.running {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *activity) int {
		if c := a.started.Compare(b.started); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	return list
}

// doing says what a unit does, without its name.
func (a *activity) doing() string {
	text := a.step
	switch {
	case a.waiting != "":
		text += " waiting: " + a.waiting
	case a.text != "":
		text += " " + a.text
	}
	return strings.TrimSpace(text)
}
