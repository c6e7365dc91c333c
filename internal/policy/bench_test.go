package policy

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// hundred are the plans of a hundred units: what Terraform makes of another name
// and size is known, see testdata/README.md.
func hundred(b *testing.B) map[string][]byte {
	b.Helper()
	all := make(map[string][]byte)
	for i := range 100 {
		file := plans()[i%3]
		base := []byte(filepath.Base(file)[:len("unit00")])
		name := fmt.Sprintf("unit%02d", i)
		all[name] = bytes.ReplaceAll(recorded(b, file), base, []byte(name))
		if len(all[name]) < 40<<10 {
			b.Fatalf("a plan of %d bytes", len(all[name]))
		}
	}
	return all
}

// twenty writes a folder of twenty policies: the library's and some more.
func twenty(b *testing.B) string {
	b.Helper()
	files := make(map[string]string)
	rules := 0
	err := fs.WalkDir(os.DirFS(library), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".rego" || strings.HasSuffix(name, "_test.rego") {
			return err
		}
		text, err := os.ReadFile(filepath.Join(library, name))
		files[name] = string(text)
		rules += strings.Count(files[name], "\ndeny contains")
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	for ; rules < 20; rules++ {
		files[fmt.Sprintf("more%d.rego", rules)] = fmt.Sprintf(`package terraform

deny contains msg if {
	some rc in resources_of("aws_instance")
	rc.change.after.instance_type == "m%d.large"
	msg := sprintf("%%s is too large", [rc.address])
}
`, rules)
	}
	return policies(b, files)
}

// BenchmarkPlans judges a hundred plans by twenty policies: with one server for
// all, and with a process for each plan, as many side by side.
func BenchmarkPlans(b *testing.B) {
	const atOnce = 2
	all, dir := hundred(b), twenty(b)
	q := query(b, "data.terraform.deny")
	each := func(b *testing.B, do func(name string, plan []byte) error) {
		b.Helper()
		var group sync.WaitGroup
		slots := make(chan bool, atOnce)
		for name, plan := range all {
			slots <- true
			group.Go(func() {
				defer func() { <-slots }()
				if err := do(name, plan); err != nil {
					b.Error(err)
				}
			})
		}
		group.Wait()
	}
	b.Run("server", func(b *testing.B) {
		for b.Loop() {
			s := serve(b, V1, dir)
			s.load(b, q)
			each(b, func(name string, plan []byte) error {
				results, err := s.Evaluate(b.Context(), Input{Unit: name, Plan: plan, Strata: production()})
				if err == nil && (!results[0].Defined || len(results[0].Messages) > 0) {
					err = fmt.Errorf("%s: %v", name, results)
				}
				return err
			})
			s.stop()
		}
	})
	b.Run("eval", func(b *testing.B) {
		inputs := b.TempDir()
		for name, plan := range all {
			if err := os.WriteFile(filepath.Join(inputs, name), plan, 0o600); err != nil {
				b.Fatal(err)
			}
		}
		for b.Loop() {
			each(b, func(name string, _ []byte) error {
				out := run(b, dir, "eval", "--format", "raw", "--data", ".", "--input", filepath.Join(inputs, name), q.String())
				if out.code != 0 || string(bytes.TrimSpace(out.stdout)) != "[]" {
					return fmt.Errorf("%s: %s%s", name, out.stdout, out.stderr)
				}
				return nil
			})
		}
	})
}
