package scan

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// goatVar names a folder with a public repository that is vulnerable on
// purpose, such as bridgecrewio/terragoat.
const goatVar = "STRATA_TEST_VULNERABLE"

// TestOwnCounts compares what is counted here with what each tool counts in the
// output that it has for people.
func TestOwnCounts(t *testing.T) {
	if testing.Short() {
		t.Skip("real tools are slow")
	}
	roots := map[string]string{"ours": filepath.Join("testdata", "vulnerable"), "public": os.Getenv(goatVar)}
	for name, root := range roots {
		for tool, own := range map[string]struct {
			args  []string
			count *regexp.Regexp // all first groups, added up
		}{
			"checkov": {
				[]string{"--framework", "terraform", "--output", "cli", "--compact", "--quiet", "--skip-download", "--download-external-modules", "false", "--directory"},
				regexp.MustCompile(`Failed checks: (\d+)`),
			},
			"tfsec": {
				[]string{"--no-color", "--no-module-downloads", "--soft-fail", "--force-all-dirs"},
				regexp.MustCompile(`(\d+) potential problem`),
			},
			"trivy": {
				[]string{"config", "--misconfig-scanners", "terraform", "--skip-check-update", "--skip-version-check", "--disable-telemetry"},
				regexp.MustCompile(`(?m)^Failures: (\d+)`),
			},
		} {
			t.Run(name+"/"+tool, func(t *testing.T) {
				if root == "" {
					t.Skipf("%s names no folder", goatVar)
				}
				s := scanner(t, tool)
				binary := find(t, s)
				dir, err := filepath.Abs(root)
				if err != nil {
					t.Fatal(err)
				}
				args := own.args
				if tool == "trivy" {
					args = append(args, "--cache-dir", filepath.Join(t.TempDir(), "none"))
				}
				cmd := exec.CommandContext(t.Context(), binary, append(args, dir)...)
				cmd.Dir = dir
				cmd.Env = os.Environ()
				for name, value := range s.Env {
					cmd.Env = append(cmd.Env, name+"="+value)
				}
				var people bytes.Buffer
				cmd.Stdout = &people
				_ = cmd.Run() // checkov's code is 1
				counted := 0
				for _, m := range own.count.FindAllStringSubmatch(people.String(), -1) {
					n, err := strconv.Atoi(m[1])
					if err != nil {
						t.Fatal(err)
					}
					counted += n
				}
				if counted == 0 {
					t.Fatalf("it counts nothing:\n%s", people.String()[:min(people.Len(), 2000)])
				}

				out := sample{tool: tool, root: "."}.runIn(t, binary, dir, Options{Root: filepath.ToSlash(dir), Cache: filepath.Join(t.TempDir(), "none")})
				report, err := s.Read(Options{Root: filepath.ToSlash(dir)}, out)
				if err != nil {
					t.Fatal(err)
				}
				if report.Told != counted {
					t.Errorf("%d are read, it counts %d", report.Told, counted)
				}
				for _, f := range report.Findings {
					if filepath.IsAbs(f.File) || strings.HasPrefix(f.File, "..") {
						t.Errorf("%s is not in the repository", f.File)
					}
					if _, err := os.Stat(filepath.Join(dir, f.File)); err != nil {
						t.Errorf("%s is none of its files: %v", f.File, err)
					}
				}
				t.Logf("%d by its own count, %d findings in %d files", counted, len(report.Findings), report.Files)
			})
		}
	}
}

// TestOwnPlanCounts compares what is counted of plans with the summary that
// terraform-compliance has for people.
func TestOwnPlanCounts(t *testing.T) {
	if testing.Short() {
		t.Skip("real tools are slow")
	}
	s := scanner(t, "terraform-compliance")
	binary := find(t, s)
	features, err := filepath.Abs(filepath.Join("testdata", "features"))
	if err != nil {
		t.Fatal(err)
	}
	summary := regexp.MustCompile(`(?m)^\d+ scenarios? \(\d+ passed, (\d+) failed`)
	for _, name := range []string{"foundation", "platform"} {
		t.Run(name, func(t *testing.T) {
			plan, err := os.ReadFile(filepath.Join("testdata", "plans", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			o := Options{Root: dir, Plan: filepath.Join(dir, "plan.json"), Features: features, Output: filepath.Join(dir, "out.json")}
			if err := os.WriteFile(o.Plan, plan, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), binary, "--features", features, "--planfile", o.Plan, "--no-ansi")
			cmd.Dir = dir
			people, _ := cmd.Output() // its code is 1
			m := summary.FindSubmatch(people)
			if m == nil {
				t.Fatalf("it counts nothing:\n%s", people)
			}
			report, err := s.Read(o, run(t, s, binary, dir, o))
			if err != nil {
				t.Fatal(err)
			}
			if got := strconv.Itoa(report.Told); got != string(m[1]) || report.Told == 0 {
				t.Errorf("%s are read, it counts %s", got, m[1])
			}
		})
	}
}
