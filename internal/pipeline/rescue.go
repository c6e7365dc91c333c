package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/strata-tf/strata/internal/terraform"
)

// erroredState is where Terraform leaves a state that it could not write to
// the backend, in the folder it ran in.
const erroredState = "errored.tfstate"

const rescued = "rescued/"

// Rescued is a state that the unit's backend did not take.
type Rescued struct {
	Unit string `json:"unit"`
	Key  string `json:"key"`  // in the store
	Time string `json:"time"` // when it was rescued
}

// rescue looks for a state that Terraform could not write and keeps it in the
// store. While it is there the unit is blocked.
func (r *unitRun) rescue() error {
	// Whatever signal came, a state must be saved.
	ctx := context.WithoutCancel(r.hard)
	file := r.unit.Path + "/" + erroredState
	state, err := r.ws.ReadSource(ctx, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = r.Store.Put(ctx, rescued+r.unit.Slug()+"/"+time.Now().UTC().Format("20060102T150405.000Z")+".tfstate", state)
	}
	if err != nil {
		return fmt.Errorf("%s is a state that the backend did not take, and it could not be kept elsewhere: copy it to a safe place now: %w", file, err)
	}
	if err := r.ws.RemoveSource(ctx, file); err != nil {
		return err
	}
	return r.blockedError(1)
}

// refuseRescued refuses a unit of which a state waits to be pushed. One that a
// killed run left in the unit's folder is rescued first.
func (r *unitRun) refuseRescued() error {
	if err := r.rescue(); err != nil {
		return err
	}
	if n := r.blocked[r.unit.Slug()]; n > 0 {
		return r.blockedError(n)
	}
	return nil
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
		slug, _, _ := strings.Cut(strings.TrimPrefix(key, rescued), "/")
		s.blocked[slug]++
	}
	return nil
}

func (r *unitRun) blockedError(n int) error {
	return &RefusedError{fmt.Sprintf("%d of its states waits in the store, since its backend did not take it: it knows resources that the backend's state does not; once the backend works again `strata rescued %s --push`, or `--discard` if it is not wanted", n, r.unit.ID())}
}

// ListRescued lists what waits, of one unit or (with id empty) of all.
func ListRescued(ctx context.Context, o Options, id string) ([]Rescued, error) {
	s, err := openUnits(o)
	if err != nil {
		return nil, err
	}
	var found []Rescued
	for _, unit := range s.tree.Units {
		if id != "" && unit.ID() != id {
			continue
		}
		keys, err := o.Store.List(ctx, rescued+unit.Slug()+"/")
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			found = append(found, Rescued{Unit: unit.ID(), Key: key, Time: strings.TrimSuffix(path.Base(key), ".tfstate")})
		}
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
		if _, err := r.run(ctx, r.step(terraform.PushArgs(r.ws.Path(erroredState)))); err != nil {
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
	keys, err := r.Store.List(ctx, rescued+r.unit.Slug()+"/")
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
