package terraform

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"

	goversion "github.com/hashicorp/go-version"
)

// oldest is the first version that knows all that a unit runs.
const oldest = "1.6.0"

// Version is what `version -json` says.
type Version struct {
	Number   string // "1.11.4"
	Platform string // "linux_amd64"
}

// ParseVersion reads the output of `version -json`, of Terraform or OpenTofu.
func ParseVersion(data []byte) (Version, error) {
	var doc struct {
		Version  string `json:"terraform_version"`
		Platform string `json:"platform"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return Version{}, fmt.Errorf("read `version -json`: %w", err)
	}
	if doc.Version == "" {
		return Version{}, fmt.Errorf("read `version -json`: it names no version: %.200s", data)
	}
	if doc.Platform == "" {
		doc.Platform = runtime.GOOS + "_" + runtime.GOARCH
	}
	return Version{Number: doc.Version, Platform: doc.Platform}, nil
}

// Check refuses a version that is too old for Strata or outside constraint
// (empty for any).
func (v Version) Check(binary, constraint string) error {
	have, err := goversion.NewVersion(v.Number)
	if err != nil {
		return fmt.Errorf("%s says it is version %q: %w", binary, v.Number, err)
	}
	if have.Core().LessThan(goversion.Must(goversion.NewVersion(oldest))) {
		return fmt.Errorf("%s is version %s, Strata needs %s or newer: install a newer one, or name another with `terraform.binary` in strata.yaml or --binary", binary, v.Number, strings.TrimSuffix(oldest, ".0"))
	}
	if constraint == "" {
		return nil
	}
	want, err := goversion.NewConstraint(constraint)
	if err != nil {
		return fmt.Errorf("strata.yaml: terraform.version %q: %w", constraint, err)
	}
	if !want.Check(have) {
		return fmt.Errorf("%s is version %s, strata.yaml asks for %s (terraform.version)", binary, v.Number, constraint)
	}
	return nil
}
