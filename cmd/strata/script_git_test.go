package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/strata-tf/strata/internal/report"
)

// gitEnviron keeps the settings of git's user out of a test, and the commits'
// ids the same in each.
var gitEnviron = []string{
	"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_COUNT=3",
	"GIT_CONFIG_KEY_0=init.defaultBranch", "GIT_CONFIG_VALUE_0=main",
	"GIT_CONFIG_KEY_1=protocol.file.allow", "GIT_CONFIG_VALUE_1=always",
	"GIT_CONFIG_KEY_2=advice.detachedHead", "GIT_CONFIG_VALUE_2=false",
	"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
	"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z",
}

// scriptCommit commits all there is, in a repository that it makes where there
// is none, a minute after the commit before.
func scriptCommit(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "commit MESSAGE")
	if _, err := os.Stat(ts.MkAbs(".git")); err != nil {
		ts.Check(ts.Exec("git", "init", "-q"))
	}
	last, err := time.Parse("2006-01-02T15:04:05Z", ts.Getenv("GIT_COMMITTER_DATE"))
	ts.Check(err)
	for i, name := range []string{"GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"} {
		ts.Setenv(name, last.Add(time.Duration(i+1)*time.Minute/2).Format("2006-01-02T15:04:05Z"))
	}
	ts.Check(ts.Exec("git", "add", "-A"))
	ts.Check(ts.Exec("git", "commit", "-q", "--allow-empty", "-m", args[0]))
}

// scriptSub replaces a text that a file holds once.
func scriptSub(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 3, "sub FILE OLD NEW")
	text := ts.ReadFile(args[0])
	if n := strings.Count(text, args[1]); n != 1 {
		ts.Fatalf("%s holds %q %d times:\n%s", args[0], args[1], n, text)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o644))
}

// scriptRan says which units a run was of, all of them, and how each ended: by
// the document on standard output. A region "global" and the environment are
// left out of their ids.
func scriptRan(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, true, "ran [UNIT=RESULT…]")
	var run report.Run
	text := ts.ReadFile("stdout")
	ts.Check(checkRunSchema([]byte(text)))
	ts.Check(json.Unmarshal([]byte(text), &run))
	var got []string
	for _, u := range run.Units {
		id, _, _ := strings.Cut(u.ID, ":")
		got = append(got, fmt.Sprintf("%s=%s", strings.TrimSuffix(id, "@global"), u.Result))
	}
	slices.Sort(got)
	want := slices.Sorted(slices.Values(args))
	if !slices.Equal(got, want) {
		ts.Fatalf("it ran %v, not %v:\n%s", got, want, text)
	}
}
