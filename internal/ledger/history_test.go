package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// made is an entry with other properties than simple's.
func made(minute int, change func(e *Entry)) Entry {
	e := simple(minute)
	change(&e)
	return e
}

func TestCompute(t *testing.T) {
	unit := func(id, result string, state *State, ignored int, drift ...Drift) Unit {
		return Unit{ID: id, Result: result, State: state, Ignored: ignored, Drift: drift}
	}
	changed := Drift{Address: "a.b", Action: "changed", Path: "c"}
	entries := []Entry{
		made(5, func(e *Entry) {
			e.Verb, e.Result, e.ExitCode = "drift", "succeeded", 2
			e.Units = []Unit{unit("a", "drifted", nil, 2, changed, changed), unit("b", "drifted", nil, 1, changed), unit("c", "in sync", &State{Bytes: 40, Resources: 4}, 1)}
		}),
		made(1, func(e *Entry) {
			e.Who, e.Commit, e.Link = "mona", "4a1c", "https://ci.example.com/1"
			e.Units = []Unit{unit("a", "applied", &State{Bytes: 10, Resources: 1}, 0), unit("b", "applied", &State{Bytes: 20}, 0), unit("c", "unchanged", &State{Bytes: 50, Resources: 5}, 0)}
		}),
		made(4, func(e *Entry) {
			e.Verb, e.Result, e.ExitCode = "drift", "failed", 1
			e.Units = []Unit{unit("a", "failed", nil, 0), unit("b", "not run", nil, 0), unit("c", "in sync", nil, 0)}
		}),
		made(3, func(e *Entry) { e.Verb, e.Result, e.ExitCode = "drift", "failed", 1 }), // looked at nothing
		made(2, func(e *Entry) {
			e.Result, e.ExitCode = "failed", 1
			e.Units = []Unit{unit("a", "failed", &State{Bytes: 35, Resources: 3}, 0, changed)}
		}),
	}
	want := History{
		Environment: "staging", Total: 5, Unread: []string{"torn"},
		Runs: []RunSummary{
			{Run: run(5), Verb: "drift", Started: at(5), Seconds: 5, Result: "succeeded", ExitCode: 2, Units: map[string]int{"drifted": 2, "in sync": 1}},
			{Run: run(4), Verb: "drift", Started: at(4), Seconds: 4, Result: "failed", ExitCode: 1, Units: map[string]int{"failed": 1, "not run": 1, "in sync": 1}},
			{Run: run(3), Verb: "drift", Started: at(3), Seconds: 3, Result: "failed", ExitCode: 1, Units: map[string]int{}},
			{Run: run(2), Verb: "deploy", Started: at(2), Seconds: 2, Result: "failed", ExitCode: 1, Units: map[string]int{"failed": 1}},
			{
				Run: run(1), Verb: "deploy", Started: at(1), Seconds: 1, Result: "succeeded", Who: "mona", Commit: "4a1c", Link: "https://ci.example.com/1",
				Units: map[string]int{"applied": 2, "unchanged": 1},
			},
		},
		Verbs: []VerbStats{
			{Verb: "deploy", Runs: 2, Succeeded: 1, Rate: 0.5, Seconds: Durations{1, 2, 2, 2}},
			{Verb: "drift", Runs: 3, Succeeded: 1, Rate: 1. / 3, Seconds: Durations{4, 5, 5, 5}},
		},
		Drift: []DriftPoint{
			{Time: at(4), Run: run(4), Failed: 2},
			{Time: at(5), Run: run(5), Units: 2, Attributes: 3, Ignored: 4},
		},
		Growth: []Growth{
			{Unit: "a", First: Size{at(1), 10, 1}, Last: Size{at(2), 35, 3}},
			{Unit: "b", First: Size{at(1), 20, 0}, Last: Size{at(1), 20, 0}},
			{Unit: "c", First: Size{at(1), 50, 5}, Last: Size{at(5), 40, 4}},
		},
	}
	for range entries { // in any order
		entries = append(entries[1:], entries[0])
		given := slices.Clone(entries)
		if diff := cmp.Diff(want, Compute("staging", entries, []error{errors.New("torn")})); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(given, entries); diff != "" {
			t.Fatalf("the entries that were given: %s", diff)
		}
	}
}

func TestAHistoryOfNothing(t *testing.T) {
	got, err := json.Marshal(Compute("staging", nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"environment":"staging","runs":[],"total":0,"verbs":[],"drift":[],"growth":[]}`, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCountsAsSuccess(t *testing.T) {
	for name, test := range map[string]struct {
		verb, result string
		exitCode     int
		want         bool
	}{
		"a deploy":                            {"deploy", "succeeded", 0, true},
		"a plan with differences":             {"plan", "succeeded", 2, true},
		"a deploy that failed":                {"deploy", "failed", 1, false},
		"a deploy that was refused":           {"deploy", "refused", 3, false},
		"a deploy that was interrupted":       {"deploy", "interrupted", 130, false},
		"no drift":                            {"drift", "succeeded", 0, true},
		"drift":                               {"drift", "succeeded", 2, true},
		"drift, by another word":              {"drift", "drifted", 2, true},
		"a drift that failed":                 {"drift", "failed", 1, false},
		"drift, and a unit that was not seen": {"drift", "failed", 2, false},
		"a drift that was interrupted":        {"drift", "interrupted", 130, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := Entry{Verb: test.verb, Result: test.result, ExitCode: test.exitCode}
			if got := e.succeeded(); got != test.want {
				t.Errorf("%v, not %v", got, test.want)
			}
		})
	}
}

func TestPercentiles(t *testing.T) {
	upTo := func(n int) (values []float64) {
		for i := range n {
			values = append(values, float64(i+1))
		}
		return values
	}
	for name, test := range map[string]struct {
		values []float64
		want   Durations
	}{
		"one":     {[]float64{7}, Durations{7, 7, 7, 7}},
		"two":     {[]float64{9, 1}, Durations{1, 9, 9, 9}},
		"five":    {[]float64{50, 15, 40, 20, 35}, Durations{35, 50, 50, 50}},
		"ten":     {upTo(10), Durations{5, 9, 10, 10}},
		"eleven":  {upTo(11), Durations{6, 10, 11, 11}},
		"hundred": {upTo(100), Durations{50, 90, 99, 100}},
		"101":     {upTo(101), Durations{51, 91, 100, 101}},
		"equal":   {[]float64{3, 3, 3}, Durations{3, 3, 3, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			var entries []*Entry
			for _, seconds := range test.values {
				entries = append(entries, &Entry{Verb: "plan", Seconds: seconds})
			}
			if diff := cmp.Diff(test.want, verbs(entries)[0].Seconds); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGrowth(t *testing.T) {
	type seen map[string]int64 // bytes by unit, -1 where its state is not known
	for name, test := range map[string]struct {
		runs []seen // oldest first
		want []string
	}{
		"nothing":                     {},
		"never known":                 {runs: []seen{{"a": -1}, {"a": -1}}},
		"once":                        {runs: []seen{{"a": 5}}, want: []string{"a 0 1-1"}},
		"largest first":               {runs: []seen{{"a": 5, "b": 5, "c": 5}, {"a": 6, "b": 15, "c": 1}}, want: []string{"b 10 1-2", "a 1 1-2", "c -4 1-2"}},
		"equal ones by name":          {runs: []seen{{"b": 1, "c": 1, "a": 1}}, want: []string{"a 0 1-1", "b 0 1-1", "c 0 1-1"}},
		"not known at first and last": {runs: []seen{{"a": -1}, {"a": 5}, {"a": 100}, {"a": 9}, {"a": -1}}, want: []string{"a 4 2-4"}},
		"from an empty state":         {runs: []seen{{"a": 0}, {"a": 7}}, want: []string{"a 7 1-2"}},
	} {
		t.Run(name, func(t *testing.T) {
			var entries []Entry
			for i, units := range test.runs {
				e := simple(i + 1)
				for id, size := range units {
					u := Unit{ID: id}
					if size >= 0 {
						u.State = &State{Bytes: size}
					}
					e.Units = append(e.Units, u)
				}
				entries = append(entries, e)
			}
			var got []string
			for _, g := range Compute("staging", entries, nil).Growth {
				got = append(got, fmt.Sprintf("%s %d %d-%d", g.Unit, g.Bytes(), g.First.Time.Minute(), g.Last.Time.Minute()))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
