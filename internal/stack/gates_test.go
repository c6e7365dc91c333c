package stack

import (
	"slices"
	"strings"
	"testing"
)

func loaded(t *testing.T, text string) *Config {
	t.Helper()
	cfg, err := loadText(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return cfg
}

// gateNames are all gates that Mode answers for.
func gateNames() []string { return append([]string{GateValidate, GatePolicy}, Scanners()...) }

func TestMode(t *testing.T) {
	const environments = "environments: {production: {}, staging: {}, qa: {}}\n"
	const three = "validate policy checkov tfsec trivy"
	for _, test := range []struct {
		name, text        string
		environment       string
		enforced, warning string // gates, the others are off
	}{
		{"nothing asked for", "", "production", "", ""},
		{"nothing asked for", environments, "staging", "", ""},
		{"no such environment", "scan: {}\npolicy: {}", "nowhere", "", ""},

		{"scan", "scan: {}", "production", "checkov tfsec trivy", ""},
		{"scan", "scan: {}", "staging", "", "checkov tfsec trivy"},
		{"scan", "scan: {}", "development", "", ""},
		{"scan", "scan: {}\n" + environments, "production", "checkov tfsec trivy", ""},
		{"scan", "scan: {}\n" + environments, "qa", "", ""},
		{"scan by its suppressions", "scan: {suppress: []}", "production", "checkov tfsec trivy", ""},
		{"rules", "scan: {terraform-compliance: {}}", "production", "checkov tfsec trivy terraform-compliance", ""},
		{"rules", "scan: {terraform-compliance: {}}", "staging", "", "checkov tfsec trivy terraform-compliance"},
		{"policy", "policy: {}", "production", "policy", ""},
		{"policy", "policy: {path: p}", "staging", "", "policy"},
		{"policy", "policy: {}", "development", "", ""},

		{"a scanner everywhere", "scan: {tfsec: {mode: off}, trivy: {mode: warn}}", "production", "checkov", "trivy"},
		{"a scanner everywhere", "scan: {tfsec: {mode: off}, trivy: {mode: warn}}", "development", "", "trivy"},
		{"rules everywhere", "scan: {terraform-compliance: {mode: warn}}", "development", "", "terraform-compliance"},

		{"said, asked nowhere", "environments: {qa: {gates: {validate: warn, policy: enforce, tfsec: enforce}}}", "qa", "policy tfsec", "validate"},
		{"validate where said", "environments: {qa: {gates: {validate: enforce}}, production: {}}", "production", "", ""},
		{"all scanners, asked nowhere", "environments: {qa: {gates: {scan: enforce}}}", "qa", "checkov tfsec trivy", ""},
		{"all scanners of another", "environments: {qa: {gates: {scan: enforce}}, production: {}}", "production", "", ""},
		{"all scanners, with rules", "scan: {terraform-compliance: {}}\nenvironments: {qa: {gates: {scan: warn}}}", "qa", "", "checkov tfsec trivy terraform-compliance"},
		{"rules, asked nowhere", "environments: {qa: {gates: {terraform-compliance: enforce}}}", "qa", "terraform-compliance", ""},
		{"one and all", "environments: {qa: {gates: {scan: enforce, checkov: warn, trivy: off}}}", "qa", "tfsec", "checkov"},
		{"the environment's scan before a scanner's mode", "scan: {tfsec: {mode: off}}\nenvironments: {qa: {gates: {scan: enforce}}}", "qa", "checkov tfsec trivy", ""},
		{"the environment's own before a scanner's mode", "scan: {tfsec: {mode: enforce}}\nenvironments: {production: {gates: {tfsec: warn}}}", "production", "checkov trivy", "tfsec"},
		{"off before the default", "scan: {}\npolicy: {}\nenvironments: {production: {gates: {policy: off, scan: off}}}", "production", "", ""},
		{"production that only warns", "scan: {}\npolicy: {}\nenvironments: {production: {gates: {policy: warn, scan: warn, validate: warn}}}", "production", "", three},
	} {
		cfg := loaded(t, test.text)
		for _, gate := range gateNames() {
			want := Off
			if slices.Contains(strings.Fields(test.enforced), gate) {
				want = Enforce
			} else if slices.Contains(strings.Fields(test.warning), gate) {
				want = Warn
			}
			if got := cfg.Mode(test.environment, gate, false); got != want {
				t.Errorf("%s (%q): %s in %s is %s, want %s", test.name, test.text, gate, test.environment, got, want)
			}
		}
		for _, gate := range []string{"", "scan", "severity", "unknown"} {
			if got := cfg.Mode(test.environment, gate, false); got != Off {
				t.Errorf("%s: %q, which is no gate, is %s", test.name, gate, got)
			}
		}
	}
}

// What the gate reads is in the repository, though strata.yaml does not ask.
func TestModeIf(t *testing.T) {
	for _, test := range []struct{ text, environment, gate, want string }{
		{"", "production", GatePolicy, Enforce},
		{"", "staging", GatePolicy, Warn},
		{"", "development", GatePolicy, Off},
		{"", "production", Compliance, Enforce},
		{"scan: {}", "production", Compliance, Enforce},
		{"environments: {qa: {gates: {scan: warn}}}", "qa", Compliance, Warn},
		{"environments: {qa: {gates: {scan: warn, terraform-compliance: off}}}", "qa", Compliance, Off},
		{"environments: {production: {gates: {policy: off}}}", "production", GatePolicy, Off},
		{"environments: {qa: {gates: {policy: warn}}}", "qa", GatePolicy, Warn},
		{"environments: {qa: {}}", "qa", GatePolicy, Off},
		{"scan: {terraform-compliance: {mode: off}}", "production", Compliance, Off},
	} {
		cfg := loaded(t, test.text)
		if got := cfg.Mode(test.environment, test.gate, true); got != test.want {
			t.Errorf("%q: %s in %s is %s, want %s", test.text, test.gate, test.environment, got, test.want)
		}
	}
}

func TestConfigured(t *testing.T) {
	for text, want := range map[string]string{
		"":           "",
		"version: 1": "",
		"environments: {production: {gates: {validate: enforce, policy: enforce, scan: enforce}}}": "",
		"policy: {}":                       "policy",
		"scan: {}":                         "checkov tfsec trivy",
		"scan: {trivy: {}}":                "checkov tfsec trivy",
		"scan: {terraform-compliance: {}}": "checkov tfsec trivy terraform-compliance",
		"scan: {tfsec: {}}\npolicy: {}\n":  "policy checkov tfsec trivy",
	} {
		cfg := loaded(t, text)
		var got []string
		for _, gate := range gateNames() {
			if cfg.Configured(gate) {
				got = append(got, gate)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
		roundTrip(t, cfg)
	}
}

func TestSeverity(t *testing.T) {
	cfg := loaded(t, `environments: {production: {gates: {severity: low}}, qa: {}}
scan: {checkov: {severity: high}, terraform-compliance: {severity: info}}
`)
	for _, test := range []struct{ environment, tool, want string }{
		{"production", Checkov, High},
		{"production", Tfsec, Low},
		{"production", Compliance, Info},
		{"production", GatePolicy, Low},
		{"qa", Checkov, High},
		{"qa", Trivy, Medium},
		{"qa", Compliance, Info},
		{"qa", GatePolicy, Medium},
	} {
		if got := cfg.Severity(test.environment, test.tool); got != test.want {
			t.Errorf("%s in %s: %s, want %s", test.tool, test.environment, got, test.want)
		}
	}
	if got := Default().Severity("production", Trivy); got != Medium {
		t.Errorf("where nothing is said: %s", got)
	}
}

func TestUndetermined(t *testing.T) {
	for _, test := range []struct{ text, environment, want string }{
		{"", "production", Deny},
		{"", "staging", Warn},
		{"", "development", Warn},
		{"policy: {}", "production", Deny},
		{"environments: {production: {gates: {policy: warn}}}", "production", Warn},
		{"environments: {production: {gates: {unknown: warn}}}", "production", Warn},
		{"environments: {qa: {gates: {policy: enforce}}}", "qa", Deny},
		{"environments: {qa: {gates: {policy: enforce, unknown: warn}}}", "qa", Warn},
		{"environments: {qa: {gates: {policy: warn, unknown: deny}}}", "qa", Deny},
		{"environments: {qa: {}}", "qa", Warn},
	} {
		if got := loaded(t, test.text).Undetermined(test.environment); got != test.want {
			t.Errorf("%q: %s is %s, want %s", test.text, test.environment, got, test.want)
		}
	}
}

// A limit of none is another thing than no limit.
func TestLimits(t *testing.T) {
	cfg := loaded(t, "environments: {production: {limits: {destroy: 0}}, qa: {}}")
	limits := cfg.Environments["production"].Limits
	if limits == nil || limits.Destroy == nil || *limits.Destroy != 0 || limits.Replace != nil || limits.Percent != nil {
		t.Errorf("got %+v", limits)
	}
	if cfg.Environments["qa"].Limits != nil || Default().Environments["production"].Limits != nil {
		t.Error("there are limits that nobody set")
	}
	roundTrip(t, cfg)
}
