package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
)

// Acceptance says why differences are accepted, by whom, and how long.
type Acceptance struct {
	Reason, Owner string
	Until         stack.Date
}

// NewAcceptance checks what an acceptance must say.
func NewAcceptance(reason, owner, until string) (Acceptance, error) {
	a := Acceptance{Reason: strings.TrimSpace(reason), Owner: strings.TrimSpace(owner)}
	if a.Reason == "" || a.Owner == "" || until == "" {
		return a, errors.New("what drifted is accepted for a reason, by somebody, until a day: say --reason, --owner and --until")
	}
	var err error
	if a.Until, err = stack.ParseDate(until); err != nil {
		return a, fmt.Errorf("--until: %w", err)
	}
	if today := stack.DateOf(time.Now()); today.After(a.Until) {
		return a, fmt.Errorf("--until: %s is past: the last day is today (%s, in UTC) or later", a.Until, today)
	}
	return a, nil
}

// accept adds what drifted to strata.yaml's baseline, and takes it out of the
// run's drift: it counts no more.
func (s *session) accept() error {
	var entries []stack.Baseline
	for i := range s.run.Units {
		u := &s.run.Units[i]
		for _, d := range differences(u.ID, u.Drift) {
			entries = append(entries, stack.Baseline{
				Unit: d.unit, Resource: stack.Literal(d.address), Attribute: stack.Literal(cmp.Or(d.path, deletion)), Reason: s.Accept.Reason, Owner: s.Accept.Owner, Until: s.Accept.Until,
			})
		}
	}
	text, err := fs.ReadFile(s.Source, stack.ConfigFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		if text, err = stack.AddBaseline(text, entries); err != nil {
			return err
		}
	}
	if err := s.Write(text, len(entries) > 0); err != nil {
		return fmt.Errorf("write %s: %w", stack.ConfigFile, err)
	}
	for i := range s.run.Units {
		acceptUnit(&s.run.Units[i], *s.Accept)
	}
	if len(entries) == 0 {
		return nil
	}
	s.run.Notes = append(s.run.Notes, plural(len(entries), "difference is", "differences are")+" accepted in "+stack.ConfigFile+" now: commit it")
	return nil
}

// acceptUnit moves a unit's drift to what is ignored.
func acceptUnit(u *report.Unit, a Acceptance) {
	for _, d := range u.Drift {
		d.Why = fmt.Sprintf("%s%s by %s: %s", accepted, a.Until, a.Owner, a.Reason)
		u.Ignored = append(u.Ignored, d)
	}
	u.Drift = nil
	switch u.Result {
	case report.Drifted:
		u.Result = report.InSync
	case report.DriftedPending:
		u.Result = report.Pending
	}
}
