package scan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestArgs(t *testing.T) {
	code := Options{Root: "/repo"}
	all := Options{Root: "/my repo", Skip: []string{"vendor", "a/b.c[1]"}, Cache: "/private/none"}
	for name, test := range map[string]struct {
		tool    string
		options Options
		want    []string
	}{
		"checkov": {"checkov", code, []string{
			"--directory", "/repo", "--framework", "terraform", "--output", "json", "--compact",
			"--skip-download", "--skip-results-upload", "--download-external-modules", "false",
		}},
		"checkov, all": {"checkov", all, []string{
			"--directory", "/my repo", "--framework", "terraform", "--output", "json", "--compact",
			"--skip-download", "--skip-results-upload", "--download-external-modules", "false",
			"--skip-path", "^/my repo/vendor(/|$)", "--skip-path", `^/my repo/a/b\.c\[1\](/|$)`,
		}},
		"tfsec": {"tfsec", code, []string{
			"/repo", "--format", "json", "--no-color", "--force-all-dirs", "--soft-fail",
			"--no-module-downloads", "--exclude-downloaded-modules", "--include-passed", "--include-ignored",
		}},
		"tfsec, all": {"tfsec", all, []string{
			"/my repo", "--format", "json", "--no-color", "--force-all-dirs", "--soft-fail",
			"--no-module-downloads", "--exclude-downloaded-modules", "--include-passed", "--include-ignored",
		}},
		"trivy": {"trivy", code, []string{
			"config", "--format", "json", "--exit-code", "0", "--misconfig-scanners", "terraform",
			"--skip-check-update", "--skip-version-check", "--disable-telemetry", "--tf-exclude-downloaded-modules",
			"/repo",
		}},
		"trivy, all": {"trivy", all, []string{
			"config", "--format", "json", "--exit-code", "0", "--misconfig-scanners", "terraform",
			"--skip-check-update", "--skip-version-check", "--disable-telemetry", "--tf-exclude-downloaded-modules",
			"--cache-dir", "/private/none", "--skip-dirs", "vendor", "--skip-dirs", `a/b.c\[1\]`,
			"/my repo",
		}},
		"terraform-compliance": {"terraform-compliance", Options{Root: "/repo", Features: "/repo/compliance-rules", Plan: "/private/plan.json", Output: "/private/out.json"}, []string{
			"--features", "/repo/compliance-rules", "--planfile", "/private/plan.json",
			"--silent", "--no-ansi", "--cucumber-json=/private/out.json",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, scanner(t, test.tool).Args(test.options)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
