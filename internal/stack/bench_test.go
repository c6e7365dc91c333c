package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// large writes a repository of three layers and n clients.
func large(b *testing.B, n int) string {
	b.Helper()
	root := b.TempDir()
	unit := func(dir, text string) {
		full := filepath.Join(root, filepath.FromSlash(dir))
		if err := os.MkdirAll(full, 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(full, "main.tf"), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for _, layer := range []string{"01-foundation", "02-platform", "03-databases"} {
		unit("regions/us-east-1/layers/"+layer+"/staging", "")
	}
	unit("shared/modules/client", `variable "name" {}`)
	for i := range n {
		unit(fmt.Sprintf("regions/us-east-1/clients/client-%04d/staging", i), `
module "client" {
  source = "../../../../../shared/modules/client"
  name   = "x"
}
variable "platform_id" {}
output "id" { value = 1 }
`)
	}
	return root
}

func BenchmarkDiscover5000(b *testing.B) {
	fsys := os.DirFS(large(b, 5000))
	for b.Loop() {
		mustDiscover(b, fsys, Default())
	}
}

func BenchmarkLoadModules5000(b *testing.B) {
	fsys := os.DirFS(large(b, 5000))
	tree := mustDiscover(b, fsys, Default())
	for b.Loop() {
		if err := tree.Load(NewReader(fsys), tree.Units); err != nil {
			b.Fatal(err)
		}
	}
}
