package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/strata-tf/strata/internal/notify"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
)

// notifyTime is how long a run that has ended waits for its notifications.
const (
	notifyTime  = 70 * time.Second
	notifyHurry = 5 * time.Second // after a second signal
)

// notifyStart tells those who asked for it that the run has begun, beside it.
func (s *session) notifyStart() {
	if !s.counts() || len(s.wanting(stack.Started)) == 0 {
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
	events := s.events()
	failed := s.send(events...)
	s.untold = len(failed) > 0 && slices.Contains(events, stack.DriftFound)
	s.run.Warnings = append(s.run.Warnings, failed...)
}

// send tells every destination the first of the events that it wants, side by
// side, and returns what failed: a notification never fails a run.
func (s *session) send(events ...string) (failed []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.hard), notifyTime)
	defer cancel()
	stop := context.AfterFunc(s.hard, func() { time.AfterFunc(notifyHurry, cancel) })
	defer stop()
	wanted := s.wanting(events...)
	words := make([]string, len(wanted))
	var group errgroup.Group
	for i, w := range wanted {
		group.Go(func() error {
			if err := s.tell(ctx, w); err != nil {
				words[i] = fmt.Sprintf("%s was not told (%s): %v", w.kind, w.event, err)
			}
			return nil
		})
	}
	_ = group.Wait() // the functions return no errors
	return slices.DeleteFunc(words, func(word string) bool { return word == "" })
}

func (s *session) tell(ctx context.Context, w wanted) error {
	target, err := s.target(w.kind)
	if err != nil {
		return err
	}
	message, err := s.message(w.event)
	if err != nil {
		return err
	}
	return notify.Sender{Client: s.Client, Version: s.Version}.Send(ctx, target, message)
}

// wanted is an event that a kind of destination wants.
type wanted struct{ kind, event string }

// wanting lists what of the events each destination is told: the first that it
// wants.
func (s *session) wanting(events ...string) []wanted {
	var list []wanted
	for _, kind := range stack.Kinds() {
		i := slices.IndexFunc(events, func(event string) bool { return s.config.Notifies(kind, s.Select.Environment, event) })
		if i >= 0 {
			list = append(list, wanted{kind, events[i]})
		}
	}
	return list
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

// events are what the run's end is, the most telling first.
func (s *session) events() []string {
	var events []string
	drift := s.run.Verb == "drift"
	changed := slices.ContainsFunc(s.run.Units, func(u report.Unit) bool { return u.Result == report.Applied })
	if drift && len(s.compared.fresh) > 0 {
		events = append(events, stack.DriftFound)
	}
	switch {
	case s.run.Result != report.Succeeded:
		events = append(events, stack.Failed)
	case drift && len(events) == 0 && len(s.run.Gone) > 0:
		events = append(events, stack.DriftGone)
	case !drift && len(s.run.Units) > 0 || drift && changed && len(events) == 0:
		events = append(events, stack.Succeeded)
	}
	return events
}

// message is what a notification says of the run.
func (s *session) message(event string) (notify.Message, error) {
	who, link := s.who()
	m := notify.Message{
		Event: event, Environment: s.run.Environment, Verb: s.run.Verb, Run: s.run.ID, Commit: s.run.Commit,
		Who: who, Link: link, Time: s.run.Started,
	}
	m.Title = fmt.Sprintf("%s of %s: %s", s.run.Verb, s.run.Environment, strings.ReplaceAll(event, "-", " "))
	if event == stack.Started {
		return m, nil
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
	m.Items = s.items()
	var document bytes.Buffer
	if err := report.JSON(&document, s.run); err != nil {
		return m, err
	}
	m.Data = json.RawMessage(document.Bytes())
	return m, nil
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
		items[i] = notify.Item{Name: u.ID, Result: string(u.Result), Text: itemText(u)}
	}
	return items
}

// namedUpTo is how many resources of a unit a message names.
const namedUpTo = 5

// itemText says how a unit ended: of what drifted the names, no values.
func itemText(u *report.Unit) string {
	if len(u.Drift) == 0 {
		return report.Outcome(u)
	}
	var parts []string
	for i, d := range u.Drift {
		if i == namedUpTo {
			parts = append(parts, fmt.Sprintf("and %d more", len(u.Drift)-i))
			break
		}
		part := fmt.Sprintf("%s %s (%s)", d.Address, d.Action, d.Severity)
		var paths []string
		for _, a := range d.Attributes[:min(len(d.Attributes), namedUpTo)] {
			paths = append(paths, a.Path)
		}
		if len(paths) > 0 {
			part += ": " + strings.Join(paths, ", ")
		}
		if len(paths) < len(d.Attributes) {
			part += fmt.Sprintf(" and %d more", len(d.Attributes)-len(paths))
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
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
