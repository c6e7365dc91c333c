package stack

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func roundTrip(t *testing.T, cfg *Config) {
	t.Helper()
	text, err := cfg.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := loadText(string(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if diff := cmp.Diff(cfg, again); diff != "" {
		t.Errorf("%s\nin\n%s", diff, text)
	}
}

func TestMarshalDefault(t *testing.T) {
	text, err := Default().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	want := `version: 1
layers:
  - name: foundation
    path: regions/{region}/layers/01-foundation/{env}
  - name: platform
    path: regions/{region}/layers/02-platform/{env}
    needs:
      - foundation
`
	if !strings.HasPrefix(string(text), want) || !strings.Contains(string(text), "lock-timeout: 5m\n") {
		t.Errorf("got\n%s", text)
	}
	for _, key := range []string{"policy:", "scan:", "gates:", "limits:"} {
		if strings.Contains(string(text), key) {
			t.Errorf("%s is written, which asks for what the defaults do not:\n%s", key, text)
		}
	}
	roundTrip(t, Default())
}

func TestMarshalKeepsWhatDiffersFromDefaults(t *testing.T) {
	cfg := Default()
	cfg.Terraform = Terraform{Binary: ""}
	cfg.Backend = Backend{}
	cfg.Environments["production"] = Environment{}
	cfg.Environments["qa"] = Environment{Branch: "qa", Parallelism: 3}
	cfg.Layers[0].Backend = &Backend{}
	cfg.Policy.Given = true
	cfg.Scan = Scan{Given: true, Compliance: Default().Scan.Compliance}
	cfg.Environments["gated"] = Environment{Gates: Gates{Policy: Off}, Limits: &Limits{Replace: new(0)}}
	cfg.Store.URL = "s3://b/p?region=r"
	cfg.Unknown = []Unknown{{Glob: "docs/**", Select: "warn"}}
	roundTrip(t, cfg)
}

// Text that YAML could take for something else stays text.
func TestMarshalOddText(t *testing.T) {
	for _, odd := range []string{
		"yes", "no", "null", "~", "1", "1.5", "0x1f", "1e3", ".inf", ".nan", "true", "2024-01-01", "12:30:45",
		"*", "&a", "*a", "!x", "%x", "@x", "`x`", "- x", "-", "?", "? x", ": x", "x:", "x: y", "# x", "x # y",
		"[", "]", "{", "}", "{env}", ",", "a, b", "'", `"`, `\`, `\n`, "<<", "=", "|", ">", "---", "...",
		" x", "x ", "\t", "\tx", "a\nb", "a\nb\n", "\n", "\n\n", "a\n\n b\n", " \n", "a\r\nb", "\r", "é", "日本", "\u2028", "🙂",
		"\u0085", "\u0000", "\u001b[31m", "\ufeff", "+1", "0o7", "1_000", "x'y\"z", "''",
	} {
		cfg := Default()
		cfg.Hooks.BeforePlan = []Hook{{Run: []string{"x", odd}, Image: odd}}
		cfg.Tools = map[string]Tool{odd: {Image: odd}}
		if strings.TrimSpace(odd) != "" {
			cfg.Scan.Given = true
			cfg.Scan.Suppress = []Suppression{{Rule: "x", Reason: odd, Owner: odd, Until: Date{2027, 3, 31}}}
			cfg.Drift.Baseline = []Baseline{{Resource: odd, Attribute: odd, Reason: odd, Owner: odd, Until: Date{2027, 3, 31}}}
		}
		if !strings.Contains(odd, "{") {
			cfg.Backend.Values = map[string]string{odd: odd}
		}
		t.Run(odd, func(t *testing.T) { roundTrip(t, cfg) })
	}
}

func TestDurationText(t *testing.T) {
	for text, want := range map[string]string{
		"5m": "5m", "300s": "5m", "72h": "72h", "90s": "1m30s", "1h30m": "1h30m", "0": "0s", "1.5s": "1.5s", "10ms": "10ms", "1h0m5s": "1h0m5s",
	} {
		d, err := parseDuration(text)
		if err != nil || d.String() != want {
			t.Errorf("%s is written %s (%v), want %s", text, d, err, want)
		}
	}
}
