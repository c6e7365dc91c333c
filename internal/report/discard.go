package report

// Discard is a Progress that shows nothing.
type Discard struct{}

// Start implements Progress.
func (Discard) Start(verb, environment string, units int) {}

// Event implements Progress.
func (Discard) Event(Event) {}

// Stop implements Progress.
func (Discard) Stop() {}
