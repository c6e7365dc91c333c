package affected

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// largeRepo is a repository of 5,003 units in 15,012 files, with two commits
// that differ in one module.
func largeRepo(b *testing.B) *gitRepo {
	b.Helper()
	b.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	b.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	g := newGit(b)
	for _, layer := range []string{"01-foundation", "02-platform", "03-databases"} {
		for _, name := range []string{"main", "variables", "outputs"} {
			g.write("regions/us-east-1/layers/"+layer+"/staging/"+name+".tf", "# "+layer+" "+name+"\n")
		}
	}
	for i := range 5000 {
		dir := fmt.Sprintf("regions/us-east-1/clients/client-%04d/staging/", i)
		var text strings.Builder
		fmt.Fprintf(&text, "module \"client\" {\n  source = \"../../../../../shared/modules/client\"\n  name   = \"client-%d\"\n}\n", i)
		for j := range 5 {
			fmt.Fprintf(&text, "resource \"terraform_data\" \"r%d\" {\n  input = \"%d\"\n}\n", j, i*j%97)
		}
		g.write(dir+"main.tf", text.String(), dir+"variables.tf", fmt.Sprintf("variable \"size\" { default = %d }\n", i),
			dir+"config.json", fmt.Sprintf("{\"id\":%d}\n", i))
	}
	g.write("shared/modules/client/main.tf", "variable \"name\" {}\n", "shared/modules/client/x.tf", "", "strata.yaml", "version: 1\n")
	g.commit()
	g.write("shared/modules/client/main.tf", "variable \"name\" {}\n# changed\n").commit()
	g.git("gc", "-q")
	g.git("update-index", "-q", "--really-refresh")
	return g
}

// BenchmarkRepository5000 reads the repository of 5,003 units. git does the
// same as far as it goes, for the ratio.
func BenchmarkRepository5000(b *testing.B) {
	g := largeRepo(b)
	open := func(b *testing.B) *Repository {
		r, err := Open(g.dir)
		if err != nil {
			b.Fatal(err)
		}
		return r
	}
	b.Run("Commit", func(b *testing.B) {
		for b.Loop() {
			r := open(b)
			if n := len(snapshotAt(b, r, "HEAD").Names); n != 15_012 {
				b.Fatalf("%d files", n)
			}
			r.Close()
		}
	})
	b.Run("CommitTwiceAndDiff", func(b *testing.B) {
		for b.Loop() {
			r := open(b)
			base, err := r.MergeBase("HEAD~1", "HEAD")
			if err != nil {
				b.Fatal(err)
			}
			if changes := Diff(snapshotAt(b, r, base), snapshotAt(b, r, "HEAD")); len(changes) != 1 {
				b.Fatalf("%v", changes)
			}
			r.Close()
		}
	})
	b.Run("Read5000", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			r := open(b)
			s := snapshotAt(b, r, "HEAD")
			b.StartTimer()
			var wg sync.WaitGroup
			workers := runtime.GOMAXPROCS(0)
			for w := range workers {
				wg.Go(func() {
					for i := w; i < 5000; i += workers {
						if _, err := fs.ReadFile(s.FS, s.Names[i]); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			r.Close()
			b.StartTimer()
		}
	})
	b.Run("WorkingTree", func(b *testing.B) {
		for b.Loop() {
			r := open(b)
			if n := len(treeOf(b, r).Names); n != 15_012 {
				b.Fatalf("%d files", n)
			}
			r.Close()
		}
	})
	b.Run("GitLsTree", func(b *testing.B) {
		for b.Loop() {
			g.git("ls-tree", "-r", "HEAD")
		}
	})
	b.Run("GitStatus", func(b *testing.B) {
		for b.Loop() {
			g.git("status", "--porcelain")
		}
	})
}

// BenchmarkMergeBase50000 looks for a base that is near, in a long history.
func BenchmarkMergeBase50000(b *testing.B) {
	for _, n := range []int{500, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
			g := newGit(b)
			var stream strings.Builder
			for i := range n {
				fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter a <a@example.com> %d +0000\ndata 1\nx\nM 644 inline f%d\ndata 3\n%03d\n",
					1_600_000_000+i, i%50, i%1000)
			}
			name := filepath.Join(b.TempDir(), "stream")
			writeFile(b, name, stream.String())
			g.git("-c", "core.editor=true", "config", "alias.import", "!git fast-import --quiet <"+name)
			g.git("import")
			g.git("reset", "-q", "--hard")
			g.git("checkout", "-q", "-b", "feature", "main~20")
			g.write("new", "1").commit()
			g.git("gc", "-q")
			for b.Loop() {
				r, err := Open(g.dir)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := r.MergeBase("main", "feature"); err != nil {
					b.Fatal(err)
				}
				r.Close()
			}
		})
	}
}
