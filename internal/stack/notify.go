package stack

import "slices"

// The kinds of destinations.
const (
	Slack   = "slack"
	Teams   = "teams"
	Webhook = "webhook"
)

// Kinds lists the kinds of destinations.
func Kinds() []string { return []string{Slack, Teams, Webhook} }

// The events.
const (
	Started        = "started"
	ApprovalNeeded = "approval-needed"
	Succeeded      = "succeeded"
	Failed         = "failed"
	RolledBack     = "rolled-back"
	DriftFound     = "drift-found"
	DriftGone      = "drift-gone"
)

// AllEvents stands for every event but Started, so that a run is one message.
const AllEvents = "all"

// Events lists the events.
func Events() []string {
	return []string{Started, ApprovalNeeded, Succeeded, Failed, RolledBack, DriftFound, DriftGone}
}

// anyOther stands for the environments that are not named.
const anyOther = "*"

// Destination is the one of a kind, nil if there is none.
func (n Notify) Destination(kind string) *Destination {
	switch kind {
	case Slack:
		return n.Slack
	case Teams:
		return n.Teams
	case Webhook:
		return n.Webhook
	}
	return nil
}

// Notifies says whether the destination of a kind is told of an event in an
// environment.
func (c *Config) Notifies(kind, environment, event string) bool {
	d := c.Notify.Destination(kind)
	if d == nil {
		return false
	}
	wanted := d.events(environment)
	return slices.Contains(wanted, event) || event != Started && slices.Contains(wanted, AllEvents)
}

// events are those of an environment.
func (d *Destination) events(environment string) []string {
	if events, ok := d.Events[environment]; ok {
		return events
	}
	if events, ok := d.Events[anyOther]; ok {
		return events
	}
	if environment == "production" {
		return []string{AllEvents}
	}
	return []string{Failed, RolledBack, DriftFound, DriftGone}
}
