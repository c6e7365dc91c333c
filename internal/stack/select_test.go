package stack

import (
	"errors"
	"strings"
	"testing"
)

func TestSelect(t *testing.T) {
	tree := mustDiscover(t, repo(live), Default())
	for _, test := range []struct {
		name string
		opts SelectOptions
		want string
	}{
		{"all", SelectOptions{All: true}, "applications@us clients/ezra@us clients/mtn-ghana@us databases@us foundation@eu foundation@us platform@eu platform@us"},
		{"all of a region", SelectOptions{All: true, Regions: []string{"eu-west-1"}}, "foundation@eu platform@eu"},
		{"layer", SelectOptions{Only: []string{"platform"}}, "platform@eu platform@us"},
		{"layer of a region", SelectOptions{Only: []string{"platform"}, Regions: []string{"us-east-1"}}, "platform@us"},
		{"instances", SelectOptions{Only: []string{"clients/*"}}, "clients/ezra@us clients/mtn-ghana@us"},
		{"instance", SelectOptions{Only: []string{"clients/ezra"}}, "clients/ezra@us"},
		{"short id", SelectOptions{Only: []string{"platform@eu-west-1"}}, "platform@eu"},
		{"id", SelectOptions{Only: []string{"platform@eu-west-1:staging"}}, "platform@eu"},
		{"regions", SelectOptions{Only: []string{"*@eu-*"}}, "foundation@eu platform@eu"},
		{"folder", SelectOptions{Only: []string{"regions/us-east-1/clients/**"}}, "clients/ezra@us clients/mtn-ghana@us"},
		{"choice", SelectOptions{Only: []string{"{platform,databases}@us-east-1"}}, "databases@us platform@us"},
		{"several", SelectOptions{Only: []string{"clients/ezra", "clients/*", "databases"}}, "clients/ezra@us clients/mtn-ghana@us databases@us"},
		{"dependents", SelectOptions{Only: []string{"databases"}, WithDependents: true}, "applications@us clients/ezra@us clients/mtn-ghana@us databases@us"},
		{"neither", SelectOptions{}, "!nothing selected: say --all, or --only GLOB (for example --only 'clients/*')"},
		{"both", SelectOptions{All: true, Only: []string{"x"}}, "!say either --all or --only, not both"},
		{"no environment", SelectOptions{Environment: "-", All: true}, "!no environment given: there are development, production, staging"},
		{"unknown environment", SelectOptions{Environment: "stagging", All: true}, `!there is no environment "stagging": there are development, production, staging; did you mean "staging"?`},
		{"empty environment", SelectOptions{Environment: "development", All: true}, "!environment development has no units"},
		{"unknown region", SelectOptions{All: true, Regions: []string{"us-west-1"}}, `!environment staging has no region "us-west-1": there are eu-west-1, us-east-1`},
		{"prefix", SelectOptions{Only: []string{"clients/ez"}}, `!--only "clients/ez" matches no unit: did you mean clients/ezra@us-east-1:staging?`},
		{"one that matches nothing", SelectOptions{Only: []string{"clients/*", "plattform"}}, `!--only "plattform" matches no unit: did you mean platform@eu-west-1:staging?`},
		{"nothing like it", SelectOptions{Only: []string{"zzzzzzzz"}}, `!--only "zzzzzzzz" matches no unit (there are applications@us-east-1:staging, clients/ezra@us-east-1:staging, clients/mtn-ghana@us-east-1:staging, databases@us-east-1:staging, foundation@eu-west-1:staging and 3 more)`},
		{"bad glob", SelectOptions{Only: []string{"a[b"}}, `!--only "a[b" is not a valid glob`},
	} {
		t.Run(test.name, func(t *testing.T) {
			switch test.opts.Environment {
			case "":
				test.opts.Environment = "staging"
			case "-":
				test.opts.Environment = ""
			}
			units, err := Select(tree, test.opts)
			if want, fails := strings.CutPrefix(test.want, "!"); fails {
				if err == nil || err.Error() != want {
					t.Errorf("got:\n%v\nwant:\n%s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, u := range units {
				got = append(got, strings.NewReplacer("us-east-1", "us", "eu-west-1", "eu", ":staging", "").Replace(u.ID()))
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("got %s, want %s", strings.Join(got, " "), test.want)
			}
		})
	}
}

func TestSelectNothingIsTyped(t *testing.T) {
	_, err := Select(mustDiscover(t, repo(live), Default()), SelectOptions{Environment: "staging"})
	var nothing *NoSelectionError
	if !errors.As(err, &nothing) {
		t.Errorf("error is %v", err)
	}
}
