package stack

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func date(t *testing.T, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// entry is an entry with least said.
func entry(t *testing.T, resource, until string) Baseline {
	t.Helper()
	return Baseline{Resource: resource, Reason: "why not", Owner: "ann", Until: date(t, until)}
}

func TestAddBaseline(t *testing.T) {
	const block = `drift:
  baseline:
    - resource: a.b
      reason: "why not"
      owner: ann
      until: 2027-03-31
`
	const flow = `{resource: a.b, reason: "why not", owner: ann, until: 2027-03-31}`
	const quoted = `{"resource": "a.b", "reason": "why not", "owner": "ann", "until": "2027-03-31"}`
	const other = `{resource: x.y, reason: r, owner: o, until: 2026-01-01}`
	const otherBlock = "    - resource: x.y\n      reason: r\n      owner: o\n      until: 2026-01-01\n"
	const item = "    - resource: a.b\n      reason: \"why not\"\n      owner: ann\n      until: 2027-03-31\n"
	dedented := strings.ReplaceAll(strings.TrimPrefix(strings.ReplaceAll(item, "\n    ", "\n"), "    "), "\n  ", "\n  ")
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", block},
		{"only a mark", "\ufeff", "\ufeff" + block},
		{"comments", "# one\n\n# two", "# one\n\n# two\n" + block},
		{"document", "---\n", "---\n" + block},
		{"end of the document", "---\nversion: 1\n...\n# end\n", "---\nversion: 1\n" + block + "...\n# end\n"},
		{"none", "version: 1\n# end\n", "version: 1\n# end\n" + block},
		{"no end of line", "version: 1 # é", "version: 1 # é\n" + block},
		{"line ends", "\ufeff# c\r\nversion: 1\r\n", "\ufeff# c\r\nversion: 1\r\n" + strings.ReplaceAll(block, "\n", "\r\n")},
		{"mixed line ends", "# c\r\nversion: 1\nunknown: []\n", "# c\r\nversion: 1\nunknown: []\n" + block},
		{"indented", "  version: 1\n", "  version: 1\n" + shifted(block, 2)},
		{"empty brackets", "{}", `{"drift": {"baseline": [` + quoted + `]}}`},
		{"JSON", "{\n  \"version\": 1,\n  \"unknown\": []\n}\n", "{\n  \"version\": 1,\n  \"unknown\": [],\n  \"drift\": {\"baseline\": [" + quoted + "]}\n}\n"},
		{"JSON with drift", `{"drift": {}, "version": 1}`, `{"drift": {"baseline": [` + quoted + `]}, "version": 1}`},
		{"JSON with a list", `{"drift": {"baseline": [` + other + `]}}`, `{"drift": {"baseline": [` + other + ", " + quoted + `]}}`},
		{"empty drift", "drift: {} # none\nversion: 1\n", "drift: # none\n" + strings.TrimPrefix(block, "drift:\n") + "version: 1\n"},
		{"empty list in brackets", "version: 1\ndrift: {baseline: []}", "version: 1\n" + block},
		{"empty list", "drift:\n  # accepted\n  baseline:   []   # none yet\n\n  # grave\n  severity: []\n", "drift:\n  # accepted\n  baseline:   # none yet\n" + item + "\n  # grave\n  severity: []\n"},
		{"empty list below", "drift:\n  baseline:\n    []\nversion: 1\n", "drift:\n  baseline:\n\n" + item + "version: 1\n"},
		{"list with a comment in it", "drift:\n  baseline: [ # none\n  ]\n", "drift:\n  baseline: [" + flow + " # none\n  ]\n"},
		{"severity in brackets", "drift: {severity: [{level: low}]}\n", "drift: {severity: [{level: low}], baseline: [" + flow + "]}\n"},
		{"severity", "drift: # why\n    # levels\n    severity: [{level: low}]\n", "drift: # why\n" + shifted(strings.TrimPrefix(shifted(strings.TrimPrefix(block, "drift:\n"), 0), ""), 2) + "    # levels\n    severity: [{level: low}]\n"},
		{"list in brackets", "drift: {baseline: [" + other + "]} # c\n", "drift: {baseline: [" + other + ", " + flow + "]} # c\n"},
		{"comma", "drift:\n  baseline: [" + other + ", ]\n", "drift:\n  baseline: [" + other + ", " + flow + " ]\n"},
		{"lines in brackets", "drift:\n  baseline: [\n    " + other + "\n  ]\n", "drift:\n  baseline: [\n    " + other + ",\n    " + flow + "\n  ]\n"},
		{"lines with commas", "drift:\n  baseline: [\n    " + other + ",\n  ]\n", "drift:\n  baseline: [\n    " + other + ",\n    " + flow + ",\n  ]\n"},
		{"lines with comments", "drift:\n  baseline: [\n    " + other + ", # x, y\n    # end\n  ]\n", "drift:\n  baseline: [\n    " + other + ", # x, y\n    # end\n    " + flow + ",\n  ]\n"},
		{"comment without comma", "drift:\n  baseline: [\n    " + other + " # x\n  ]\n", "drift:\n  baseline: [\n    " + flow + ",\n    " + other + " # x\n  ]\n"},
		{"list", "drift:\n  baseline:\n" + otherBlock + "    # more\n\n# version\nversion: 1\n", "drift:\n  baseline:\n" + otherBlock + item + "    # more\n\n# version\nversion: 1\n"},
		{"list at the end", "drift:\n  baseline:\n" + strings.TrimSuffix(otherBlock, "\n"), "drift:\n  baseline:\n" + otherBlock + item},
		{"list of two", "drift:\n  baseline:\n" + otherBlock + "    # two\n\n" + strings.Replace(otherBlock, "x.y", "x.z", 1) + "  severity: []\n", "drift:\n  baseline:\n" + otherBlock + "    # two\n\n" + strings.Replace(otherBlock, "x.y", "x.z", 1) + item + "  severity: []\n"},
		{"dashes below the key", "drift:\n  baseline:\n  - " + other + "\n  severity: []\n", "drift:\n  baseline:\n  - " + other + "\n" + shifted(dedented, 2) + "  severity: []\n"},
		{"long reason", "drift:\n  baseline:\n  - resource: x\n    owner: o\n    until: 2026-01-01\n    reason: |+\n      a\n\n      b\n\n", "drift:\n  baseline:\n" + shifted(dedented, 2) + "  - resource: x\n    owner: o\n    until: 2026-01-01\n    reason: |+\n      a\n\n      b\n\n"},
		{"text at the end", "hooks:\n  before-plan:\n    - run: [x]\n      image: |-\n        drift:\n          baseline: []", "hooks:\n  before-plan:\n    - run: [x]\n      image: |-\n        drift:\n          baseline: []\n" + block},
		{"text whose end counts", "# top\nhooks:\n  before-plan:\n    - run: [x]\n      image: |\n        x", "# top\n" + block + "hooks:\n  before-plan:\n    - run: [x]\n      image: |\n        x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := AddBaseline([]byte(test.text), []Baseline{entry(t, "a.b", "2027-03-31")})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAddBaselineAgain(t *testing.T) {
	was := func(until string) string {
		return "drift:\n  baseline:\n    # asked for\n    - unit: a # x\n      resource: 'a.b[\"c\"]' # the \"resource\"\n" +
			"      until: " + until + " # a year\n      reason: \"why not\"\n      owner: ann\n    - resource: z\n      until: 2020-01-01\n      reason: r\n      owner: o\n"
	}
	longer := entry(t, `a.b["c"]`, "2027-03-31")
	longer.Unit = "a"
	for _, test := range []struct {
		name, text, want string
		entries          []Baseline
	}{
		{"none", "version: 1", "version: 1", nil},
		{"lasts as long", was("2027-03-31"), was("2027-03-31"), []Baseline{longer}},
		{"lasts longer", was("2028-01-01"), was("2028-01-01"), []Baseline{longer}},
		{"ends sooner", was("2027-03-30"), was("2027-03-31"), []Baseline{longer}},
		{"over, in quotes", was(`"2020-01-01"`), was(`"2027-03-31"`), []Baseline{longer, longer}},
		{"line ends", strings.ReplaceAll(was("2020-01-01"), "\n", "\r\n"), strings.ReplaceAll(was("2027-03-31"), "\n", "\r\n"), []Baseline{longer}},
		{
			"twice", "drift:\n  baseline:\n  - {resource: r, reason: why not, owner: ann, until: 2020-01-01}\n  - {resource: r, reason: why not, owner: ann, until: 2021-01-01}\n",
			"drift:\n  baseline:\n  - {resource: r, reason: why not, owner: ann, until: 2020-01-01}\n  - {resource: r, reason: why not, owner: ann, until: 2027-01-01}\n",
			[]Baseline{entry(t, "r", "2026-01-01"), entry(t, "r", "2027-01-01")},
		},
		{
			"twice in one go", "", "drift:\n  baseline:\n    - resource: r\n      reason: \"why not\"\n      owner: ann\n      until: 2027-01-01\n",
			[]Baseline{entry(t, "r", "2026-01-01"), entry(t, "r", "2027-01-01"), entry(t, "r", "2025-01-01")},
		},
		{
			"JSON", `{"drift": {"baseline": [{"resource": "r", "reason": "\"\\", "owner": "o", "until": "2020-01-01"}]}}`,
			`{"drift": {"baseline": [{"resource": "r", "reason": "why not", "owner": "ann", "until": "2027-01-01"}]}}`,
			[]Baseline{entry(t, "r", "2027-01-01")},
		},
		{
			"other texts", "drift:\n  baseline:\n  - resource: r\n    reason: it's\n      two lines # r\n    owner: 'o''o' # o\n    until: 2020-01-01 # u\n",
			"drift:\n  baseline:\n  - resource: r\n    reason: \"why not\" # r\n    owner: ann # o\n    until: 2027-01-01 # u\n",
			[]Baseline{entry(t, "r", "2027-01-01")},
		},
		{
			"blocks of text", "drift:\n  baseline:\n  - reason: >- # folded\n      a: # b\n\n      c\n    resource: r\n    until: 2020-01-01\n    owner: |\n      o\n\n  # end\n",
			"drift:\n  baseline:\n  - reason: \"why not\" # folded\n    resource: r\n    until: 2027-01-01\n    owner: x\n\n  # end\n",
			[]Baseline{{Resource: "r", Reason: "why not", Owner: "x", Until: date(t, "2027-01-01")}},
		},
		{
			"one renewed, one new", "drift: {baseline: [{resource: r, reason: why not, owner: ann, until: 2020-01-01}]}\n",
			"drift: {baseline: [{resource: r, reason: why not, owner: ann, until: 2027-01-01}, {resource: r, attribute: \"a{b}\", reason: \"why not\", owner: ann, until: 2027-01-01}]}\n",
			[]Baseline{entry(t, "r", "2027-01-01"), {Resource: "r", Attribute: "a{b}", Reason: "why not", Owner: "ann", Until: date(t, "2027-01-01")}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := AddBaseline([]byte(test.text), test.entries)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
			again, err := AddBaseline(got, test.entries)
			if diff := cmp.Diff(string(got), string(again)); err != nil || diff != "" {
				t.Errorf("once more: %v\n%s", err, diff)
			}
		})
	}
}

// Whatever an address holds, it comes back as it was, from every style.
func TestAddBaselineHostile(t *testing.T) {
	var entries []Baseline
	for _, odd := range []string{
		`module.a["x: # y"].aws_s3_bucket.b[0]`, `a.b["*"]`, `a.b["\"]`, `a.b["\\\""]`, `a.b["${x}"]`, `a.b['it''s']`, `a.b["{}, [] #"]`, `a.b["é 日本 🙂"]`,
		"a.b[\"\n\"]", "a.b[\"\r\n\u2028\u0085\x00\x1b\"]", "- a", "? a", "&a", "*a", "!a", "yes", "null", "1", "2027-03-31", "<<", "{{a}}", " a ", "---", "...", "a#b", "a: b",
		`</script>&`, "\t", "a\\", "%a", "@a", "`a`", "|", ">-", "\ufeffa",
	} {
		if strings.TrimSpace(odd) == "" {
			odd += "."
		}
		entries = append(entries, Baseline{
			Unit: "clients/*@*:production", Resource: odd, Attribute: "tags." + odd, Reason: odd, Owner: odd, Until: date(t, "2027-03-31"),
		})
	}
	for _, text := range []string{
		"", "version: 1\n", "{}", "drift: {}", "drift: {baseline: []}\n", "drift:\n  baseline: []\n", "drift:\n  severity: []\n", "drift: {severity: []}",
		"drift: {baseline: [{resource: x, reason: r, owner: o, until: 2026-01-01}]}\n",
		"drift:\n  baseline:\n  - {resource: x, reason: r, owner: o, until: 2026-01-01}",
		"\ufeffversion: 1\r\ndrift:\r\n  baseline:\r\n  - resource: x\r\n    reason: r\r\n    owner: o\r\n    until: 2026-01-01\r\n",
	} {
		got, err := AddBaseline([]byte(text), entries)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		cfg, err := parseConfig(got)
		if err != nil {
			t.Fatal(err)
		}
		added := slices.DeleteFunc(cfg.Drift.Baseline, func(b Baseline) bool { return b.Resource == "x" })
		if diff := cmp.Diff(entries, added); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
		later := slices.Clone(entries)
		for i := range later {
			later[i].Until, later[i].Reason, later[i].Owner = date(t, "2028-01-01"), later[i].Resource+"!", "!"+later[i].Resource
		}
		if got, err = AddBaseline(got, later); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if cfg, err = parseConfig(got); err != nil || len(cfg.Drift.Baseline)-strings.Count(text, "resource") != len(entries) {
			t.Errorf("%q: it grew: %v", text, err)
		}
	}
}

func TestAddBaselineRefuses(t *testing.T) {
	good := entry(t, "a.b", "2027-03-31")
	for _, test := range []struct {
		name, text string
		entry      Baseline
		want       string
	}{
		{"broken file", "drift: 5", good, "strata.yaml:1:8: drift: expected a mapping, found the number 5"},
		{"no resource", "", Baseline{Reason: "r", Owner: "o", Until: good.Until}, "accept: drift.baseline[0] has no resource"},
		{"no date", "", Baseline{Resource: "x", Reason: "r", Owner: "o"}, `accept: drift.baseline[0].until: "0000-00-00" is not a date: write it like 2027-03-31`},
		{"bad glob", "", Baseline{Unit: "a[b", Resource: "x", Reason: "r", Owner: "o", Until: good.Until}, `accept: "a[b" is no valid glob`},
		{"not text", "", Baseline{Resource: "\xff", Reason: "r", Owner: "o", Until: good.Until}, "accept: a text is not UTF-8, or a date is none"},
		{
			"nowhere to write", "null\n", good,
			"accept: the entries cannot be added to strata.yaml without changing more of it: write them by hand\n" +
				"drift:\n  baseline:\n    - resource: a.b\n      reason: \"why not\"\n      owner: ann\n      until: 2027-03-31\n",
		},
	} {
		got, err := AddBaseline([]byte(test.text), []Baseline{test.entry})
		if got != nil || err == nil || err.Error() != test.want {
			t.Errorf("%s: got %q, %v", test.name, got, err)
		}
	}
	large := "# " + strings.Repeat("x", maxConfigSize-2)
	if _, err := AddBaseline([]byte(large), []Baseline{good}); err == nil {
		t.Error("the file became too large")
	}
}

// Whatever the file, what comes back has what was asked for, or there is an
// error; and nothing that stood there is lost.
func FuzzAddBaseline(f *testing.F) {
	f.Add("drift:\n  baseline:\n  - {resource: x, reason: r, owner: o, until: 2026-01-01}\n", `a["x: # y"]`, "r")
	f.Add("drift: {severity: [], baseline: [{resource: x, reason: r, owner: o, until: 2026-01-01, },], }\r\n", `a[0]`, "")
	f.Add("? drift\n: baseline:\n  - resource: x\n    reason: |\n     a\n    owner: >+\n     b\n\n    until: 2026-01-01\n", "x", "a\n")
	f.Fuzz(func(t *testing.T, text, resource, reason string) {
		old, err := parseConfig([]byte(text))
		if err != nil {
			return
		}
		b := Baseline{Resource: resource, Reason: reason, Owner: "o", Until: Date{2027, 3, 31}}
		got, err := AddBaseline([]byte(text), []Baseline{b})
		if err != nil {
			return
		}
		cfg, err := parseConfig(got)
		if err != nil {
			t.Fatalf("%s\n%v", got, err)
		}
		if n := len(cfg.Drift.Baseline) - len(old.Drift.Baseline); n < 0 || n > 1 || !slices.ContainsFunc(cfg.Drift.Baseline, b.same) {
			t.Fatalf("%s", got)
		}
		if strings.Count(string(got), "#") < strings.Count(text, "#") && !strings.Contains(text, `"`) && !strings.Contains(text, "'") {
			t.Fatalf("a comment is lost:\n%s", got)
		}
	})
}
