package pipeline

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/contract"
)

// sensitiveVariables lists the values that the unit's own variable files, and
// the environment, give to variables declared sensitive: a plan that fails never
// says which they are, and its errors may show them.
func (r *unitRun) sensitiveVariables(ctx context.Context) []string {
	var names []string
	for name, variable := range r.unit.Module.Variables {
		if variable.Sensitive {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	var values []string
	for _, file := range slices.Concat(r.autoVarFiles(), r.unit.VarFiles, r.VarFiles) {
		if text, err := r.ws.ReadSource(ctx, file); err == nil {
			values = append(values, contract.Given(file, text, names)...)
		}
	}
	for _, pair := range r.Environ {
		name, value, _ := strings.Cut(pair, "=")
		if variable, ok := strings.CutPrefix(name, "TF_VAR_"); ok && slices.Contains(names, variable) {
			values = append(values, value)
		}
	}
	return values
}

// autoVarFiles are the variable files that Terraform loads by itself.
func (r *unitRun) autoVarFiles() []string {
	files := []string{path.Join(r.unit.Path, "terraform.tfvars"), path.Join(r.unit.Path, "terraform.tfvars.json")}
	entries, err := fs.ReadDir(r.Source, r.unit.Path)
	if err != nil {
		return files
	}
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".auto.tfvars") || strings.HasSuffix(name, ".auto.tfvars.json") {
			files = append(files, path.Join(r.unit.Path, name))
		}
	}
	return files
}
