package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/report"
)

// questions are findings as a record keeps them.
func questions(list []finding.Finding, denied bool) []record.Question {
	var all []record.Question
	for _, f := range list {
		all = append(all, record.Question{
			Rule: f.Rule, Aliases: f.Aliases, File: f.File, Line: f.Line, Resource: f.Resource, Title: f.Title, Denied: denied,
		})
	}
	return all
}

// carried are the questions that an earlier apply has left open, about what this
// plan does not change: it says nothing of how that was made.
func (r *unitRun) carried() []record.Question {
	if r.memory == nil {
		return nil
	}
	r.memory.learning.Lock()
	defer r.memory.learning.Unlock()
	was := r.memory.records[r.unit.ID()]
	if was.Attempt == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(was.Attempt.Open), func(q record.Question) bool {
		return slices.ContainsFunc(r.result.Resources, func(c report.Resource) bool {
			return (c.Address == q.Resource || q.Resource == "") && c.Action != "move" && c.Action != "read"
		})
	})
}

// carry makes findings of the questions that an earlier apply has left open.
func (p *policyGate) carry(r *unitRun, carried []record.Question) (denied, undecided []finding.Finding) {
	for _, q := range carried {
		f := finding.Finding{
			Tool: opa, Rule: q.Rule, Aliases: q.Aliases, Severity: finding.High, Unit: r.unit.ID(), Dir: r.unit.Path,
			File: q.File, Line: q.Line, Resource: q.Resource,
			Help: "change what it is about, suppress the rule for a time, or forget the record (`strata records --forget`)",
		}
		if q.Denied {
			f.Title = "denied after an earlier apply, and this plan does not change it: " + q.Title
			denied = append(denied, f)
			continue
		}
		f.Title = "not decided after an earlier apply, which did not end well: " + q.Title
		undecided = append(undecided, f)
	}
	return denied, undecided
}

// keepDenied keeps what policies deny of what was made: the next plan would not
// show it.
func (r *unitRun) keepDenied(denied []finding.Finding) {
	if r.memory == nil {
		return
	}
	open := append(questions(denied, true), r.carried()...)
	if err := record.Ask(context.WithoutCancel(r.hard), r.memory.store, r.unit.Environment, r.unit.ID(), r.session.run.ID, open); err != nil {
		r.warn(fmt.Sprintf("what policies deny of it could not be remembered, so that the next deploy may not see it: %v", err))
	}
}
