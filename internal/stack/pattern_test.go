package stack

import (
	"slices"
	"strings"
	"testing"
)

func TestTemplateExpand(t *testing.T) {
	full := names{path: "p/q", layer: "clients", region: "eu", instance: "ezra", env: "staging"}
	bare := names{path: "p/q", layer: "platform", region: "eu", env: "staging"}
	for _, test := range []struct {
		template string
		names    names
		want     string
	}{
		{"", full, ""},
		{"plain", full, "plain"},
		{"{path}/envs/{env}.tfvars", full, "p/q/envs/staging.tfvars"},
		{"{layer}/{region}/{instance}/{env}.tfstate", full, "clients/eu/ezra/staging.tfstate"},
		{"{layer}/{region}/{instance}/{env}.tfstate", bare, "platform/eu/staging.tfstate"},
		{"{instance}/{env}", bare, "staging"},
		{"{layer}/{instance}", bare, "platform"},
		{"{layer}-{instance}/x", bare, "platform-/x"},
	} {
		parsed, err := parseTemplate(test.template, settingPlaceholders())
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed.expand(test.names); got != test.want {
			t.Errorf("%s is %q, want %q", test.template, got, test.want)
		}
	}
}

func TestTemplateMatch(t *testing.T) {
	for _, test := range []struct{ template, text, want string }{
		{"{env}", "staging", "//staging"},
		{"{env}-infra", "staging-infra", "//staging"},
		{"{env}-infra", "staging-infrastructure", ""},
		{"{env}-infra", "-infra", ""},
		{"infra-{env}", "infra-", ""},
		{"stack-a{instance}", "stack-aa", "/a/"},
		{"stack-a", "stack-aa", ""},
		{"{region}.{env}", "eu.x", "eu//x"},
		{"{region}-{env}", "us-east-1-dev", "us//east-1-dev us-east//1-dev us-east-1//dev"},
		{"{env}-{env}", "a-a", "//a"},
		{"{env}-{env}", "a-b", ""},
	} {
		parsed, err := parseTemplate(test.template, pathPlaceholders())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range parsed.match(test.text, names{}) {
			got = append(got, n.region+"/"+n.instance+"/"+n.env)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s on %s: %q, want %q", test.template, test.text, got, test.want)
		}
	}
}

func TestTemplateMatchKeepsKnownNames(t *testing.T) {
	parsed, _ := parseTemplate("{env}-{region}", pathPlaceholders())
	got := parsed.match("a-b-c", names{env: "a-b"})
	if len(got) != 1 || got[0].region != "c" {
		t.Errorf("got %v", got)
	}
	if got := parsed.match("a-b-c", names{env: "a-"}); len(got) != 0 {
		t.Errorf("a name was taken for a longer one: %v", got)
	}
}

// Whatever is found fills the template to exactly the text it was found in: no
// prefix is ever taken for the whole.
func FuzzTemplateMatch(f *testing.F) {
	f.Add("{env}-infra", "staging-infra", "")
	f.Add("{region}-{env}x{instance}", "a-bxc", "b")
	f.Add("stack-a{env}", "stack-aa", "a")
	f.Fuzz(func(t *testing.T, pattern, text, env string) {
		if len(pattern)+len(text) > 200 {
			return
		}
		parsed, err := parseTemplate(pattern, pathPlaceholders())
		if err != nil {
			return
		}
		for _, n := range parsed.match(text, names{env: env}) {
			var rebuilt strings.Builder
			for _, p := range parsed {
				if p.placeholder {
					rebuilt.WriteString(*n.field(p.text))
				} else {
					rebuilt.WriteString(p.text)
				}
			}
			if rebuilt.String() != text || env != "" && n.env != env {
				t.Errorf("%q on %q with %q gives %v", pattern, text, env, n)
			}
		}
	})
}

func TestParseNeeds(t *testing.T) {
	for _, s := range []string{"a", "a/b", "a@r", "a@*", "a/b.c@r-1", "a/b@*"} {
		if got := parseNeed(s).String(); got != s {
			t.Errorf("%s is read as %s", s, got)
		}
		n, output := parseInput(s + ".id")
		if n.String() != s || output != "id" {
			t.Errorf("%s.id is read as %s and %s", s, n, output)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"needs", "name", "path", "production", "staging", "env", "a"}
	for word, want := range map[string]string{
		"need": "needs", "nmae": "name", "prodction": "production", "Staging": "staging", "evn": "env", "xyz": "", "aa": "a", "b": "", "": "",
	} {
		got := nearest(word, words, 1)
		if want == "" && len(got) > 0 || want != "" && !slices.Equal(got, []string{want}) {
			t.Errorf("nearest to %q is %v, want %q", word, got, want)
		}
	}
}

func TestFolderNames(t *testing.T) {
	for name, good := range map[string]bool{
		"mtn-ghana": true, "us-east-1": true, "1": true, "a.b_c": true, "A": true,
		"": false, "-auto-approve": false, ".hidden": false, "..": false, "_x": false, "x; rm -rf ~": false, "a b": false,
		"é": false, "日本": false, "a/b": false, "a@b": false, "a:b": false, "$(x)": false, "a\n": false, "a*": false,
	} {
		if folderName(name) != good || matches(folderPattern, name) != good {
			t.Errorf("%q: %v and %v, want %v", name, folderName(name), matches(folderPattern, name), good)
		}
	}
}
