package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/strata-tf/strata/internal/notify"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
)

// notifyTime is how long a run that has ended waits for its notifications.
const notifyTime = 90 * time.Second

// notifyStart tells those who asked for it that the run has begun, beside it.
func (s *session) notifyStart() {
	if s.run.Verb == "plan" || len(s.wanting(stack.Started)) == 0 {
		return
	}
	s.began = make(chan []string, 1)
	go func() { s.began <- s.send(stack.Started) }()
}

// notify tells those who asked for it how the run ended, in one message each.
func (s *session) notify() {
	if s.began != nil {
		s.run.Warnings = append(s.run.Warnings, <-s.began...)
	}
	event := s.eventOf()
	if event == "" {
		return
	}
	s.run.Warnings = append(s.run.Warnings, s.send(event)...)
}

// send sends one event to every target that wants it, and returns what failed: a
// notification never fails a run.
func (s *session) send(event string) (failed []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.hard), notifyTime)
	defer cancel()
	sender := notify.Sender{Client: s.Client, Version: s.Version}
	for _, kind := range s.wanting(event) {
		target, err := s.target(kind)
		if err == nil {
			err = sender.Send(ctx, target, s.message(event))
		}
		if err != nil {
			failed = append(failed, fmt.Sprintf("%s was not told (%s): %v", kind, event, err))
		}
	}
	return failed
}

// wanting lists the kinds of destinations that want an event.
func (s *session) wanting(event string) []string {
	return slices.DeleteFunc(stack.Kinds(), func(kind string) bool {
		return !s.config.Notifies(kind, s.Select.Environment, event)
	})
}

// target is where a notification goes: URLs and keys are secrets.
func (s *session) target(kind string) (notify.Target, error) {
	d, t := s.config.Notify.Destination(kind), notify.Target{Kind: kind}
	for _, part := range []struct {
		name string
		into *string
	}{{d.URL, &t.URL}, {d.Key, &t.Key}} {
		if part.name == "" {
			continue
		}
		value, given := s.secret(part.name)
		if !given {
			return t, fmt.Errorf("its secret %q is not given: %s", part.name, s.words().Secret(part.name))
		}
		*part.into = strings.TrimSpace(value)
	}
	return t, nil
}

// eventOf is the event that the run's end is, "" for none.
func (s *session) eventOf() string {
	switch {
	case s.run.Verb == "drift" && len(s.compared.fresh) > 0:
		return stack.DriftFound
	case s.run.Result != report.Succeeded:
		return stack.Failed
	case s.run.Verb == "drift" && len(s.run.Gone) > 0:
		return stack.DriftGone
	case s.run.Verb == "drift":
		return ""
	}
	return stack.Succeeded
}

// message is what a notification says of the run.
func (s *session) message(event string) notify.Message {
	who, link := s.who()
	m := notify.Message{
		Event: event, Environment: s.run.Environment, Verb: s.run.Verb, Run: s.run.ID, Commit: s.run.Commit,
		Who: who, Link: link, Time: s.run.Started,
	}
	m.Title = fmt.Sprintf("%s of %s: %s", s.run.Verb, s.run.Environment, strings.ReplaceAll(event, "-", " "))
	if event == stack.Started {
		return m
	}
	m.Facts = append(m.Facts, notify.Fact{Name: "Units", Value: report.Summary(s.run)})
	if n := len(s.compared.fresh); n > 0 {
		m.Facts = append(m.Facts, notify.Fact{Name: "New", Value: plural(n, "difference", "differences")})
	}
	if n := len(s.run.Gone); n > 0 {
		m.Facts = append(m.Facts, notify.Fact{Name: "Gone", Value: plural(n, "difference", "differences")})
	}
	if s.run.Error != "" {
		m.Facts = append(m.Facts, notify.Fact{Name: "Error", Value: s.run.Error})
	}
	m.Items, m.Data = s.items(), s.run
	return m
}

// items are the units worth a line: those that failed, then those that drifted,
// then those that were changed.
func (s *session) items() []notify.Item {
	var worth []*report.Unit
	for i := range s.run.Units {
		if u := &s.run.Units[i]; importance(u) > 0 {
			worth = append(worth, u)
		}
	}
	slices.SortStableFunc(worth, func(a, b *report.Unit) int { return importance(b) - importance(a) })
	items := make([]notify.Item, len(worth))
	for i, u := range worth {
		items[i] = notify.Item{Name: u.ID, Result: string(u.Result), Text: report.Outcome(u)}
	}
	return items
}

func importance(u *report.Unit) int {
	switch u.Result {
	case report.Failed, report.Refused, report.Interrupted:
		return 4
	case report.Drifted, report.DriftedPending:
		return 3
	case report.NotRun:
		return 2
	case report.Applied, report.Destroyed, report.Unmanaged:
		return 1
	}
	return 0
}
