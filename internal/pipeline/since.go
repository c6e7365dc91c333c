package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/strata-tf/strata/internal/ledger"
	"github.com/strata-tf/strata/internal/report"
)

// difference is what tells one difference from another: not its values, which no
// ledger keeps.
type difference struct{ unit, address, path string }

func (d difference) compare(other difference) int {
	return cmp.Or(cmp.Compare(d.unit, other.unit), cmp.Compare(d.address, other.address), cmp.Compare(d.path, other.path))
}

// compared is what comparing a run with the reports before it has told.
type compared struct {
	fresh map[difference]bool            // not in the last reports
	whole map[string][]report.Difference // by unit: all drift, where its result lists only what is new
}

// differences lists what differs in a unit, one by one.
func differences(unit string, from []report.Difference) []difference {
	var list []difference
	for _, d := range from {
		if len(d.Attributes) == 0 {
			list = append(list, difference{unit, d.Address, ""})
		}
		for _, a := range d.Attributes {
			list = append(list, difference{unit, d.Address, a.Path})
		}
	}
	return list
}

// compareReports tells what the last reports of these units did not hold yet,
// and what they held and is gone. With Options.Since only that is reported.
func (s *session) compareReports() error {
	looked := make(map[string]*report.Unit)
	for i := range s.run.Units {
		if u := &s.run.Units[i]; wasLooked(u.Result) || u.Result == report.Applied {
			looked[u.ID] = u
		}
	}
	before, last, err := s.lastReports(looked)
	if err != nil {
		return err
	}
	s.compared = compared{fresh: make(map[difference]bool), whole: make(map[string][]report.Difference)}
	known := 0
	for _, u := range looked {
		for _, d := range differences(u.ID, u.Ignored) {
			delete(before, d) // it is there still, and accepted
		}
		for _, d := range differences(u.ID, u.Drift) {
			if before[d] {
				known++
			} else {
				s.compared.fresh[d] = true
			}
			delete(before, d)
		}
	}
	for _, d := range slices.SortedFunc(maps.Keys(before), difference.compare) {
		s.run.Gone = append(s.run.Gone, report.Vanished{Unit: d.unit, Address: d.address, Path: d.path})
	}
	if !s.Since {
		return nil
	}
	if s.run.Since = last; last == "" {
		s.run.Notes = append(s.run.Notes, "there is no earlier report of these units: everything is new")
		return nil
	}
	if known > 0 {
		s.run.Notes = append(s.run.Notes, fmt.Sprintf("%s known since %s or before, not listed: drift without --since lists them", plural(known, "difference is", "differences are"), last))
	}
	for _, u := range looked {
		s.onlyFresh(u)
	}
	return nil
}

// lastReports collects what each unit's last report held. last is the newest of
// their runs.
func (s *session) lastReports(looked map[string]*report.Unit) (before map[difference]bool, last string, err error) {
	before = make(map[difference]bool)
	missing := maps.Clone(looked)
	for entry, unread := range ledger.Newest(s.hard, s.memory.store, s.Select.Environment) {
		if len(missing) == 0 {
			break
		}
		var one *ledger.EntryError
		switch {
		case errors.As(unread, &one):
			s.run.Warnings = append(s.run.Warnings, unread.Error())
			continue
		case unread != nil:
			return nil, "", fmt.Errorf("compare with the last report: %w", unread)
		case entry.Verb != "drift":
			continue
		}
		for _, u := range entry.Units {
			if missing[u.ID] == nil || !wasLooked(report.Result(u.Result)) && u.Result != string(report.Applied) {
				continue
			}
			delete(missing, u.ID)
			if last == "" {
				last = entry.Run
			}
			for _, d := range u.Drift {
				before[difference{u.ID, d.Address, d.Path}] = true
			}
		}
	}
	return before, last, nil
}

// wasLooked says whether a unit with this result was compared with what is
// there.
func wasLooked(result report.Result) bool {
	switch result {
	case report.InSync, report.Drifted, report.Pending, report.DriftedPending, report.Unmanaged:
		return true
	}
	return false
}

// onlyFresh leaves of a unit's drift what is new.
func (s *session) onlyFresh(u *report.Unit) {
	s.compared.whole[u.ID] = u.Drift
	var drift []report.Difference
	for _, d := range u.Drift {
		if len(d.Attributes) == 0 && !s.compared.fresh[difference{u.ID, d.Address, ""}] {
			continue
		}
		if len(d.Attributes) > 0 {
			d.Attributes = slices.DeleteFunc(slices.Clone(d.Attributes), func(a report.Attribute) bool {
				return !s.compared.fresh[difference{u.ID, d.Address, a.Path}]
			})
			if len(d.Attributes) == 0 {
				continue
			}
		}
		drift = append(drift, d)
	}
	u.Drift = drift
}
