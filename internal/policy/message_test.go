package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/strata-tf/strata/internal/finding"
)

func TestMessages(t *testing.T) {
	for given, want := range map[string][]Message{
		`[]`:                     nil,
		`{}`:                     nil,
		`["a", "b\nc\u001b[2J"]`: {{Text: "a"}, {Text: "b c [2J"}},
		`""`:                     {{}},
		`"a"`:                    {{Text: "a"}},
		`true`:                   {{Text: "data.terraform.deny"}},
		`false`:                  nil,
		`null`:                   nil,
		`7.50`:                   {{Text: "7.50"}},
		`[true, false, null, 3, ["x"], {"a": 1}]`: {
			{Text: "true"}, {Text: "false"}, {Text: "null"}, {Text: "3"}, {Text: "x"}, {Text: "1"},
		},
		`[{"msg": "m", "id": "AC-1", "resource": "x.y", "severity": "critical", "help": "h"}]`: {
			{Text: "m", ID: "AC-1", Resource: "x.y", Help: "h", Severity: finding.Critical},
		},
		`[{"message": "m", "level": "odd", "details": {"msg": "no"}}]`: {{Text: "m"}},
		// In v1, deny[msg] if … makes an object.
		`{"a is open": true, "b is not": false, "c": null}`: {{Text: "a is open"}},
		`{"s3": ["a", "b"], "rds": [], "ec2": "c"}`:         {{Text: "ec2: c"}, {Text: "a"}, {Text: "b"}},
		`{"x.y": {"msg": "m"}}`:                             {{Text: "m"}},
	} {
		got, err := Messages(Query{Path: []string{"terraform", "deny"}}, []byte(given))
		if err != nil {
			t.Errorf("%s: %v", given, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Message{})); diff != "" {
			t.Errorf("%s: -want +got:\n%s", given, diff)
		}
	}
	if got, err := Messages(Query{Path: []string{"terraform", "deny"}}, []byte(`["a`)); err == nil {
		t.Errorf("half a JSON: got %v", got)
	}
	if got, _ := Messages(Query{Path: []string{"terraform", "deny"}}, []byte(`"`+strings.Repeat("é", 5000)+`"`)); len(got[0].Text) > 2010 {
		t.Errorf("a text of %d bytes", len(got[0].Text))
	}
}

func TestAccount(t *testing.T) {
	for message, want := range map[string]bool{
		"x.y lets 0.0.0.0/0 in to tcp port 22": true,
		"x.y lets in to 9":                     false,
		"x.y lets z in to":                     false,
		" lets  in to ":                        true,
	} {
		if got := fits(message, []string{"", " lets ", " in to ", ""}); got != want {
			t.Errorf("%q: got %v", message, got)
		}
	}
	if !fits("same", []string{"same"}) || fits("same as", []string{"same"}) || fits("aba", []string{"ab", "ba"}) {
		t.Error("whole texts")
	}
}

func TestMessagesOfEveryItem(t *testing.T) {
	q := query(t, "data.terraform.deny")
	for text, want := range map[string][]string{
		`[{"encrypted":false}]`:       {`{"encrypted":false}`},
		`[{}]`:                        {`{}`},
		`[[]]`:                        {`[]`},
		`[{"a":"x","b":false}]`:       {"a: x"},
		`[]`:                          nil,
		`{"s3":[],"rds":["open"]}`:    {"open"}, // packages below the query
		`{"public":false}`:            nil,      // a rule that says no
		`["a", null, 3, false, true]`: {"a", "null", "3", "false", "true"},
	} {
		messages, err := Messages(q, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range messages {
			got = append(got, m.Text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}
