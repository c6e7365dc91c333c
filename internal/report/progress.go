package report

import "time"

// EventKind says what an Event tells.
type EventKind int

const (
	UnitStarted  EventKind = iota // the unit has a slot; Text is empty
	StepStarted                   // Text names the step: init, plan, show, apply…
	Working                       // Text says what is worked on: "aws_vpc.main: Creating…"
	Waiting                       // Text says what is waited for: a state lock and its holder
	Line                          // Text is a line of a tool that is no event of its own
	Diagnosed                     // Diagnostic is set
	UnitFinished                  // Unit is set
	Note                          // a word on the run as a whole: Unit ID is empty
)

// Event is something that happened in a run.
type Event struct {
	Kind       EventKind
	UnitID     string
	Time       time.Time
	Text       string
	Diagnostic *Diagnostic
	Unit       *Unit
}

// Progress is told what happens while a run is under way. It is called from
// many goroutines.
type Progress interface {
	// Start is told how many units the run has and what it does.
	Start(verb, environment string, units int)
	Event(Event)
	// Stop ends the display; nothing is written after it.
	Stop()
}
