package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// mirrorConfig writes a Terraform CLI configuration, into folder, that takes
// providers from the mirror alone and keeps all else the user's own one says
// (credentials, for one). It returns its path.
func mirrorConfig(mirror string, environ []string, folder string) (string, error) {
	mirror, err := filepath.Abs(mirror)
	if err != nil {
		return "", fmt.Errorf("provider mirror %s: %w", mirror, err)
	}
	if err := checkMirror(mirror); err != nil {
		return "", err
	}
	own, err := userConfig(environ)
	if err != nil {
		return "", err
	}
	if _, diags := hclwrite.ParseConfig(own, userConfigPath(environ), hcl.InitialPos); diags.HasErrors() {
		return "", fmt.Errorf("provider mirror: Terraform's CLI configuration, to which it is added, cannot be read: %w", diags)
	}
	path := filepath.Join(folder, "mirror.tfrc")
	if err := os.WriteFile(path, MirrorConfig(own, filepath.ToSlash(mirror)), 0o600); err != nil {
		return "", fmt.Errorf("provider mirror: %w", err)
	}
	return path, nil
}

// MirrorConfig returns the CLI configuration own with its way of installing
// providers replaced by the folder mirror.
func MirrorConfig(own []byte, mirror string) []byte {
	file, diags := hclwrite.ParseConfig(own, "", hcl.InitialPos)
	if diags.HasErrors() {
		file = hclwrite.NewEmptyFile()
	}
	body := file.Body()
	for _, block := range body.Blocks() {
		if block.Type() == "provider_installation" {
			body.RemoveBlock(block)
		}
	}
	body.AppendNewline()
	source := body.AppendNewBlock("provider_installation", nil).Body().AppendNewBlock("filesystem_mirror", nil).Body()
	source.SetAttributeValue("path", cty.StringVal(mirror))
	return file.Bytes()
}

// checkMirror refuses a folder that cannot be a mirror: Terraform would only
// say that it finds no provider there.
func checkMirror(mirror string) error {
	for _, layout := range []string{"*/*/*/[0-9]*/*_*", "*/*/*/terraform-provider-*.zip"} { // unpacked, packed
		found, err := fs.Glob(os.DirFS(mirror), layout)
		if err != nil {
			return fmt.Errorf("provider mirror %s: %w", mirror, err)
		}
		if len(found) > 0 {
			return nil
		}
	}
	return fmt.Errorf("provider mirror %s: no HOST/NAMESPACE/TYPE/VERSION/PLATFORM folder and no packed provider is in it: fill one with `terraform providers mirror DIR`", mirror)
}

// usableConfig leaves out a TF_CLI_CONFIG_FILE that names no file: it would
// have no effect but a warning, which OpenTofu prints into its JSON.
func usableConfig(environ []string) []string {
	const name = "TF_CLI_CONFIG_FILE"
	path := getenv(environ, name)
	if path == "" {
		return environ
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		return environ
	}
	return slices.DeleteFunc(slices.Clone(environ), func(pair string) bool { return strings.HasPrefix(pair, name+"=") })
}

// userConfigPath returns where Terraform looks for its CLI configuration, "" if
// nowhere.
func userConfigPath(environ []string) string {
	if path := getenv(environ, "TF_CLI_CONFIG_FILE"); path != "" {
		return path
	}
	if runtime.GOOS == "windows" {
		return filepath.Join(getenv(environ, "APPDATA"), "terraform.rc")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".terraformrc")
}

// userConfig reads the CLI configuration Terraform would read.
func userConfig(environ []string) ([]byte, error) {
	data, err := os.ReadFile(userConfigPath(environ))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read Terraform's CLI configuration: %w", err)
	}
	return data, nil
}

// RequiredProviders returns a Terraform configuration that requires what a lock
// file holds, in its exact versions.
func RequiredProviders(lock []byte) ([]byte, error) {
	file, diags := hclwrite.ParseConfig(lock, "", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	out := hclwrite.NewEmptyFile()
	required := out.Body().AppendNewBlock("terraform", nil).Body().AppendNewBlock("required_providers", nil).Body()
	for i, block := range file.Body().Blocks() {
		version := block.Body().GetAttribute("version")
		if block.Type() != "provider" || len(block.Labels()) != 1 || version == nil {
			continue
		}
		required.SetAttributeRaw(fmt.Sprintf("p%d", i), hclwrite.TokensForObject([]hclwrite.ObjectAttrTokens{
			{Name: hclwrite.TokensForIdentifier("source"), Value: hclwrite.TokensForValue(cty.StringVal(block.Labels()[0]))},
			{Name: hclwrite.TokensForIdentifier("version"), Value: version.Expr().BuildTokens(nil)},
		}))
	}
	return out.Bytes(), nil
}
