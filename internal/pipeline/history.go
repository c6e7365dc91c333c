package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/strata-tf/strata/internal/ledger"
	"github.com/strata-tf/strata/internal/report"
)

// keep writes the run into the ledger. A run that could not be written is as
// good as it was: the report says so.
func (s *session) keep() {
	if s.memory == nil {
		return
	}
	if err := ledger.Write(context.WithoutCancel(s.hard), s.memory.store, s.entry()); err != nil {
		s.run.Warnings = append(s.run.Warnings, fmt.Sprintf("this run is not in the ledger: %v", err))
	}
}

// entry is what the ledger keeps of the run: no value of any attribute.
func (s *session) entry() ledger.Entry {
	who, link := s.who()
	e := ledger.Entry{
		Run: s.run.ID, Verb: s.run.Verb, Environment: s.run.Environment, Commit: s.run.Commit, Who: who, Link: link,
		Version: s.Version, Started: s.run.Started, Seconds: s.run.Seconds, Result: string(s.run.Result),
		ExitCode: report.ExitCode(s.run, false), Error: s.run.Error, Untold: s.untold,
	}
	for i := range s.run.Units {
		u := &s.run.Units[i]
		kept := ledger.Unit{
			ID: u.ID, Path: u.Path, Layer: u.Layer, Region: u.Region, Instance: u.Instance,
			Result: string(u.Result), Reason: u.Reason, Seconds: u.Seconds, Ignored: len(u.Ignored), Looked: s.compared.looked[u.ID],
		}
		if u.Changes != nil {
			changes := ledger.Changes(*u.Changes)
			kept.Changes = &changes
		}
		if u.State != nil {
			state := ledger.State(*u.State)
			kept.State = &state
		}
		drift := u.Drift
		if whole, ok := s.compared.whole[u.ID]; ok {
			drift = whole
		}
		for _, d := range drift {
			if len(d.Attributes) == 0 {
				kept.Drift = append(kept.Drift, ledger.Drift{Address: d.Address, Action: d.Action, Severity: d.Severity})
			}
			for _, a := range d.Attributes {
				kept.Drift = append(kept.Drift, ledger.Drift{
					Address: d.Address, Action: d.Action, Path: a.Path, Severity: d.Severity,
					Value: s.digest(u.ID, d.Address, a), Absorbed: s.compared.absorbed[difference{u.ID, d.Address, a.Path}],
				})
			}
		}
		e.Units = append(e.Units, kept)
	}
	return e
}

// who started the run, and where it can be watched: as the CI says, else as the
// machine does.
func (o *Options) who() (who, link string) {
	if ci, ok := o.ci(); ok {
		return ci.Who, ci.Link
	}
	return cmp.Or(o.getenv("USER"), o.getenv("LOGNAME"), o.getenv("USERNAME")), ""
}

// History reads the newest runs of an environment from the ledger (limit 0: all)
// and computes what they tell.
func History(ctx context.Context, o Options, limit int) (ledger.History, error) {
	s, err := openRecords(ctx, o, "")
	if err != nil {
		return ledger.History{}, err
	}
	environment := s.Select.Environment
	var entries []ledger.Entry
	var unread []error
	for entry, err := range ledger.Newest(ctx, s.memory.store, environment) {
		var one *ledger.EntryError
		switch {
		case errors.As(err, &one):
			unread = append(unread, err)
			continue
		case err != nil:
			return ledger.History{}, err
		}
		if entries = append(entries, entry); len(entries) == limit {
			break
		}
	}
	if len(entries)+len(unread) == 0 {
		return ledger.History{}, &RefusedError{fmt.Sprintf("there is no run of %s in the ledger (%s): deploy, destroy and drift write one each", environment, s.memory.store)}
	}
	return ledger.Compute(environment, entries, unread), nil
}
