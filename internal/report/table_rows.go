package report

import (
	"fmt"
	"strings"
)

// row is one unit as the cells of its row.
type row struct {
	unit   *Unit
	id     string
	counts [4]string // of a plan
	other  string    // what is said beside them, or instead of them
	time   string
}

// widths are those of the columns of a table.
type widths struct {
	id, result, counts, what, time int
	numbers                        [4]int
}

// rows writes the table itself. Where drift was looked for, a column says what
// was found in place of the counts of a plan.
func (t *table) rows() {
	rows, folded := t.cells()
	title := "CHANGES"
	if t.run.Verb == driftVerb {
		title = "DRIFT"
	}
	w := widthsOf(rows, title)
	if len(rows) > 0 {
		t.line(t.style.bold(pad("UNIT", w.id) + "  " + pad("RESULT", w.result) + "  " + pad(title, w.what) + "  " + fmt.Sprintf("%*s", w.time, "TIME") + "  WHY"))
	}
	for i := range rows {
		t.row(&rows[i], w)
	}
	if len(folded) > 0 {
		t.line(t.style.dim(foldedText(folded)))
	}
}

// cells are the rows that are shown, and how many are folded, by result.
func (t *table) cells() (rows []row, folded map[Result]int) {
	quiets := 0
	for i := range t.run.Units {
		if quiet(&t.run.Units[i]) {
			quiets++
		}
	}
	folded = make(map[Result]int)
	for i := range t.run.Units {
		u := &t.run.Units[i]
		if quiets > foldAbove && quiet(u) {
			folded[u.Result]++
			continue
		}
		r := row{unit: u, id: clean(u.ID)}
		switch {
		case t.run.Verb == driftVerb:
			r.other = t.run.driftText(u)
		case u.Changes != nil:
			r.counts, r.other = mainCounts(*u.Changes), otherCounts(*u.Changes)
		}
		if u.Seconds > 0 {
			r.time = duration(u.Seconds)
		}
		rows = append(rows, r)
	}
	return rows, folded
}

func widthsOf(rows []row, title string) widths {
	w := widths{id: len("UNIT"), result: len("RESULT"), time: len("TIME")}
	other := 0
	for i := range rows {
		r := &rows[i]
		w.id = max(w.id, min(columns().StringWidth(r.id), idColumn))
		w.result = max(w.result, len(resultWord(r.unit.Result)))
		other, w.time = max(other, len(r.other)), max(w.time, len(r.time))
		for n, c := range r.counts {
			w.numbers[n] = max(w.numbers[n], len(c))
		}
	}
	if sum := w.numbers[0] + w.numbers[1] + w.numbers[2] + w.numbers[3]; sum > 0 {
		w.counts = sum + 3
		if other > 0 {
			other += 2
		}
	}
	w.what = max(w.counts+other, len(title))
	return w
}

// what are the counts of a row, and what is said beside them.
func (r *row) what(w widths) string {
	if w.counts == 0 {
		return r.other
	}
	cells := ""
	for n, c := range r.counts {
		cells += pad(c, w.numbers[n]) + " "
	}
	if r.other != "" {
		cells += " " + r.other
	}
	return strings.TrimRight(cells, " ")
}

func (t *table) row(r *row, w widths) {
	id, result := pad(r.id, w.id), pad(resultWord(r.unit.Result), w.result)
	tail := "  " + pad(r.what(w), w.what) + "  " + fmt.Sprintf("%*s", w.time, r.time)
	used := columns().StringWidth(id + "  " + result + tail)
	head := id + "  " + t.style.unit(r.unit, result) + tail
	reason := clean(r.unit.Reason)
	if reason == "" || t.width <= 0 || used+2+columns().StringWidth(reason) <= t.width {
		t.line(head + "  " + reason)
		return
	}
	t.line(head)
	t.text("    ", reason)
}
