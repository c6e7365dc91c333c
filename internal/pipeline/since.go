package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/strata-tf/strata/internal/ledger"
	"github.com/strata-tf/strata/internal/report"
)

// difference is what tells one difference from another. What is there is told by
// its digest alone: no ledger keeps values.
type difference struct{ unit, address, path string }

func (d difference) compare(other difference) int {
	return cmp.Or(cmp.Compare(d.unit, other.unit), cmp.Compare(d.address, other.address), cmp.Compare(d.path, other.path))
}

// compared is what comparing a run with the reports before it has told.
type compared struct {
	looked   map[string]bool                // units that were compared with what is there
	fresh    map[difference]bool            // not in the last reports
	absorbed map[difference]bool            // the state holds it now as it is, so that no look finds it
	whole    map[string][]report.Difference // by unit: all drift, where its result lists only what is new
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
// and what they held and is gone. With Options.Since only that is reported. Where
// the last reports cannot be read, all is new.
func (s *session) compareReports() {
	looked := make(map[string]*report.Unit)
	for i := range s.run.Units {
		if u := &s.run.Units[i]; s.compared.looked[u.ID] {
			looked[u.ID] = u
		}
	}
	before, last, err := s.lastReports(looked)
	if err != nil {
		before, last = nil, ""
		s.run.Warnings = append(s.run.Warnings, fmt.Sprintf("all that drifted is told as new: %v", err))
	}
	known := 0
	for _, u := range looked {
		for _, d := range differences(u.ID, u.Ignored) {
			delete(before, d) // it is there still, and accepted
		}
		for d, now := range s.digests(u.ID, u.Drift) {
			if was, there := before[d]; there && was == now {
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
		return
	}
	if s.run.Since = last; last == "" {
		s.run.Notes = append(s.run.Notes, "there is no earlier report of these units: everything is new")
		return
	}
	if known > 0 {
		s.run.Notes = append(s.run.Notes, fmt.Sprintf("%s known since %s or before, not listed: drift without --since lists them", plural(known, "difference is", "differences are"), last))
	}
	for _, u := range looked {
		s.onlyFresh(u)
	}
}

// lastReports collects what each unit's last report held. last is the newest of
// their runs.
func (s *session) lastReports(looked map[string]*report.Unit) (before map[difference]string, last string, err error) {
	before = make(map[difference]string)
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
		case entry.Started.After(time.Now().Add(clockSkew)):
			s.run.Warnings = append(s.run.Warnings, fmt.Sprintf("run %s of the ledger is of a time to come, and is passed over", entry.Run))
			continue
		case entry.Untold:
			continue // nobody has heard of it
		}
		for _, u := range entry.Units {
			switch {
			case missing[u.ID] == nil:
			case entry.Verb != "drift" && (u.Result == string(report.Applied) || u.Result == string(report.Destroyed)):
				delete(missing, u.ID) // whatever was known is over
			case u.Looked:
				delete(missing, u.ID)
				last = max(last, entry.Run)
				for _, d := range u.Drift {
					if !d.Absorbed {
						before[difference{u.ID, d.Address, d.Path}] = d.Value
					}
				}
			}
		}
	}
	return before, last, nil
}

// clockSkew is how far the clocks of machines may be apart.
const clockSkew = 10 * time.Minute

// digests are the differences of a unit, each with the digest of what is there.
// Of a sensitive value nothing is known.
func (s *session) digests(unit string, from []report.Difference) map[difference]string {
	digests := make(map[difference]string)
	for _, d := range from {
		if len(d.Attributes) == 0 {
			digests[difference{unit, d.Address, ""}] = ""
		}
		for _, a := range d.Attributes {
			digests[difference{unit, d.Address, a.Path}] = s.digest(unit, d.Address, a)
		}
	}
	return digests
}

func (s *session) digest(unit, address string, a report.Attribute) string {
	if a.After == nil {
		return ""
	}
	return s.memory.key.Digest(unit, "drift "+address+" "+a.Path, a.After)
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
