package finding

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFingerprint(t *testing.T) {
	f := Finding{Tool: "tfsec", Rule: "r", Severity: High, Title: "t", File: "a.tf", Line: 1, End: 2, Resource: "x.y"}
	first := f.Fingerprint()
	if len(first) != 32 {
		t.Fatalf("got %q", first)
	}
	for name, test := range map[string]struct {
		change func(*Finding)
		same   bool
	}{
		"line":       {func(f *Finding) { f.Line, f.End = 7, 9 }, true},
		"title":      {func(f *Finding) { f.Title = "other words" }, true},
		"severity":   {func(f *Finding) { f.Severity = Low }, true},
		"known":      {func(f *Finding) { f.Known = "x" }, true},
		"units":      {func(f *Finding) { f.Units = []string{"a"} }, true},
		"help":       {func(f *Finding) { f.Help = "h" }, true},
		"tool":       {func(f *Finding) { f.Tool = "trivy" }, false},
		"rule":       {func(f *Finding) { f.Rule = "s" }, false},
		"file":       {func(f *Finding) { f.File = "b.tf" }, false},
		"resource":   {func(f *Finding) { f.Resource = "x.z" }, false},
		"unit":       {func(f *Finding) { f.Unit = "u" }, false},
		"occurrence": {func(f *Finding) { f.Occurrence = 1 }, false},
		"a border":   {func(f *Finding) { f.Rule, f.File = "ra.tf", "" }, false},
	} {
		other := f
		test.change(&other)
		if same := other.Fingerprint() == first; same != test.same {
			t.Errorf("another %s: same %v, want %v", name, same, test.same)
		}
	}
}

// TestFingerprintStays keeps the fingerprints of baselines that exist.
func TestFingerprintStays(t *testing.T) {
	f := Finding{Tool: "trivy", Rule: "AWS-0107", File: "regions/eu/a <b>.tf", Resource: "aws_security_group.open", Occurrence: 2}
	if got, want := f.Fingerprint(), "30b6e2352822493cebc23138a9df9dca"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNumber(t *testing.T) {
	list := []Finding{
		{Tool: "t", Rule: "b", File: "a.tf", Line: 9, Resource: "x.y"},
		{Tool: "t", Rule: "a", File: "a.tf", Line: 9, Resource: "x.y"},
		{Tool: "t", Rule: "b", File: "a.tf", Line: 3, Resource: "x.y", Occurrence: 5},
		{Tool: "t", Rule: "b", File: "a.tf", Line: 4, Resource: "x.z"},
	}
	before := slices.Clone(list)
	got := Number(list)
	var lines []string
	prints := make(map[string]bool)
	for _, f := range got {
		lines = append(lines, f.Rule+f.Resource+strings.Repeat("'", f.Occurrence))
		prints[f.Fingerprint()] = true
	}
	if diff := cmp.Diff([]string{"bx.y", "bx.z", "ax.y", "bx.y'"}, lines); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(prints) != len(list) {
		t.Errorf("%d fingerprints for %d findings", len(prints), len(list))
	}
	if diff := cmp.Diff(before, list); diff != "" {
		t.Errorf("the list itself was changed:\n%s", diff)
	}
	slices.Reverse(list)
	if diff := cmp.Diff(got, Number(list)); diff != "" {
		t.Errorf("another order gives other numbers:\n%s", diff)
	}
}

func TestMerge(t *testing.T) {
	at := Finding{Tool: "t", Rule: "r", Severity: Medium, Title: "w", File: "m/a.tf", Line: 6, End: 8}
	with := func(change func(*Finding)) Finding {
		f := at
		change(&f)
		return f
	}
	for name, test := range map[string]struct{ list, want []Finding }{
		"none": {},
		"callers, of which one knows the resource": {
			[]Finding{at, with(func(f *Finding) { f.Resource = "x.y" }), at},
			[]Finding{with(func(f *Finding) { f.Resource = "x.y" })},
		},
		"the graver one stays": {
			[]Finding{at, with(func(f *Finding) { f.Severity = Critical }), with(func(f *Finding) { f.Severity = Low })},
			[]Finding{with(func(f *Finding) { f.Severity = Critical })},
		},
		"other words": {
			[]Finding{at, with(func(f *Finding) { f.Title = "v" })},
			[]Finding{at, with(func(f *Finding) { f.Title = "v" })},
		},
		"another line": {
			[]Finding{at, with(func(f *Finding) { f.End = 9 })},
			[]Finding{at, with(func(f *Finding) { f.End = 9 })},
		},
		"resources on one line": {
			[]Finding{with(func(f *Finding) { f.Resource = "x.y" }), with(func(f *Finding) { f.Resource = "x.z" })},
			[]Finding{with(func(f *Finding) { f.Resource = "x.y" }), with(func(f *Finding) { f.Resource = "x.z" })},
		},
		"without a line": {
			[]Finding{with(func(f *Finding) { f.Line = 0; f.Resource = "x.y" }), with(func(f *Finding) { f.Line = 0 }), with(func(f *Finding) { f.Line = 0 })},
			[]Finding{with(func(f *Finding) { f.Line = 0; f.Resource = "x.y" }), with(func(f *Finding) { f.Line = 0 })},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Merge(test.list)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestScope(t *testing.T) {
	asked := make(map[string]int)
	users := func(file string) []string {
		asked[file]++
		if file == "none.tf" {
			return nil
		}
		return []string{"b", "a", "b"}
	}
	list := []Finding{{File: "m.tf"}, {File: "m.tf", Line: 2}, {File: "none.tf"}, {File: "dir", Unit: "u"}, {}}
	var got [][]string
	for _, f := range Scope(list, users) {
		got = append(got, f.Units)
	}
	if diff := cmp.Diff([][]string{{"a", "b"}, {"a", "b"}, nil, {"u"}, nil}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"m.tf": 1, "none.tf": 1}, asked); diff != "" {
		t.Errorf("asked: -want +got:\n%s", diff)
	}
	if list[0].Units != nil {
		t.Error("the list itself was changed")
	}
}

func TestSeverity(t *testing.T) {
	for word, want := range map[string]Severity{
		"CRITICAL": Critical, "high": High, "Medium": Medium, "LOW": Low, "info": Info, "UNKNOWN": Medium, "": Medium, "NONE": Medium,
	} {
		if got := SeverityOf(word); got != want {
			t.Errorf("%q: got %s, want %s", word, got, want)
		}
	}
	if _, err := ParseSeverity("grave"); err == nil || !strings.Contains(err.Error(), `"grave" is not a severity: write critical`) {
		t.Errorf("got %v", err)
	}
	all := Severities()
	for i, s := range all {
		for j, other := range all {
			if got := s.AtLeast(other); got != (i <= j) {
				t.Errorf("%s is at least %s: %v", s, other, got)
			}
		}
	}
	if !Severity("odd").AtLeast(Medium) || Severity("odd").AtLeast(High) {
		t.Error("an unknown one is not medium")
	}
	var list []Finding
	for _, s := range []Severity{Low, Critical, Medium, Info, High} {
		list = append(list, Finding{Severity: s})
	}
	if got := Threshold(list, High); len(got) != 2 || got[0].Severity != Critical || got[1].Severity != High {
		t.Errorf("got %v", got)
	}
}
