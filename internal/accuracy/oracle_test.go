package accuracy

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
)

// verdict is the oracle's word on one unit and one change.
type verdict int

const (
	no    verdict = iota // nothing that Terraform looked at is different
	may                  // only content of a file that Terraform asked for and did not read, or nobody can tell
	must_                // something that Terraform read, asked for or listed is different
)

// state is what a name stands for.
type state struct {
	shape   string // absent, folder or file, and the links that lead there
	content string // digest of a file's content and its executable bit
}

// snapshot remembers what names stand for at one moment. It looks when it is
// asked, so all has to be asked before the tree changes.
type snapshot struct {
	tree   *tree
	states map[string]state
	lists  map[string]string
}

func newSnapshot(t *tree) *snapshot {
	return &snapshot{tree: t, states: map[string]state{}, lists: map[string]string{}}
}

// state follows a name, link by link.
func (s *snapshot) state(name string) state {
	if known, ok := s.states[name]; ok {
		return known
	}
	result := s.look(name)
	s.states[name] = result
	return result
}

func (s *snapshot) look(name string) state {
	var shape strings.Builder
	real, rest, hops := "", strings.Split(name, "/"), 0
	for len(rest) > 0 {
		next := path.Join(real, rest[0])
		rest = rest[1:]
		info, err := os.Lstat(s.tree.path(next))
		if err != nil {
			return state{shape: shape.String() + "absent"}
		}
		if info.Mode()&os.ModeSymlink == 0 {
			real = next
			continue
		}
		target, err := os.Readlink(s.tree.path(next))
		must(err)
		fmt.Fprintf(&shape, "%s->%s ", next, target)
		if hops++; hops > 40 || path.IsAbs(target) {
			return state{shape: shape.String() + "elsewhere"}
		}
		full := path.Join(path.Dir(next), target, strings.Join(rest, "/"))
		real, rest = "", strings.Split(full, "/")
	}
	if strings.HasPrefix(real, submodule+"/") {
		fmt.Fprintf(&shape, "submodule %s ", s.submodule())
	}
	info, err := os.Stat(s.tree.path(real))
	must(err)
	if info.IsDir() {
		return state{shape: shape.String() + "folder"}
	}
	text, err := os.ReadFile(s.tree.path(real))
	must(err)
	return state{shape: shape.String() + "file", content: fmt.Sprintf("%x %v", sha256.Sum256(text), info.Mode()&0o100 != 0)}
}

// submodule is the commit that the submodule is at: git knows no more of what
// is in it.
func (s *snapshot) submodule() string {
	const key = "the submodule's commit"
	if _, ok := s.lists[key]; !ok {
		s.lists[key] = gitIn(s.tree.path(submodule), "rev-parse", "HEAD")
	}
	return s.lists[key]
}

// list is the names in a folder and their kinds.
func (s *snapshot) list(dir string) string {
	if known, ok := s.lists[dir]; ok {
		return known
	}
	entries, _ := os.ReadDir(s.tree.path(dir))
	var b strings.Builder
	for _, entry := range entries {
		if !written(entry.Name()) {
			fmt.Fprintf(&b, "%s %v\n", entry.Name(), entry.Type())
		}
	}
	s.lists[dir] = b.String()
	return s.lists[dir]
}

// ask looks at all that the traces hold.
func (s *snapshot) ask(traces map[string]*trace) {
	for _, t := range traces {
		for _, name := range t.inputs() {
			s.state(name)
		}
		for dir := range t.listed {
			s.list(dir)
		}
	}
}

// differs compares what a trace holds in two snapshots.
func (t *trace) differs(before, after *snapshot) (v verdict, why string) {
	for _, name := range t.inputs() {
		was, is := before.state(name), after.state(name)
		switch {
		case was == is:
		case t.opened[name] || was.shape != is.shape:
			return must_, name
		default:
			v, why = may, name
		}
	}
	return v, why
}

// relisted says whether a folder that Terraform listed has other names in it.
func (t *trace) relisted(before, after *snapshot) bool {
	for dir := range t.listed {
		if before.list(dir) != after.list(dir) {
			return true
		}
	}
	return false
}

// oracle knows what Terraform looks at in each unit of a tree.
type oracle struct {
	tracer *tracer
	tree   *tree
	units  map[string]unit
	traces map[string]*trace
	now    *snapshot
}

// newOracle traces every unit of a tree.
func newOracle(r *tracer, t *tree, workers int) (*oracle, error) {
	o := &oracle{tracer: r, tree: t, units: findUnits(t), traces: map[string]*trace{}, now: newSnapshot(t)}
	err := o.trace(slices.Sorted(maps.Keys(o.units)), workers)
	o.now.ask(o.traces)
	return o, err
}

func (o *oracle) trace(ids []string, workers int) error {
	var mu sync.Mutex
	var wait sync.WaitGroup
	var first error
	next := make(chan string)
	for range workers {
		wait.Go(func() {
			for id := range next {
				t, err := o.tracer.unit(o.tree.dir, o.units[id])
				mu.Lock()
				o.traces[id] = t
				if err != nil && first == nil {
					first = fmt.Errorf("trace %s: %w", id, err)
				}
				mu.Unlock()
			}
		})
	}
	for _, id := range ids {
		next <- id
	}
	close(next)
	wait.Wait()
	return first
}

// on is the same oracle for another tree with the same files.
func (o *oracle) on(t *tree) *oracle {
	return &oracle{tracer: o.tracer, tree: t, units: o.units, traces: o.traces,
		now: &snapshot{tree: t, states: o.now.states, lists: o.now.lists}}
}

// moved is the oracle for the tree as it is now. What Terraform looks at can
// only differ where something that it looked at differs, so only such units are
// traced again. Where Terraform fails, what it would look at is what it looked
// at before as well.
func (o *oracle) moved() (*oracle, error) {
	next := &oracle{tracer: o.tracer, tree: o.tree, units: findUnits(o.tree), traces: map[string]*trace{}, now: newSnapshot(o.tree)}
	var again []string
	for id := range next.units {
		old, ok := o.traces[id]
		if ok && sameCommand(o.units[id], next.units[id]) {
			if v, _ := old.differs(o.now, next.now); v == no && !old.relisted(o.now, next.now) {
				next.traces[id] = old
				continue
			}
		}
		again = append(again, id)
	}
	if err := next.trace(again, 1); err != nil {
		return nil, err
	}
	for _, id := range again {
		if old := o.traces[id]; old != nil && next.traces[id].failed != "" {
			next.traces[id] = next.traces[id].plus(old)
		}
	}
	next.now.ask(next.traces)
	return next, nil
}

func sameCommand(a, b unit) bool {
	return a.path == b.path && a.backendFile == b.backendFile && slices.Equal(a.varFiles, b.varFiles)
}

// finding is what the oracle says of one unit.
type finding struct {
	verdict verdict
	why     string
}

// judge says what the change from the oracle's moment to now affects: units
// that exist now, and those that are gone. changed are the files that differ;
// they matter for what strata.yaml alone decides.
func (o *oracle) judge(changed []string) (units map[string]finding, gone map[string]bool, err error) {
	after := newSnapshot(o.tree)
	present := findUnits(o.tree)
	units, gone = map[string]finding{}, map[string]bool{}
	for id := range o.units {
		if _, ok := present[id]; !ok {
			gone[id] = true
		}
	}
	for id, u := range present {
		f, err := o.one(id, u, after)
		if err != nil {
			return nil, nil, err
		}
		if f.verdict != must_ {
			for _, name := range changed {
				for _, watch := range u.watch {
					if watch.MatchString(name) {
						f = finding{must_, name + " is watched"}
					}
				}
				if name == u.path+"/.terraform-version" && f.verdict == no {
					f = finding{may, name + " is for what starts Terraform"}
				}
				if dir := path.Dir(name); isTest(name) && (dir == u.path || dir == u.path+"/tests") && f.verdict == no {
					f = finding{may, name + " is a test of the unit"}
				}
				if unknown.MatchString(name) {
					f = finding{must_, name + " is everybody's"}
				}
			}
		}
		units[id] = f
	}
	return units, gone, nil
}

// one judges one unit.
func (o *oracle) one(id string, u unit, after *snapshot) (finding, error) {
	old, ok := o.traces[id]
	if !ok {
		return finding{must_, "new"}, nil
	}
	if !sameCommand(o.units[id], u) {
		return finding{must_, "other command line"}, nil
	}
	v, why := old.differs(o.now, after)
	if v == must_ {
		return finding{v, why}, nil
	}
	if old.relisted(o.now, after) {
		now, err := o.tracer.unit(o.tree.dir, u)
		if err != nil {
			return finding{}, fmt.Errorf("trace %s: %w", id, err)
		}
		if old.failed == "" && !old.same(now) || old.failed != "" && !within(now, old) {
			return finding{must_, "Terraform looks at other files now: " + old.apart(now)}, nil
		}
	}
	if old.failed != "" {
		return finding{may, "Terraform fails there"}, nil
	}
	return finding{v, why}, nil
}

// apart names a file that only one of two traces holds.
func (t *trace) apart(other *trace) string {
	for _, pair := range [][2]*trace{{other, t}, {t, other}} {
		for _, name := range pair[0].inputs() {
			if pair[0].opened[name] != pair[1].opened[name] || pair[0].named[name] != pair[1].named[name] {
				return name
			}
		}
	}
	return ""
}

// within says whether a trace holds nothing that the other does not.
func within(a, b *trace) bool {
	for _, name := range a.inputs() {
		if !b.opened[name] && !b.named[name] {
			return false
		}
	}
	return true
}
