package policy

import (
	"maps"
	"strings"
)

// What a term of a policy may be, as far as its source tells: the places of the
// plan that it may come from, and the constants that it may be.

// place is a pattern of places in the plan. With boxes, it is for what lies as
// deep in a collection that the policy itself makes.
type place struct {
	steps []step
	boxes int
}

// step leads from a value to one within it.
type step struct {
	kind stepKind
	key  string
	// site is the place in the policy that chooses what is taken: all that is
	// read by way of one site may be of one resource.
	site string
}

type stepKind int

const (
	named stepKind = iota
	any1           // any one step
	anyN           // any number of them, none too
)

const (
	mostBoxes  = 4
	mostPlaces = 256
	mostSites  = 4 // in a row, each chosen from what another chose
)

func (p place) id() string {
	var b strings.Builder
	for _, s := range p.steps {
		switch s.kind {
		case named:
			b.WriteString("/=" + s.key)
		case any1:
			b.WriteString("/?" + s.site)
		case anyN:
			b.WriteString("/*" + s.site)
		}
	}
	return b.String() + strings.Repeat("#", p.boxes)
}

func (p place) then(s step) place {
	steps := make([]step, len(p.steps)+1)
	copy(steps, p.steps)
	steps[len(p.steps)] = s
	return place{steps, p.boxes}
}

// anywhere says whether the place is one that only what is above it tells.
func (p place) anywhere() bool { return len(p.steps) > 0 && p.steps[len(p.steps)-1].kind == anyN }

// unboxed is what is taken out of a collection: what was chosen before is chosen
// again, from among that.
func (p place) unboxed(site string) place {
	steps := make([]step, len(p.steps))
	for i, s := range p.steps {
		if s.site != "" && strings.Count(s.site, ">") < mostSites {
			s.site += ">" + site
		}
		steps[i] = s
	}
	return place{steps, p.boxes - 1}
}

// value is what a term may be. The empty one is of a term of which nothing is
// known yet.
type value struct {
	places map[string]place
	words  map[string]bool // strings and numbers
	deep   int             // in how many collections the words may be
	opaque bool            // it may be something else
}

func opaque() value { return value{opaque: true} }

func constant(text string) value { return value{words: map[string]bool{text: true}} }

func at1(places ...place) value {
	var v value
	for _, p := range places {
		v.addPlace(p)
	}
	return v
}

func (v value) unknown() bool { return len(v.places) == 0 && len(v.words) == 0 && !v.opaque }

// wordsOnly says whether the value can be nothing but one of the words.
func (v value) wordsOnly() bool { return len(v.words) > 0 && len(v.places) == 0 && !v.opaque }

func (v *value) addPlace(p place) bool {
	id := p.id()
	if _, there := v.places[id]; there {
		return false
	}
	if v.places == nil {
		v.places = make(map[string]place)
	}
	if len(v.places) < mostPlaces {
		v.places[id] = p
		return true
	}
	everything := place{steps: []step{{kind: anyN}}}
	_, there := v.places[everything.id()]
	v.places[everything.id()] = everything
	return !there
}

// add makes the value one that may also be the other, and says whether it was
// not before.
func (v *value) add(other value) bool {
	grown := false
	for _, p := range other.places {
		grown = v.addPlace(p) || grown
	}
	if v.words == nil && len(other.words) > 0 {
		v.words = make(map[string]bool)
	}
	before := len(v.words)
	maps.Copy(v.words, other.words)
	grown = grown || len(v.words) > before || other.opaque && !v.opaque || other.deep > v.deep
	v.opaque = v.opaque || other.opaque
	v.deep = max(v.deep, other.deep)
	return grown
}

// boxed is a collection that has the value in it.
func (v value) boxed() value {
	out := value{words: v.words, opaque: v.opaque, deep: v.deep}
	if len(v.words) > 0 {
		out.deep = min(v.deep+1, mostBoxes)
	}
	for _, p := range v.places {
		if p.boxes++; p.boxes > mostBoxes {
			p = place{steps: p.then(step{kind: anyN}).steps}
		}
		out.addPlace(p)
	}
	return out
}

func (v value) boxedTimes(n int) value {
	for range n {
		v = v.boxed()
	}
	return v
}
