package finding

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/stack"
)

func day(t *testing.T, text string) stack.Date {
	t.Helper()
	d, err := stack.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSuppress(t *testing.T) {
	now := time.Date(2027, 3, 31, 23, 59, 0, 0, time.UTC)
	list := []Finding{
		{Tool: "trivy", Rule: "AWS-0107", Aliases: []string{"AVD-AWS-0107"}, File: "regions/eu/a.tf"},
		{Tool: "tfsec", Rule: "aws-ec2-no-public-ingress-sgr", Aliases: []string{"AVD-AWS-0107", "AWS-0107"}, File: "shared/m/a.tf"},
		{Tool: "terraform-compliance", Rule: "tags/There is a [name] tag", File: "regions/eu/unit", Unit: "u"},
		{Tool: "checkov", Rule: "CKV_AWS_1", Known: "from before"},
	}
	for name, test := range map[string]struct {
		suppression Suppression
		known       []int // of list, besides the last
	}{
		"the rule":                  {Suppression{Rule: "AWS-0107"}, []int{0, 1}},
		"another name of it":        {Suppression{Rule: "avd-aws-0107"}, []int{0, 1}},
		"of one tool":               {Suppression{Rule: "AVD-AWS-0107", Tool: "trivy"}, []int{0}},
		"below a folder":            {Suppression{Rule: "AWS-0107", Path: "regions/**"}, []int{0}},
		"a file":                    {Suppression{Rule: "AWS-0107", Path: "shared/m/a.tf"}, []int{1}},
		"elsewhere":                 {Suppression{Rule: "AWS-0107", Path: "regions/us/**"}, nil},
		"a unit's folder":           {Suppression{Rule: "tags/**", Path: "regions/eu/unit/**"}, []int{2}},
		"a rule with signs":         {Suppression{Rule: "tags/There is a [name] tag"}, []int{2}},
		"rules of a glob":           {Suppression{Rule: "aws-*"}, []int{1}},
		"every rule":                {Suppression{Rule: "**"}, []int{0, 1, 2}},
		"one star is one part":      {Suppression{Rule: "*"}, []int{0, 1}},
		"no rule":                   {Suppression{}, nil},
		"what is no glob":           {Suppression{Rule: "aws-["}, nil},
		"a path that is no glob":    {Suppression{Rule: "**", Path: "a["}, nil},
		"until today":               {Suppression{Rule: "aws-*", Until: day(t, "2027-03-31")}, []int{1}},
		"until yesterday: it ended": {Suppression{Rule: "aws-*", Until: day(t, "2027-03-30")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := test.suppression
			ended := name == "until yesterday: it ended"
			if s.Until == (stack.Date{}) {
				s.Until = day(t, "2028-01-01")
			}
			s.Owner, s.Reason = "ops", "because"
			counted, known, expired := Suppress(list, []Suppression{s}, now)
			if len(counted)+len(known) != len(list) {
				t.Errorf("%d findings became %d and %d", len(list), len(counted), len(known))
			}
			var want []Finding
			for _, i := range test.known {
				f := list[i]
				f.Known = "suppressed until " + s.Until.String() + " by ops: because"
				want = append(want, f)
			}
			if diff := cmp.Diff(append(want, list[3]), known); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if ended != (len(expired) == 1) {
				t.Errorf("expired: %v", expired)
			}
		})
	}
}

func TestDuplicates(t *testing.T) {
	tfsec := Finding{Tool: "tfsec", Rule: "aws-x", Aliases: []string{"AVD-AWS-0001", "AWS-0001"}, Severity: High, File: "a.tf", Line: 4, End: 6, Resource: "x.y"}
	trivy := Finding{Tool: "trivy", Rule: "AWS-0001", Aliases: []string{"AVD-AWS-0001"}, Severity: High, File: "a.tf", Line: 5, End: 5, Resource: "x.y"}
	change := func(f Finding, change func(*Finding)) Finding {
		change(&f)
		return f
	}
	for name, test := range map[string]struct {
		list []Finding
		want string // the tools that count, then those that are known
	}{
		"both":             {[]Finding{tfsec, trivy}, "trivy; tfsec also found by trivy"},
		"in another order": {[]Finding{trivy, tfsec}, "trivy; tfsec also found by trivy"},
		"the graver one":   {[]Finding{change(tfsec, func(f *Finding) { f.Severity = Critical }), trivy}, "tfsec; trivy also found by tfsec"},
		"one":              {[]Finding{tfsec}, "tfsec; "},
		"twice by one tool": {
			[]Finding{tfsec, change(tfsec, func(f *Finding) { f.Title = "other" }), trivy}, "trivy; tfsec also found by trivy, tfsec also found by trivy",
		},
		"another file": {[]Finding{tfsec, change(trivy, func(f *Finding) { f.File = "b.tf" })}, "tfsec, trivy; "},
		"another rule": {[]Finding{tfsec, change(trivy, func(f *Finding) { f.Rule, f.Aliases = "AWS-0002", nil })}, "tfsec, trivy; "},
		"another line of the resource": {
			[]Finding{tfsec, change(trivy, func(f *Finding) { f.Line, f.End = 1, 1 })}, "trivy; tfsec also found by trivy",
		},
		"another resource": {[]Finding{tfsec, change(trivy, func(f *Finding) { f.Line, f.End, f.Resource = 9, 9, "x.z" })}, "tfsec, trivy; "},
		"no resource":      {[]Finding{change(tfsec, func(f *Finding) { f.Resource = "" }), change(trivy, func(f *Finding) { f.Resource = ""; f.Line = 7 })}, "tfsec, trivy; "},
		"another unit":     {[]Finding{tfsec, change(trivy, func(f *Finding) { f.Unit = "u" })}, "tfsec, trivy; "},
		"one does not count": {
			[]Finding{tfsec, change(trivy, func(f *Finding) { f.Known = "suppressed" })}, "tfsec; trivy suppressed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			counted, known := Duplicates(test.list, "trivy", "tfsec")
			var a, b []string
			for _, f := range counted {
				a = append(a, f.Tool)
			}
			for _, f := range known {
				b = append(b, f.Tool+" "+f.Known)
			}
			if got := strings.Join(a, ", ") + "; " + strings.Join(b, ", "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestBaseline(t *testing.T) {
	list := Number([]Finding{
		{Tool: "trivy", Rule: "AWS-0107", File: "b <c>.tf", Line: 4, Resource: "x.y"},
		{Tool: "trivy", Rule: "AWS-0107", File: "b <c>.tf", Line: 9, Resource: "x.y"},
		{Tool: "terraform-compliance", Rule: "tags/Name", File: "a", Unit: "u", Resource: "x.y"},
	})
	text, err := WriteBaseline(list)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "schema": "strata.baseline/v1",
  "findings": [
    {
      "fingerprint": "`
	if !strings.HasPrefix(string(text), want) || !strings.Contains(string(text), `"file": "b <c>.tf"`) || strings.Index(string(text), `"file": "a"`) > strings.Index(string(text), `"file": "b`) {
		t.Errorf("got:\n%s", text)
	}
	b, err := ReadBaseline(text)
	if err != nil {
		t.Fatal(err)
	}
	// The code moves, and there is one more of the same.
	after := Number([]Finding{
		{Tool: "trivy", Rule: "AWS-0107", File: "b <c>.tf", Line: 14, Resource: "x.y", Title: "new words"},
		{Tool: "trivy", Rule: "AWS-0107", File: "b <c>.tf", Line: 19, Resource: "x.y"},
		{Tool: "trivy", Rule: "AWS-0107", File: "b <c>.tf", Line: 29, Resource: "x.y"},
		{Tool: "terraform-compliance", Rule: "tags/Name", File: "a", Unit: "other", Resource: "x.y"},
	})
	counted, known := b.Apply(after)
	if len(known) != 2 || known[0].Known != "in the baseline" || len(counted) != 2 || counted[1].Line != 29 || counted[0].Unit != "other" {
		t.Errorf("counted %v, known %v", counted, known)
	}
	if empty, err := WriteBaseline(nil); err != nil || !strings.Contains(string(empty), `"findings": []`) {
		t.Errorf("got %s, %v", empty, err)
	}
	if counted, known := (Baseline{}).Apply(after); len(counted) != 4 || known != nil {
		t.Errorf("nothing is accepted, but %v", known)
	}
}

func TestReadBaseline(t *testing.T) {
	for text, says := range map[string]string{
		"":                                "not a baseline: EOF",
		"[]":                              "not a baseline: json: cannot unmarshal array",
		`{"schema":"strata.baseline/v1",`: "not a baseline: unexpected EOF",
		`{"schema":"strata.baseline/v2"}`: `not a baseline: its schema is "strata.baseline/v2", not strata.baseline/v1`,
		`{}`:                              `not a baseline: its schema is ""`,
		`{"schema":"strata.baseline/v1","findings":[]} x`:          "not a baseline: something follows its end",
		`{"schema":"strata.baseline/v1","findings":[{"tool":""}]}`: "not a baseline: entry 1 has no fingerprint",
	} {
		if _, err := ReadBaseline([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %s", text, err, says)
		}
	}
}

// TestJSON keeps the names that programs read.
func TestJSON(t *testing.T) {
	text, err := json.Marshal(Finding{
		Tool: "t", Rule: "r", Aliases: []string{"a"}, Severity: High, Title: "w", Unit: "u", Units: []string{"u"}, File: "f",
		Line: 1, End: 2, Resource: "x.y", Help: "h", Known: "k", Occurrence: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"tool":"t","rule":"r","aliases":["a"],"severity":"high","title":"w","unit":"u","units":["u"],"file":"f","line":1,"end":2,"resource":"x.y","help":"h","known":"k","occurrence":3}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
