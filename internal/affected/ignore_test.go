package affected

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Patterns and paths made at random: what git lists is what the snapshot lists.
func TestIgnoresLikeGit(t *testing.T) {
	random := rand.New(rand.NewPCG(30, 4))
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	parts := []string{"a", "b", "ab", "a.tf", "b.tf", "x y", "{a}", "[a]", "a*", "!a", "#a", "ä", `a\b`}
	pieces := []string{"a", "b", "ab", "*", "**", "?", "*.tf", "a*", "*b", "[ab]", "[!a]", "[^a]", "[a-b].tf", `\*`, `\!a`, `\#a`, "x y", "{a}", "a**",
		"**b", `\[a]`, "[[:alpha:]]", "ä", "a.tf", "!a", "#a", "[]a]", `a\`, "[a", "*.*"}
	rounds := 25
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		g := newGit(t)
		for range 60 {
			var path []string
			for range 1 + random.IntN(3) {
				path = append(path, pick(parts))
			}
			full := filepath.Join(g.dir, filepath.Join(path...))
			if os.MkdirAll(filepath.Dir(full), 0o755) == nil {
				_ = os.WriteFile(full, nil, 0o644)
			}
		}
		for _, dir := range []string{".", "a", "b", "ab"} {
			var text strings.Builder
			for range random.IntN(4) {
				if random.IntN(4) == 0 {
					text.WriteString("!")
				}
				if random.IntN(4) == 0 {
					text.WriteString("/")
				}
				text.WriteString(pick(pieces))
				for range random.IntN(3) {
					text.WriteString("/" + pick(pieces))
				}
				if random.IntN(4) == 0 {
					text.WriteString("/")
				}
				text.WriteString(pick([]string{"\n", "\r\n", " \n", "\\ \n", "\n#comment\n", "\n\n"}))
			}
			if info, err := os.Stat(filepath.Join(g.dir, dir)); err == nil && info.IsDir() {
				writeFile(t, filepath.Join(g.dir, dir, ".gitignore"), text.String())
			}
		}
		for name := range strings.SplitSeq(g.git("-c", "core.quotePath=false", "ls-files", "-z"), "\x00") {
			if name != "" {
				t.Fatalf("%q is tracked", name)
			}
		}
		want := strings.FieldsFunc(g.git("ls-files", "-z", "--others", "--exclude-standard"), func(r rune) bool { return r == 0 })
		slices.Sort(want)
		got := treeOf(t, g.open()).Names
		if slices.Equal(got, want) {
			continue
		}
		for _, dir := range []string{".", "a", "b", "ab"} {
			if text, err := os.ReadFile(filepath.Join(g.dir, dir, ".gitignore")); err == nil {
				t.Logf("%s: %q", dir, text)
			}
		}
		for _, name := range got {
			if !slices.Contains(want, name) {
				t.Errorf("git ignores %q", name)
			}
		}
		for _, name := range want {
			if !slices.Contains(got, name) {
				t.Errorf("git does not ignore %q", name)
			}
		}
	}
}
