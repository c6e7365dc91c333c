package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/terraform"
)

// erroredState is where Terraform leaves a state that it could not write to
// the backend, in the folder it ran in.
const erroredState = "errored.tfstate"

const rescued = "rescued/"

// rescue looks for a state that Terraform could not write and keeps it in the
// store. While it is there the unit is blocked.
func (r *unitRun) rescue() (found bool, err error) {
	// Whatever signal came, a state must be saved.
	ctx := context.WithoutCancel(r.hard)
	file := r.unit.Path + "/" + erroredState
	state, err := r.ws.ReadSource(ctx, file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil && !json.Valid(state) {
		return true, fmt.Errorf("%s is a state that the backend did not take, and it is not whole: push the whole one with `%s`, then remove %s", file, r.exec("state", "push", "FILE"), file)
	}
	if err == nil {
		err = r.keepState(ctx, state)
	}
	if err != nil {
		return true, fmt.Errorf("%s is a state that the backend did not take, and it could not be kept elsewhere: copy it to a safe place now: %w", file, err)
	}
	if err := r.ws.RemoveSource(ctx, file); err != nil {
		return true, fmt.Errorf("the state that the backend did not take is kept; remove %s by hand: %w", file, err)
	}
	return true, nil
}

func (r *unitRun) keepState(ctx context.Context, state []byte) error {
	return r.Store.Put(ctx, rescued+r.rescuedName(r.unit)+"/"+time.Now().UTC().Format("20060102T150405.000000Z")+".tfstate", state)
}

// rescueApplied rescues the state of an apply that has just ended.
func (r *unitRun) rescueApplied() error {
	found, err := r.rescuePrinted()
	if !found && err == nil {
		found, err = r.rescue()
	}
	if err == nil && found {
		err = errors.New("its backend did not take the state after the apply; it is kept, and the unit waits: " + r.remedy())
	}
	if err != nil {
		r.result.Reason = firstLine(err.Error()) // rather than that the apply failed
	}
	return err
}

// rescuePrinted rescues a state that Terraform could not write to any file, and
// has printed.
func (r *unitRun) rescuePrinted() (found bool, err error) {
	if len(r.applying.State) == 0 {
		return false, nil
	}
	ctx := context.WithoutCancel(r.hard)
	kept := r.keepState(ctx, r.applying.State)
	if kept == nil {
		// The file, if there is one, is not whole.
		return true, r.ws.RemoveSource(ctx, r.unit.Path+"/"+erroredState)
	}
	name, err := writeTemp(r.applying.State)
	if err != nil {
		return true, fmt.Errorf("its state could be written nowhere, and what was made is lost from it: %w", errors.Join(kept, err))
	}
	return true, fmt.Errorf("its state could not be written (%w); it is kept in %s: once there is room `%s`, then remove %s/%s", kept, name, r.exec("state", "push", name), r.unit.Path, erroredState)
}

// writeTemp writes a private file that stays.
func writeTemp(data []byte) (name string, err error) {
	f, err := os.CreateTemp("", "strata-rescued-*.tfstate") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	return f.Name(), errors.Join(err, f.Close())
}

// refuseRescued refuses a unit of which a state waits to be pushed. One that a
// killed run left in the unit's folder is rescued first.
func (r *unitRun) refuseRescued() error {
	if file := r.unit.Path + "/" + erroredState; r.unit.Shared && r.ws.Exists(r.soft, file) {
		return &RefusedError{fmt.Sprintf("%s is a state that a backend did not take, left by a run that was killed, and several units have this folder: find out whose it is, push it with `%s` from that unit, then remove the file", file, r.exec("state", "push", "FILE"))}
	}
	found, err := r.rescue()
	if err != nil && found {
		return &RefusedError{err.Error()}
	}
	if err != nil {
		return err
	}
	if found || r.blocked[r.rescuedName(r.unit)] > 0 {
		return &RefusedError{"its backend did not take the state after an apply, and that state, which knows more resources, waits: " + r.remedy()}
	}
	return nil
}

// remedy says what to do about a rescued state.
func (r *unitRun) remedy() string {
	return fmt.Sprintf("once the backend works `%s`, or `%s` if it is not wanted", r.words().Rescued(r.unit.ID(), "--push"), r.words().Rescued(r.unit.ID(), "--discard"))
}

// findRescued counts the states that wait, by unit: one look into the store a
// run.
func (s *session) findRescued() error {
	keys, err := s.Store.List(s.soft, rescued)
	if err != nil {
		return err
	}
	s.blocked = make(map[string]int)
	for _, key := range keys {
		name, _, _ := strings.Cut(strings.TrimPrefix(key, rescued), "/")
		s.blocked[name]++
	}
	return nil
}

// rescuedName is the folder of the unit's rescued states in the store. A
// container engine's store serves many repositories: there the name tells the
// state itself too.
func (s *session) rescuedName(unit *stack.Unit) string {
	if s.Runner.Persistent() {
		return unit.Slug()
	}
	return unit.Slug() + "~" + stack.StateID(s.Source, unit)
}

// isRescuedName says whether a folder of the store is that of this repository's
// unit.
func (s *session) isRescuedName(id, name string) bool {
	unit := s.tree.Unit(id)
	if unit == nil {
		return false
	}
	unit.Module, _ = s.reader.Module(unit.Path) // what it says wrongly is no matter here
	return unit.Module != nil && s.rescuedName(unit) == name
}

// ListRescued lists what waits, of one unit or (with id empty) of all.
func ListRescued(ctx context.Context, o Options, id string) ([]report.Rescued, error) {
	s, err := openUnits(o)
	if err != nil {
		return nil, err
	}
	prefix := rescued
	if id != "" {
		unit, err := s.findUnit(id)
		if err != nil {
			return nil, err
		}
		id = unit.ID()
		prefix += unit.Slug()
	}
	keys, err := o.Store.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]string, len(s.tree.Units))
	for _, unit := range s.tree.Units {
		ids[unit.Slug()] = unit.ID()
	}
	var found []report.Rescued
	for _, key := range keys {
		place, name, _ := strings.Cut(strings.TrimPrefix(key, rescued), "/")
		slug, _, scoped := strings.Cut(place, "~")
		unit, ok := ids[slug]
		switch {
		case id != "" && unit != id:
			continue
		case !ok:
			unit = slug + " (no unit of this repository)"
		case scoped && !s.isRescuedName(unit, place):
			unit += " (of another state: its backend was changed, or it is another repository's)"
		}
		found = append(found, report.Rescued{Unit: unit, Key: key, Time: strings.TrimSuffix(name, ".tfstate")})
	}
	return found, nil
}

// PushRescued makes the newest rescued state the unit's state and removes what
// waits. Terraform refuses a state that is older than the backend's.
func PushRescued(ctx context.Context, o Options, id string) error {
	return withUnit(ctx, o, id, func(r *unitRun) error {
		keys, err := r.waiting(ctx)
		if err != nil {
			return err
		}
		state, err := r.Store.Get(ctx, keys[len(keys)-1])
		if err != nil {
			return err
		}
		if err := r.initialize(ctx); err != nil {
			return r.told(err)
		}
		if err := r.ws.WriteFile(ctx, erroredState, state); err != nil {
			return err
		}
		if _, err := r.run(ctx, r.step(terraform.PushArgs(r.ws.Path(erroredState), r.LockTimeout))); err != nil {
			return r.told(err)
		}
		return r.discard(ctx, keys)
	})
}

// DiscardRescued removes the unit's rescued states.
func DiscardRescued(ctx context.Context, o Options, id string) error {
	return withUnit(ctx, o, id, func(r *unitRun) error {
		keys, err := r.waiting(ctx)
		if err != nil {
			return err
		}
		return r.discard(ctx, keys)
	})
}

func (r *unitRun) waiting(ctx context.Context) ([]string, error) {
	keys, err := r.Store.List(ctx, rescued+r.rescuedName(r.unit)+"/")
	if err == nil && len(keys) == 0 {
		err = fmt.Errorf("%s: no rescued state waits", r.unit.ID())
	}
	return keys, err
}

func (r *unitRun) discard(ctx context.Context, keys []string) error {
	var errs []error
	for _, key := range keys {
		errs = append(errs, r.Store.Delete(ctx, key))
	}
	return errors.Join(errs...)
}
