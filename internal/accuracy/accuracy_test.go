package accuracy

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	full   = flag.Bool("full", false, "run the whole corpus on 500 units, not a sample of every kind")
	update = flag.Bool("update", false, "with -full: write the table of docs/accuracy.md anew")
	only   = flag.String("kind", "", "only kinds whose name matches")
)

const (
	seed     = 5
	document = "../../docs/accuracy.md"
	// mostNeedless is the share of all selected units that may be needless.
	mostNeedless = 0.01
)

// outcome is one mutation's comparison.
type outcome struct {
	mutation
	affected int // units that the oracle says are affected, deleted ones too
	either   int // selected units of which the oracle has no say
	selected int
	missed   []string
	needless []string
	byFolder sum // what selecting by the folder alone would get
	err      error
}

// TestAccuracy changes a repository in every way there is and compares what
// strata selects with what Terraform itself looks at.
func TestAccuracy(t *testing.T) {
	needTools(t)
	size, perKind := small, 1
	if *full {
		size, perKind = whole, 0
	}
	o := base(t, size)
	w := newWorld(o, seed)
	var corpus []mutation
	for _, k := range kinds(o.tracer.mirror != "") {
		if *only != "" && !matches(*only, k.name) {
			continue
		}
		count := k.count
		if perKind > 0 {
			count = min(count, perKind)
		}
		for n := range count {
			m := k.make(w.for_(k.name, n))
			m.kind = k.name
			corpus = append(corpus, m)
		}
	}
	if *only == "" {
		t.Run("oracle", func(t *testing.T) { checkOracle(t, o) })
	}
	start := time.Now()
	outcomes := runAll(t, o, newProduct(t), corpus)
	t.Logf("%d mutations in %.1f s", len(outcomes), time.Since(start).Seconds())
	report(t, o, outcomes)
}

// runAll tries each mutation, some side by side, each in a tree of its own.
func runAll(t *testing.T, o *oracle, p product, corpus []mutation) []outcome {
	t.Helper()
	commit := strings.TrimSpace(o.tree.git("rev-parse", "HEAD"))
	outcomes := make([]outcome, len(corpus))
	next := make(chan int)
	var wait sync.WaitGroup
	var done atomic.Int32
	for n := range runtime.GOMAXPROCS(0) {
		dir := filepath.Join(o.tracer.scratch, fmt.Sprintf("tree-%d", n))
		must(copyTree(o.tree.dir, dir))
		mine := o.on(&tree{dir: dir})
		wait.Go(func() {
			for i := range next {
				outcomes[i] = try(mine, p, commit, corpus[i])
				if n := done.Add(1); n%100 == 0 {
					t.Logf("%d of %d mutations", n, len(corpus))
				}
			}
		})
	}
	for i := range corpus {
		next <- i
	}
	close(next)
	wait.Wait()
	return outcomes
}

// try makes one mutation and compares.
func try(o *oracle, p product, commit string, m mutation) (result outcome) {
	result.mutation = m
	defer func() {
		if fault := recover(); fault != nil {
			result.err = fmt.Errorf("the test itself: %v", fault)
		}
	}()
	t := o.tree
	t.reset(commit)
	base := commit
	if m.setup != nil {
		m.setup(t)
		base = t.commit()
		moved, err := o.moved()
		if err != nil {
			result.err = err
			return result
		}
		o = moved
	}
	against := base
	if m.side != nil {
		t.git("checkout", "--quiet", "-B", "other")
		m.side(t)
		t.commit()
		t.git("checkout", "--quiet", "main")
		against = "other"
	}
	m.change(t)
	head := ""
	if !m.uncommitted {
		head = t.commit()
	}
	changed := t.changed(base, head)
	units, gone, err := o.judge(changed)
	if err != nil {
		result.err = err
		return result
	}
	m.configure(o, units, gone)
	said, err := p.affected(t.dir, against, m.uncommitted)
	result.err = err
	result.compare(units, gone, said)
	folders := outcome{}
	folders.compare(units, gone, answerByFolder(findUnits(t), gone, changed))
	result.byFolder.add(folders)
	return result
}

// answerByFolder is what a simple tool would say: a unit is affected where a file
// below its folder changed.
func answerByFolder(units map[string]unit, gone map[string]bool, changed []string) answer {
	a := answer{units: map[string][]string{}, deleted: gone}
	for id, u := range units {
		for _, name := range changed {
			if strings.HasPrefix(name, u.path+"/") {
				a.units[id] = append(a.units[id], name)
			}
		}
	}
	return a
}

// configure adds what the change of strata.yaml means.
func (m *mutation) configure(o *oracle, units map[string]finding, gone map[string]bool) {
	for id, f := range units {
		u := o.units[id]
		if m.gone != "" && u.layer == m.gone {
			delete(units, id)
			gone[id] = true
		}
		if m.configured != nil && f.verdict == no && m.configured(u) == must_ {
			units[id] = finding{must_, "configured otherwise"}
		}
	}
}

// compare counts.
func (r *outcome) compare(units map[string]finding, gone map[string]bool, said answer) {
	for _, id := range sortedKeys(units) {
		f := units[id]
		reasons, selected := said.units[id]
		if selected {
			r.selected++
		}
		if f.verdict == must_ {
			r.affected++
		}
		switch {
		case f.verdict == must_ && !selected:
			r.missed = append(r.missed, id+" ("+f.why+")")
		case f.verdict == no && selected:
			r.needless = append(r.needless, id+" ("+strings.Join(reasons, "; ")+")")
		case f.verdict == may && selected:
			r.either++
		}
	}
	for _, id := range sortedKeys(gone) {
		r.affected++
		if !said.deleted[id] {
			r.missed = append(r.missed, id+" (deleted)")
		}
	}
	for id := range said.deleted {
		r.selected++
		if !gone[id] {
			r.needless = append(r.needless, id+" (said to be deleted)")
		}
	}
	for id, reasons := range said.units {
		if _, known := units[id]; !known {
			r.needless = append(r.needless, id+" (is no unit: "+strings.Join(reasons, "; ")+")")
		}
	}
}

// sum is the counts of one kind.
type sum struct{ mutations, affected, selected, either, missed, needless int }

func (s *sum) add(o outcome) {
	s.mutations++
	s.affected += o.affected
	s.selected += o.selected
	s.either += o.either
	s.missed += len(o.missed)
	s.needless += len(o.needless)
}

func (s *sum) plus(o sum) {
	s.mutations += o.mutations
	s.affected += o.affected
	s.selected += o.selected
	s.either += o.either
	s.missed += o.missed
	s.needless += o.needless
}

// report says what was found, and fails where the bounds are passed.
func report(t *testing.T, o *oracle, outcomes []outcome) {
	t.Helper()
	var total, byFolder sum
	for _, r := range outcomes {
		total.add(r)
		byFolder.plus(r.byFolder)
		if r.err != nil {
			t.Errorf("%s: %s: %v", r.kind, r.what, r.err)
		}
		if len(r.missed) > 0 {
			t.Errorf("missed: %s: %s: %s", r.kind, r.what, some(r.missed))
		}
		if len(r.needless) > 0 {
			t.Logf("needless: %s: %s: %s", r.kind, r.what, some(r.needless))
		}
	}
	if *only == "" && byFolder.missed == 0 {
		t.Error("selecting by the folder alone would miss nothing: this corpus shows nothing")
	}
	table := table(outcomes)
	t.Logf("\n%s", table)
	// The sample has one mutation of each kind: the share says nothing there.
	if *full && *only == "" && float64(total.needless) > mostNeedless*float64(total.selected) {
		t.Errorf("%d of %d selected units are selected for nothing: more than %.0f %%", total.needless, total.selected, mostNeedless*100)
	}
	if *full && *update && *only == "" && !t.Failed() {
		writeDocument(t, o, table)
	}
}

func some(list []string) string {
	const most = 4
	if len(list) > most {
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, ", ")
}

// table is the counts of each kind, as Markdown.
func table(outcomes []outcome) string {
	var order []string
	sums := map[string]*sum{}
	var total, byFolder sum
	for _, r := range outcomes {
		byFolder.plus(r.byFolder)
		if sums[r.kind] == nil {
			order = append(order, r.kind)
			sums[r.kind] = &sum{}
		}
		sums[r.kind].add(r)
		total.add(r)
	}
	var b strings.Builder
	b.WriteString("| change | mutations | units affected | selected | missed | needless | either |\n|---|---:|---:|---:|---:|---:|---:|\n")
	row := func(name string, s sum) {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d |\n", name, s.mutations, s.affected, s.selected, s.missed, s.needless, s.either)
	}
	for _, name := range order {
		row(name, *sums[name])
	}
	row("**all**", total)
	row("the same, by the folder alone", byFolder)
	return b.String()
}

const (
	tableStart = "<!-- table: go test ./internal/accuracy -full -update -->\n"
	tableEnd   = "<!-- end of table -->\n"
)

// writeDocument puts the table into docs/accuracy.md.
func writeDocument(t *testing.T, o *oracle, table string) {
	t.Helper()
	text, err := os.ReadFile(document)
	must(err)
	before, rest, ok := strings.Cut(string(text), tableStart)
	_, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", document)
	}
	about := fmt.Sprintf("%d units, %d files, seed %d.\n\n", len(o.units), len(o.tree.tracked()), seed)
	must(os.WriteFile(document, []byte(before+tableStart+about+table+tableEnd+after), 0o644))
}

// checkOracle traces every unit again after some mutations: where the oracle
// says that a unit is not affected, Terraform must look at the same files, and
// these must be the same.
func checkOracle(t *testing.T, o *oracle) {
	w := newWorld(o, seed)
	all := kinds(o.tracer.mirror != "")
	step, most := 1, 1
	if *full {
		step, most = 25, 3
	}
	commit := strings.TrimSpace(o.tree.git("rev-parse", "HEAD"))
	for i, done := 0, 0; i < len(all) && done < most; i += step {
		m := all[i].make(w.for_(all[i].name, 1))
		if m.setup != nil || m.gone != "" {
			continue
		}
		done++
		o.tree.reset(commit)
		m.change(o.tree)
		units, _, err := o.judge(o.tree.changed(commit, ""))
		must(err)
		again, err := newOracle(o.tracer, o.tree, runtime.GOMAXPROCS(0))
		must(err)
		for id, f := range units {
			if f.verdict != no {
				continue
			}
			if !o.traces[id].same(again.traces[id]) {
				t.Errorf("%s: %s looks at other files: %s", m.what, id, o.traces[id].apart(again.traces[id]))
			}
			if v, name := again.traces[id].differs(o.now, again.now); v != no {
				t.Errorf("%s: %s reads %s, which is different", m.what, id, name)
			}
		}
	}
	o.tree.reset(commit)
}

// TestCorpus keeps the corpus as large as it is said to be.
func TestCorpus(t *testing.T) {
	total := 0
	var names []string
	for _, k := range kinds(false) {
		total += k.count
		names = append(names, k.name)
	}
	if total < 400 {
		t.Errorf("%d mutations, fewer than 400", total)
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != len(kinds(false)) {
		t.Error("two kinds have one name")
	}
	t.Logf("%d kinds, %d mutations", len(kinds(true)), total)
}
