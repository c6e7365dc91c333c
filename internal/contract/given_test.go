package contract

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGiven(t *testing.T) {
	for name, test := range map[string]struct {
		file, text string
		want       []string
	}{
		"none":          {file: "a.tfvars", text: ""},
		"HCL":           {file: "a.tfvars", text: "token = \"secret\"\nother = \"plain\"\n", want: []string{"secret"}},
		"two, sorted":   {file: "a.tfvars", text: "token = \"z\"\nlogin = \"a\"\n", want: []string{"a", "z"}},
		"not asked for": {file: "a.tfvars", text: `other = "plain"`},
		"heredoc":       {file: "a.tfvars", text: "token = <<EOT\none\ntwo\nEOT\n", want: []string{"one\ntwo\n"}},
		"escapes":       {file: "a.tfvars", text: `token = "a\"b$${c}"`, want: []string{`a"b${c}`}},
		"deep":          {file: "a.tfvars", text: "login = {\n  user = \"u\"\n  more = [\"m\", { n = 41 }]\n  on = true\n  none = null\n}\n", want: []string{"41", "m", "u"}},
		"number":        {file: "a.tfvars", text: "token = 48151623", want: []string{"48151623"}},
		"large number":  {file: "a.tfvars", text: "token = 12345678901234567890", want: []string{"12345678901234567890"}},
		"bool, null":    {file: "a.tfvars", text: "token = true\nlogin = null\n"},
		"JSON":          {file: "a.tfvars.json", text: `{"token": "secret", "other": "plain", "login": {"p": ["q", 41, false, null]}}`, want: []string{"41", "q", "secret"}},
		"JSON escapes":  {file: "a.tfvars.json", text: `{"token": "a\"b\nc"}`, want: []string{"a\"b\nc"}},
		// Terraform itself says what is wrong with these.
		"an expression":  {file: "a.tfvars", text: "token = var.other\nlogin = \"read\"\n", want: []string{"read"}},
		"a block":        {file: "a.tfvars", text: "other {}\nlogin = \"read\"\n", want: []string{"read"}},
		"broken below":   {file: "a.tfvars", text: "login = \"read\"\ntoken = \n", want: []string{"read"}},
		"not HCL":        {file: "a.tfvars", text: "\x00{{{"},
		"not JSON":       {file: "a.tfvars.json", text: `{"token": `},
		"a list in JSON": {file: "a.tfvars.json", text: `["token"]`},
		"empty JSON":     {file: "a.tfvars.json", text: ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := Given(test.file, []byte(test.text), []string{"token", "login"})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
