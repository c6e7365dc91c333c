package pipeline

import (
	"context"
	"fmt"
	"path"

	"github.com/strata-tf/strata/internal/affected"
	"github.com/strata-tf/strata/internal/record"
)

// wroteLock notes that init has written the unit's lock file: it is a part of
// the closure of all units of the folder from now on.
func (r *unitRun) wroteLock() {
	if r.memory == nil || r.now != nil {
		return
	}
	r.memory.learning.Lock()
	defer r.memory.learning.Unlock()
	r.memory.locked = true
}

// recordLocks notes, in the records of units whose lock files this run has
// written, what their closures are with these: to commit them is no change.
// Where anything else of a unit has changed meanwhile, its record stays as it is.
func (m *memory) recordLocks(s *session) {
	if !m.locked || m.files == nil {
		return
	}
	now, err := s.WorkingTree()
	if err != nil {
		return // the next deploy plans them again
	}
	changes := affected.Diff(m.files, now)
	closures := affected.NewClosures(now.FS)
	for _, unit := range s.units {
		inputs := closures.Unit(unit)
		lock := path.Join(unit.Path, lockFile)
		_, had := m.files.ID(lock)
		own, others := false, false
		for _, c := range changes {
			if _, in := inputs.Why(c.Path); in {
				own = own || c.Path == lock && !had
				others = others || c.Path != lock
			}
		}
		ctx := context.WithoutCancel(s.hard)
		r, err := record.Get(ctx, m.store, unit.Environment, unit.ID())
		if !own || others || err != nil || r.Attempt != nil || r.Run != s.run.ID {
			continue
		}
		r.WithLock, r.Started = inputs.Digest(unit, now), s.run.Started
		if err := record.Save(ctx, m.store, r); err != nil {
			s.run.Warnings = append(s.run.Warnings, fmt.Sprintf("the record of %s does not hold its new lock file, so that the next deploy plans it again: %v", unit.ID(), err))
		}
	}
}
