package affected

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

// A snapshot reads as the same files do on disk.
func TestSnapshotFS(t *testing.T) {
	g := newGit(t)
	g.write("main.tf", "m", "a/main.tf", "am", "a-b/x", "abx", "a/b/c/deep", "d", "a.b", "dot", "with space/ü.tf", "u", "empty", "")
	g.symlink("a/main.tf", "link")
	g.symlink("../main.tf", "a/up")
	g.symlink("a", "dirlink")
	g.symlink("b/c", "a/inner")
	g.symlink("../../../a-b", "a/b/c/over")
	g.symlink("missing", "dangling")
	g.symlink("loop2", "loop1")
	g.symlink("loop1", "loop2")
	g.symlink("./a/../a/b/./c/", "twisted")
	g.commit()
	g.git("gc", "-q")
	r := g.open()
	disk := os.DirFS(g.dir)
	for name, s := range map[string]*Snapshot{"commit": snapshotAt(t, r, "HEAD"), "working tree": treeOf(t, r), "any": must(SnapshotOf(disk))} {
		t.Run(name, func(t *testing.T) {
			if err := fstest.TestFS(s.FS, s.Names...); err != nil && !strings.Contains(err.Error(), "dangling") {
				t.Error(err)
			}
			for _, name := range append(s.Names, "a", "a/b", "dirlink/main.tf", "dirlink/up", "a/inner/deep", "a/inner/over/x", "dirlink/inner/over",
				"twisted/deep", "twisted/over/x", "missing", "a/missing/x", "main.tf/x", "dangling/x", "loop1/x", ".", "link/x", "dirlink/nothing") {
				sameFile(t, disk, s.FS, name)
			}
			for _, bad := range []string{"", "/a", "../x", "a/../b", "a/"} {
				if _, err := fs.Stat(s.FS, bad); !errors.Is(err, fs.ErrInvalid) {
					t.Errorf("Stat(%q): %v", bad, err)
				}
			}
		})
	}
}

// sameFile compares what two file systems say of a name.
func sameFile(t *testing.T, want, got fs.FS, name string) {
	t.Helper()
	wantData, wantErr := fs.ReadFile(want, name)
	gotData, gotErr := fs.ReadFile(got, name)
	if string(wantData) != string(gotData) || !sameError(wantErr, gotErr) {
		t.Errorf("ReadFile(%q) = %q, %v, not %q, %v", name, gotData, gotErr, wantData, wantErr)
	}
	wantLink, wantErr := fs.ReadLink(want, name)
	gotLink, gotErr := fs.ReadLink(got, name)
	if wantLink != gotLink || (wantErr == nil) != (gotErr == nil) {
		t.Errorf("ReadLink(%q) = %q, %v, not %q, %v", name, gotLink, gotErr, wantLink, wantErr)
	}
	wantDir, wantErr := fs.ReadDir(want, name)
	gotDir, gotErr := fs.ReadDir(got, name)
	if w, g := entriesOf(wantDir), entriesOf(gotDir); !slices.Equal(w, g) || (wantErr == nil) != (gotErr == nil) {
		t.Errorf("ReadDir(%q) = %q, %v, not %q, %v", name, g, gotErr, w, wantErr)
	}
	for what, stat := range map[string]func(fs.FS, string) (fs.FileInfo, error){"Stat": fs.Stat, "Lstat": fs.Lstat} {
		wantInfo, wantErr := stat(want, name)
		gotInfo, gotErr := stat(got, name)
		if !sameError(wantErr, gotErr) {
			t.Errorf("%s(%q): %v, not %v", what, name, gotErr, wantErr)
		}
		if wantErr == nil && gotErr == nil && (wantInfo.Mode().Type() != gotInfo.Mode().Type() || !wantInfo.IsDir() && wantInfo.Size() != gotInfo.Size()) {
			t.Errorf("%s(%q) = %v, not %v", what, name, fs.FormatFileInfo(gotInfo), fs.FormatFileInfo(wantInfo))
		}
	}
}

func sameError(want, got error) bool {
	return (want == nil) == (got == nil) && errors.Is(want, fs.ErrNotExist) == errors.Is(got, fs.ErrNotExist)
}

func entriesOf(entries []fs.DirEntry) (names []string) {
	for _, e := range entries {
		if e.Name() != ".git" {
			names = append(names, e.Name()+" "+e.Type().String())
		}
	}
	return names
}

// A link that leads out of the repository leads nowhere: what is there is no
// part of the snapshot.
func TestSnapshotLinksOutside(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	writeFile(t, outside, "x")
	g := newGit(t)
	g.write("sub/main.tf", "1", "above", "2")
	g.symlink(outside, "absolute")
	g.symlink("../../../../../../../../../../../../etc/passwd", "far")
	g.symlink("../above", "sub/above")
	g.commit()
	r := g.open()
	for _, s := range []*Snapshot{snapshotAt(t, r, "HEAD"), treeOf(t, r)} {
		for _, name := range []string{"absolute", "far"} {
			if _, err := fs.ReadFile(s.FS, name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", name, err)
			}
			if target, err := fs.ReadLink(s.FS, name); target == "" || err != nil {
				t.Errorf("ReadLink(%s) = %q, %v", name, target, err)
			}
		}
		if data, err := fs.ReadFile(s.FS, "sub/above"); string(data) != "2" || err != nil {
			t.Errorf("sub/above: %q, %v", data, err)
		}
	}
	sub := snapshotAt(t, openAt(t, filepath.Join(g.dir, "sub")), "HEAD")
	if _, err := fs.ReadFile(sub.FS, "above"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("above: %v", err)
	}
}

// A repacked repository, and reading from many goroutines, while git packs.
func TestSnapshotParallel(t *testing.T) {
	g := newGit(t)
	want := make(map[string]string)
	for i := range 300 {
		name := fmt.Sprintf("d%d/f%d.tf", i%17, i)
		want[name] = strings.Repeat(fmt.Sprintf("line %d of many that are much alike\n", i%7), 5+i%50) + fmt.Sprint(i)
		g.write(name, want[name])
	}
	first := g.commit()
	for i := range 5 {
		for name := range want {
			if len(name)%5 == i {
				want[name] += fmt.Sprintf("round %d\n", i)
				g.write(name, want[name])
			}
		}
		g.commit()
	}
	r := g.open()
	head, old := snapshotAt(t, r, "HEAD"), snapshotAt(t, r, first)
	var wg sync.WaitGroup
	wg.Go(func() { g.git("gc", "-q", "--prune=now") })
	for range 4 {
		wg.Go(func() {
			for name, text := range want {
				if data, err := fs.ReadFile(head.FS, name); string(data) != text || err != nil {
					t.Errorf("%s: %d bytes, %v, not %d", name, len(data), err, len(text))
				}
				if data, err := fs.ReadFile(old.FS, name); !strings.HasPrefix(text, string(data)) || err != nil {
					t.Errorf("%s: %d bytes, %v", name, len(data), err)
				}
			}
		})
	}
	wg.Wait()
	// Everything packed, as deltas of one another.
	packed := g.open()
	for name, text := range want {
		if data, err := fs.ReadFile(snapshotAt(t, packed, "HEAD").FS, name); string(data) != text || err != nil {
			t.Fatalf("%s: %d bytes, %v, not %d", name, len(data), err, len(text))
		}
	}
	if got := Diff(head, snapshotAt(t, packed, "HEAD")); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestBrokenObjects(t *testing.T) {
	g := newGit(t)
	g.write("a", strings.Repeat("text\n", 100), "b", "b").commit()
	id := g.git("rev-parse", "HEAD:a")
	loose := filepath.Join(g.dir, ".git", "objects", id[:2], id[2:])
	if err := os.Chmod(loose, 0o644); err != nil {
		t.Fatal(err)
	}
	writeFile(t, loose, "nonsense")
	s := snapshotAt(t, g.open(), "HEAD")
	if _, err := fs.ReadFile(s.FS, "a"); err == nil || !strings.Contains(err.Error(), loose) {
		t.Errorf("a broken object: %v", err)
	}
	if err := os.Remove(loose); err != nil {
		t.Fatal(err)
	}
	s = snapshotAt(t, g.open(), "HEAD")
	if _, err := fs.ReadFile(s.FS, "a"); err == nil || !strings.Contains(err.Error(), "git fetch --refetch --no-filter brings it") {
		t.Errorf("a missing object: %v", err)
	}
	if _, ok := s.ID("a"); !ok {
		t.Error("its id is known nevertheless")
	}
}

func TestBrokenPack(t *testing.T) {
	g := newGit(t)
	for i := range 40 {
		g.write(fmt.Sprintf("f%d", i), strings.Repeat("some text\n", i))
	}
	g.commit()
	g.git("gc", "-q")
	packs := must(filepath.Glob(filepath.Join(g.dir, ".git", "objects", "pack", "*.pack")))
	whole := must(os.ReadFile(packs[0]))
	if err := os.Chmod(packs[0], 0o644); err != nil {
		t.Fatal(err)
	}
	for at := 12; at < len(whole)-20; at += 7 {
		broken := slices.Clone(whole)
		broken[at] ^= 0x55
		writeFile(t, packs[0], string(broken))
		r := g.open()
		s, err := r.Commit("HEAD")
		if err != nil {
			continue
		}
		for _, name := range s.Names {
			_, _ = fs.ReadFile(s.FS, name) // an error or not: it ends, and does not panic
		}
		r.Close()
	}
	writeFile(t, packs[0], string(whole[:len(whole)/2]))
	if _, err := g.open().Commit("HEAD"); err == nil {
		t.Error("half a pack was enough")
	}
}

func TestSnapshotOf(t *testing.T) {
	s, err := SnapshotOf(fstest.MapFS{
		"main.tf":       {Data: []byte("1")},
		"run.sh":        {Data: []byte("2"), Mode: 0o755},
		".git/config":   {Data: []byte("3")},
		"modules/.git":  {Data: []byte("gitdir: x")},
		"modules/x.tf":  {Data: []byte("")},
		"modules/a/b/c": {Data: []byte("1")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range s.Names {
		id, _ := s.ID(name)
		got = append(got, name+" "+id)
	}
	want := []string{
		"main.tf 100644 56a6051ca2b02b04ef92d5150c9ef600403cb1de",
		"modules/a/b/c 100644 56a6051ca2b02b04ef92d5150c9ef600403cb1de",
		"modules/x.tf 100644 e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
		"run.sh 100755 d8263ee9860594d2806b0dfd1bfd17528b0ba2a4",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nnot %q", got, want)
	}
	if _, ok := s.ID("nothing"); ok {
		t.Error("ID of nothing")
	}
}
