package ledger

import (
	"cmp"
	"slices"
	"time"
)

// Growth is how the state of a unit grew.
type Growth struct {
	Unit  string `json:"unit"`  // its id
	First Size   `json:"first"` // that is known
	Last  Size   `json:"last"`
}

// Size is how large a state was at a time.
type Size struct {
	Time      time.Time `json:"time"` // when the run began that saw it
	Bytes     int64     `json:"bytes"`
	Resources int       `json:"resources"`
}

// Bytes is by how much the state grew.
func (g Growth) Bytes() int64 { return g.Last.Bytes - g.First.Bytes }

// growth lists the units whose state is known, the one that grew most first.
func growth(entries []*Entry) []Growth {
	units := make(map[string]*Growth)
	for _, e := range entries {
		for i := range e.Units {
			u := &e.Units[i]
			if u.State == nil {
				continue
			}
			size := Size{Time: e.Started, Bytes: u.State.Bytes, Resources: u.State.Resources}
			if g := units[u.ID]; g != nil {
				g.Last = size
			} else {
				units[u.ID] = &Growth{Unit: u.ID, First: size, Last: size}
			}
		}
	}
	grown := make([]Growth, 0, len(units))
	for _, g := range units {
		grown = append(grown, *g)
	}
	slices.SortFunc(grown, func(a, b Growth) int {
		return cmp.Or(cmp.Compare(b.Bytes(), a.Bytes()), cmp.Compare(a.Unit, b.Unit))
	})
	return grown
}
