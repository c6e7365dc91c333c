package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/strata-tf/strata/internal/finding"
)

func junitOf(t *testing.T, run *Run) string {
	t.Helper()
	return render(t, func(b *bytes.Buffer) error { return JUnit(b, run) })
}

func TestJUnitGolden(t *testing.T) {
	for name, run := range map[string]*Run{
		"junit_deploy.golden.xml": deployed(), "junit_plan.golden.xml": planned(), "junit_drift.golden.xml": drifting(), "junit_drift_hostile.golden.xml": hostileDrift(),
		"junit_refused.golden.xml": {Verb: "deploy", Environment: "x", Result: Refused, Error: "no environment x; there are:\nstaging\nproduction"},
	} {
		t.Run(name, func(t *testing.T) {
			got := junitOf(t, run)
			shaped(t, got)
			golden(t, name, got)
		})
	}
}

// shape is what the schemas allow in an element: its attributes, all of them
// required, its children in their order, and further attributes that it may have.
var shape = map[string]struct{ attributes, children, optional []string }{
	"":           {nil, []string{"testsuites"}, nil},
	"testsuites": {nil, []string{"testsuite"}, nil},
	"testsuite": {[]string{"id", "package", "name", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time"},
		[]string{"properties", "testcase", "system-out", "system-err"}, nil},
	"properties": {nil, []string{"property"}, nil},
	"property":   {[]string{"name", "value"}, nil, nil},
	"testcase":   {[]string{"name", "classname", "time"}, []string{"skipped", "error", "failure", "system-out"}, []string{"file", "line"}},
	"skipped":    {[]string{"message"}, nil, nil},
	"error":      {[]string{"message", "type"}, nil, nil},
	"failure":    {[]string{"message", "type"}, nil, nil},
	"system-out": {},
	"system-err": {},
}

// shaped fails where a report is not valid XML, not in the shape of the schemas,
// or counts wrongly.
func shaped(t *testing.T, text string) {
	t.Helper()
	commands(t, text)
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' }) || !utf8.ValidString(text) {
		t.Error("not valid text")
	}
	decoder := xml.NewDecoder(strings.NewReader(text))
	path, seen, found := []string{""}, []int{0}, make(map[string]int)
	var counted map[string]string
	suites := 0
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("not valid XML: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name, parent := token.Name.Local, path[len(path)-1]
			at := slices.Index(shape[parent].children, name)
			if at < seen[len(seen)-1] {
				t.Errorf("<%s> in <%s>, or not in its place", name, parent)
			}
			seen[len(seen)-1] = at
			found[name]++
			attributes := make(map[string]string)
			for _, a := range token.Attr {
				attributes[a.Name.Local] = a.Value
			}
			for _, a := range shape[name].attributes {
				if _, ok := attributes[a]; !ok {
					t.Errorf("<%s> without %s", name, a)
				}
			}
			for a := range attributes {
				if !slices.Contains(shape[name].attributes, a) && !slices.Contains(shape[name].optional, a) {
					t.Errorf("<%s> has the attribute %s", name, a)
				}
			}
			if name == "testsuite" {
				if attributes["id"] != fmt.Sprint(suites) {
					t.Errorf("suite %d has the id %s", suites, attributes["id"])
				}
				suites++
				counted = attributes
				clear(found)
			}
			path, seen = append(path, name), append(seen, 0)
		case xml.EndElement:
			if token.Name.Local == "testsuite" {
				countedRight(t, counted, found)
			}
			path, seen = path[:len(path)-1], seen[:len(seen)-1]
		}
	}
	if suites == 0 {
		t.Error("no suite")
	}
}

// countedRight fails where a suite's counts are not those of its elements.
func countedRight(t *testing.T, counted map[string]string, found map[string]int) {
	t.Helper()
	for attribute, element := range map[string]string{"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"} {
		if want := fmt.Sprint(found[element]); counted[attribute] != want {
			t.Errorf("%s is %s, and there are %s", attribute, counted[attribute], want)
		}
	}
	if problems := found["failure"] + found["error"] + found["skipped"]; problems > found["testcase"] {
		t.Errorf("%d problems in %d cases", problems, found["testcase"])
	}
}

func TestJUnitOfAnyRun(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		shaped(t, junitOf(t, anyRun(random, random.IntN(100))))
	}
	for _, run := range []*Run{{}, hostile(), drifts(5000), many(5000), gated(), scanned(5000), hostileChecks()} {
		shaped(t, junitOf(t, run))
	}
}

// What a unit's case says, by its result.
func TestJUnitTellsProblemsApart(t *testing.T) {
	drift := []Difference{{Address: "a.b", Action: "deleted", Severity: "high"}}
	grave := []finding.Finding{{Rule: "r", Severity: finding.Critical}}
	tests := []struct {
		verb string
		run  Run
		want string
	}{
		{"deploy", Run{Units: []Unit{{Result: Applied}}}, ""},
		{"deploy", Run{Units: []Unit{{Result: Failed}}}, "failure failed"},
		{"deploy", Run{Units: []Unit{{Result: Refused}}}, "failure refused"},
		{"deploy", Run{Units: []Unit{{Result: Interrupted}}}, "failure interrupted"},
		{"deploy", Run{Units: []Unit{{Result: NotRun}, {Result: Failed}}}, "skipped, failure failed"},
		{"deploy", Run{Units: []Unit{{Result: ""}}}, "error without a result"},
		{"deploy", Run{Units: []Unit{{Result: NotRun}}}, "skipped, error failed"},
		{"deploy", Run{Result: Interrupted, Units: []Unit{{Result: NotRun}}}, "skipped, error interrupted"},
		{"deploy", Run{Error: "no"}, "error failed"},
		{"deploy", Run{Error: "no", Units: []Unit{{Result: Failed}}}, "failure failed, error failed"},
		{"scan", Run{Checks: []Check{{Mode: "enforce"}, {Mode: "warn"}}}, ""},
		{"scan", Run{Checks: []Check{{Mode: "enforce", Findings: grave, Known: grave}}}, "failure critical"},
		{"scan", Run{Checks: []Check{{Mode: "warn", Findings: grave, Undetermined: grave, Unknown: "deny"}}}, ""},
		{"scan", Run{Checks: []Check{{Mode: "enforce", Undetermined: grave, Unknown: "deny"}}}, "failure critical"},
		{"scan", Run{Checks: []Check{{Mode: "enforce", Undetermined: grave, Unknown: "warn"}}}, ""},
		{"scan", Run{Checks: []Check{{Mode: "enforce", Errors: []string{"no"}}, {Mode: "enforce", Findings: grave}}}, "error error, failure critical"},
		{"scan", Run{Checks: []Check{{Mode: "warn", Errors: []string{"no"}}}}, "skipped"},
		{"scan", Run{Error: "no", Checks: []Check{{Mode: "warn"}}}, "error failed"},
		{"plan", Run{Units: []Unit{{Result: Refused}}, Checks: []Check{{Mode: "enforce", Findings: grave}}}, "failure refused, failure critical"},
		{"drift", Run{Units: []Unit{{Result: InSync}, {Result: Pending}, {Result: Unmanaged}}}, ""},
		{"drift", Run{Units: []Unit{{Result: Drifted, Drift: drift}}}, "failure drift"},
		{"drift", Run{Units: []Unit{{Result: DriftedPending, Drift: drift}}}, "failure drift"},
		{"drift", Run{Units: []Unit{{Result: Drifted}}}, "failure drift"},
		{"drift", Run{Since: "r", Units: []Unit{{Result: Drifted}}}, ""},
		{"drift", Run{Units: []Unit{{Result: Failed}, {Result: NotRun}}}, "error failed, error not run"},
		{"drift", Run{Units: []Unit{{Result: Refused}, {Result: Interrupted}}}, "error refused, error interrupted"},
	}
	for _, test := range tests {
		test.run.Verb = test.verb
		text := junitOf(t, &test.run)
		shaped(t, text)
		var read struct {
			Cases []struct {
				Failure *struct {
					Type string `xml:"type,attr"`
				} `xml:"failure"`
				Error *struct {
					Type string `xml:"type,attr"`
				} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testsuite>testcase"`
		}
		if err := xml.Unmarshal([]byte(text), &read); err != nil {
			t.Fatal(err)
		}
		var problems []string
		for _, c := range read.Cases {
			switch {
			case c.Failure != nil:
				problems = append(problems, "failure "+c.Failure.Type)
			case c.Error != nil:
				problems = append(problems, "error "+c.Error.Type)
			case c.Skipped != nil:
				problems = append(problems, "skipped")
			}
		}
		if got := strings.Join(problems, ", "); got != test.want {
			t.Errorf("%s %+v: %q, want %q", test.verb, test.run, got, test.want)
		}
		// A report is green where the exit code is 0, and only there.
		bad := slices.ContainsFunc(problems, func(p string) bool { return p != "skipped" })
		if code := ExitCode(&test.run, false); bad != (code != ExitDone) {
			t.Errorf("%s %+v: %q with exit code %d", test.verb, test.run, problems, code)
		}
	}
}

// Whatever the text, it arrives: only what XML has no place for is replaced.
func TestJUnitKeepsText(t *testing.T) {
	run := &Run{Verb: "drift", Units: []Unit{{ID: `a"<&>'@r:e`, Layer: "l", Result: Drifted, Reason: "]]> \x00\xff\uffff <b> & \u00e9", Drift: []Difference{
		{Address: `a.b["]]>"]`, Action: "changed", Attributes: []Attribute{{Path: "p", Before: raw(`"<![CDATA["`), After: raw(`"\u0000]]>"`)}, {Path: "s", Sensitive: true}}}}}}}
	text := junitOf(t, run)
	shaped(t, text)
	var read struct {
		Case struct {
			Name    string `xml:"name,attr"`
			Failure struct {
				Message string `xml:"message,attr"`
				Text    string `xml:",chardata"`
			} `xml:"failure"`
		} `xml:"testsuite>testcase"`
	}
	if err := xml.Unmarshal([]byte(text), &read); err != nil {
		t.Fatal(err)
	}
	if read.Case.Name != run.Units[0].ID {
		t.Errorf("name %q", read.Case.Name)
	}
	const line = "drifted: 1 changed: ]]> ��� <b> & é"
	if read.Case.Failure.Message != line {
		t.Errorf("message %q", read.Case.Failure.Message)
	}
	want := line + "\n\nDrift (deployed → there now):\n  a.b[\"]]>\"]  changed (severity unknown)\n    p: \"<![CDATA[\" → \"\\u0000]]>\"\n    s: (sensitive)\n"
	if read.Case.Failure.Text != want {
		t.Errorf("got  %q\nwant %q", read.Case.Failure.Text, want)
	}
}

func TestJUnitIsBounded(t *testing.T) {
	d := Difference{Address: "a.b", Action: "changed", Severity: "low"}
	for i := range 10_000 {
		d.Attributes = append(d.Attributes, Attribute{Path: fmt.Sprint("p", i)})
	}
	got := junitOf(t, &Run{Verb: "drift", Units: []Unit{{ID: "u", Result: Drifted, Drift: []Difference{d, {Address: "c.d", Action: "deleted", Severity: "high"}}}}})
	shaped(t, got)
	if !strings.Contains(got, "c.d  deleted (high)\n") || !strings.Contains(got, "… 9,005 more lines\n") {
		t.Errorf("%d bytes: %s", len(got), got[:1000])
	}
}
