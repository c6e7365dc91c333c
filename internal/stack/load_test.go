package stack

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func loadText(text string) (*Config, error) {
	return Load(fstest.MapFS{ConfigFile: {Data: []byte(text)}})
}

func TestLoadWithoutFile(t *testing.T) {
	cfg, err := Load(fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), cfg); diff != "" {
		t.Error(diff)
	}
}

func TestLoadEmptyFiles(t *testing.T) {
	for _, text := range []string{"", "\n", "# only a comment\n", "---\n", "{}\n", "version: 1\n", "null\n"} {
		cfg, err := loadText(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(Default(), cfg); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestLoadOtherEditors(t *testing.T) {
	for name, text := range map[string]string{
		"line ends":       "version: 1\r\nterraform:\r\n  binary: tofu\r\n",
		"byte order mark": "\ufeffversion: 1\nterraform: {binary: tofu}\n",
		"no end of line":  "terraform: {binary: tofu}",
	} {
		cfg, err := loadText(text)
		if err != nil || cfg.Terraform.Binary != "tofu" {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := loadText("version: 1\r\n\r\nterraform:\r\n  binry: tofu\r\n")
	if err == nil || !strings.HasPrefix(err.Error(), "strata.yaml:4:3: ") {
		t.Errorf("error is %v", err)
	}
}

func TestLoadUnreadable(t *testing.T) {
	_, err := Load(fstest.MapFS{ConfigFile + "/x": {}})
	if err == nil {
		t.Error("a folder was read as configuration")
	}
}

func TestLoadReplacesDefaults(t *testing.T) {
	cfg, err := loadText(`# yaml-language-server: $schema=docs/strata.schema.json
layers:
  - name: network
    path: infra/network
    environments: [staging, production]
    var-files: ["{path}/envs/{env}.tfvars"]
    backend: {values: {key: "{layer}/{env}.tfstate"}}
    workspace: "{env}"
  - name: apps
    path: apps/{instance}/{env}
    needs: [network]
    inputs: {vpc_id: network.vpc_id}
    secrets: [db_password]
environments:
  staging: {}
  production:
    parallelism: 4
    gates:
      validate: enforce
      scan: enforce
      policy: warn
      checkov: off
      tfsec: "off"
      trivy: warn
      terraform-compliance: enforce
      severity: high
      unknown: deny
    limits: {destroy: 0, percent: 20}
  sandbox: {branch: next}
terraform: {binary: tofu}
hooks:
  before-plan:
    - {run: [make, vendor], dir: tools, layers: [apps]}
tools: {git: {binary: /usr/bin/git}}
policy: {path: rules/rego, query: data.main.deny, rego: v0, timeout: 1m}
scan:
  checkov: {mode: warn, severity: info}
  terraform-compliance: {mode: off}
  suppress:
    - tool: checkov
      rule: CKV_AWS_21
      path: "shared/modules/logs/**"
      reason: "nobody writes there"
      owner: platform-team
      until: 2027-03-31
    - {rule: "encryption/*", reason: r, owner: o, until: "2020-01-01"}
drift:
  baseline:
    - unit: "clients/*@*:production"
      resource: module.x["a"].aws_s3_bucket.logs[0]
      attribute: "tags.*"
      reason: "set by the backup service"
      owner: "platform-team"
      until: 2027-03-31
    - {resource: "*", reason: r, owner: o, until: "2020-01-01"}
  severity:
    - {type: "aws_sqs_*", attribute: "policy", level: high}
    - level: low
notify:
  slack: {url: slack_url, events: {production: [all], "*": [failed, drift-found], sandbox: []}}
  teams: {url: teams-url}
  webhook: {url: hook_url, key: hook_key}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Version: 1,
		Layers: []Layer{
			{
				Name: "network", Path: "infra/network", Environments: []string{"staging", "production"},
				VarFiles:  []string{"{path}/envs/{env}.tfvars"},
				Backend:   &Backend{Values: map[string]string{"key": "{layer}/{env}.tfstate"}},
				Workspace: "{env}",
			},
			{
				Name: "apps", Path: "apps/{instance}/{env}", Needs: []string{"network"},
				Inputs: map[string]string{"vpc_id": "network.vpc_id"}, Secrets: []string{"db_password"},
			},
		},
		Environments: map[string]Environment{
			"staging": {Branch: "staging"},
			"production": {
				Branch: "main", Parallelism: 4,
				Gates: Gates{
					Validate: Enforce, Scan: Enforce, Policy: Warn, Checkov: Off, Tfsec: Off, Trivy: Warn, Compliance: Enforce,
					Severity: High, Unknown: Deny,
				},
				Limits: &Limits{Destroy: new(0), Percent: new(20)},
			},
			"sandbox": {Branch: "next"},
		},
		Backend:   Default().Backend,
		Terraform: Terraform{Binary: "tofu", LockTimeout: Default().Terraform.LockTimeout},
		Hooks:     Hooks{BeforePlan: []Hook{{Run: []string{"make", "vendor"}, Dir: "tools", Layers: []string{"apps"}}}},
		Tools:     map[string]Tool{"git": {Binary: "/usr/bin/git"}},
		Policy: Policy{
			Path: "rules/rego", Query: "data.main.deny", Warn: "data.terraform.warn", Rego: "v0", Timeout: Duration(time.Minute),
			Given: true,
		},
		Scan: Scan{
			Checkov:    ScanTool{Mode: Warn, Severity: Info},
			Compliance: ComplianceTool{Path: "compliance-rules", Mode: Off, Given: true},
			Suppress: []Suppression{
				{
					Tool: Checkov, Rule: "CKV_AWS_21", Path: "shared/modules/logs/**",
					Reason: "nobody writes there", Owner: "platform-team", Until: Date{2027, 3, 31},
				},
				{Rule: "encryption/*", Reason: "r", Owner: "o", Until: Date{2020, 1, 1}},
			},
			Given: true,
		},
		Drift: Drift{
			Baseline: []Baseline{
				{
					Unit: "clients/*@*:production", Resource: `module.x["a"].aws_s3_bucket.logs[0]`, Attribute: "tags.*",
					Reason: "set by the backup service", Owner: "platform-team", Until: Date{2027, 3, 31},
				},
				{Resource: "*", Reason: "r", Owner: "o", Until: Date{2020, 1, 1}},
			},
			Severity: []Severity{{Type: "aws_sqs_*", Attribute: "policy", Level: High}, {Level: Low}},
		},
		Notify: Notify{
			Slack: &Destination{
				URL:    "slack_url",
				Events: map[string][]string{"production": {"all"}, "*": {"failed", "drift-found"}, "sandbox": {}},
			},
			Teams:   &Destination{URL: "teams-url"},
			Webhook: &Destination{URL: "hook_url", Key: "hook_key"},
		},
	}
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Error(diff)
	}
	roundTrip(t, cfg)
}

func TestLoadProblems(t *testing.T) {
	const layer = "layers:\n- {name: a, path: 'a/{env}'}\n"
	for _, test := range []struct{ name, text, want string }{
		{"unknown key", "layer: []", `1:1: unknown key "layer": did you mean "layers"?`},
		{
			"unknown key in a layer", "layers:\n  - name: a\n    path: a/{env}\n    need: [b]",
			`4:5: unknown key "need" in layers[0]: did you mean "needs"?`,
		},
		{"unlike any key", "hooks: {zzz: []}", `1:9: unknown key "zzz" in hooks (there are after-apply, before-apply, before-plan)`},
		{
			"not built yet", "environments:\n  production:\n    approval: required",
			`3:5: unknown key "approval" in environments.production: this version of Strata does not have it`,
		},
		{"not built yet, at the top", "contracts: {path: x}", `1:1: unknown key "contracts": this version of Strata does not have it`},
		{"text for a list", "layers: foundation", `1:9: layers: expected a list, found the text "foundation" (put it in brackets)`},
		{"list for a mapping", "environments: []", "1:15: environments: expected a mapping, found a list"},
		{"number for text", "terraform: {version: 1.11}", "1:22: terraform.version: expected text, found the number 1.11 (put it in quotes)"},
		{"boolean for text", "terraform:\n  image: true", "2:10: terraform.image: expected text, found true (put it in quotes)"},
		{"text for a number", "environments: {staging: {parallelism: lots}}", `1:39: environments.staging.parallelism: expected a whole number, found the text "lots"`},
		{"fraction for a number", "environments: {staging: {parallelism: 1.5}}", "1:39: environments.staging.parallelism: expected a whole number, found the number 1.5"},
		{"less than none", "environments: {staging: {parallelism: -1}}", "1:39: environments.staging.parallelism: -1 is less than 0"},
		{"huge", "environments: {staging: {parallelism: 99999999999}}", "1:39: environments.staging.parallelism: 99999999999 is too large"},
		{"nothing", "layers:\nversion: 1", "1:8: layers: expected a list, found nothing (leave the key out for the default)"},
		{"scalar file", "hello", `1:1: strata.yaml: expected a mapping, found the text "hello"`},
		{"duplicate key", "backend: {}\nversion: 1\nbackend: {}", `3:1: duplicate key "backend", first on line 1`},
		{"bad duration", "terraform: {lock-timeout: 5 minutes}", `1:27: terraform.lock-timeout: "5 minutes" is not a duration: write it like 90s, 5m or 72h`},
		{"negative duration", "terraform: {lock-timeout: -5m}", `1:27: terraform.lock-timeout: "-5m" is not a duration: write it like 90s, 5m or 72h`},
		{"number for a duration", "terraform: {lock-timeout: 300}", "1:27: terraform.lock-timeout: expected a duration such as 5m, found the number 300"},
		{"version", "version: 2", "1:10: version 2 is not known: this Strata reads version 1"},
		{"documents", "version: 1\n---\nversion: 1", "2:1: only one document is allowed in the file"},
		{"anchor", "backend: &b {}", "1:10: anchors and aliases are not supported: write the value out"},
		{"merge", "environments:\n  a: {}\n  <<: {b: {}}", "3:3: merge keys (<<) are not supported: write the values out"},
		{"tag", "version: !!int 1", "1:10: tags such as !!int are not supported"},
		{"syntax", "layers: [", "1:9: not valid YAML: "},
		{"not text", "\xff\xfe", "1:1: the file is not UTF-8 text"},
		{"brackets", strings.Repeat("[", 1000), "1:1: brackets or lists are nested deeper than anything here needs"},
		{"no layers", "layers: []", "1:9: layers is empty"},
		{"no environments", "environments: {}", "1:15: environments is empty: leave the key out for the defaults"},
		{"no name", "layers:\n  - path: x/{env}", "2:5: layers[0] has no name"},
		{"no path", "layers:\n  - name: x", "2:5: layers[0] has no path"},
		{"no command", "hooks: {before-plan: [{run: []}]}", "1:29: hooks.before-plan[0].run is empty"},
		{
			"same layer twice", "layers:\n- {name: a, path: 'a/{env}'}\n- {name: a, path: 'b/{env}'}",
			`3:10: two layers are named "a", the first on line 2`,
		},
		{
			"layer's name", "layers:\n- {name: 'a b', path: 'a/{env}'}",
			`2:10: layers[0].name: "a b" is no name for a layer: letters, digits, - and _ are allowed, and a letter comes first`,
		},
		{
			"environment's name", "environments: {'a b': {}}",
			`1:16: "a b" is no name for an environment: letters, digits, '.', - and _ are allowed, and a letter or digit comes first`,
		},
		{
			"placeholder", "layers:\n- {name: a, path: 'a/{regoin}/{env}'}",
			"2:19: layers[0].path: unknown placeholder {regoin}: did you mean {region}?",
		},
		{
			"placeholder of another place", "layers:\n- {name: a, path: 'a/{layer}/{env}'}",
			"2:19: layers[0].path: unknown placeholder {layer} (there are {region}, {instance}, {env})",
		},
		{"open brace", "layers:\n- {name: a, path: 'a/{env'}", `2:19: layers[0].path: "{env" has no closing brace`},
		{"adjacent", "layers:\n- {name: a, path: '{region}{env}'}", "2:19: {region}{env} cannot be told apart in a folder's name: put something between them"},
		{"absolute", "layers:\n- {name: a, path: '/a/{env}'}", `2:19: "/a/{env}" is absolute: paths are relative to the repository's root`},
		{"dots", "layers:\n- {name: a, path: '../a/{env}'}", `2:19: "../a/{env}" has ..: paths stay below the repository's root`},
		{"untidy", "layers:\n- {name: a, path: './a/{env}/'}", `2:19: "./a/{env}/" should be written as a/{env}`},
		{"backslash", "layers:\n- {name: a, path: 'a\\{env}'}", `2:19: "a\\{env}" has \: write / between folders`},
		{"empty path", "layers:\n- {name: a, path: ''}", "2:19: layers[0].path is empty: write . for the repository's root"},
		{
			"both", "layers:\n- {name: a, path: 'a/{env}', environments: [staging]}",
			"2:30: the path of a has {env}, so its folders tell the environments: leave environments out",
		},
		{
			"neither", "layers:\n- {name: a, path: a}",
			"2:19: the path of a has no {env}: add it, or list the environments that share its folders under environments",
		},
		{
			"unknown environment", "layers:\n- {name: a, path: a, environments: [stagging]}",
			`2:37: there is no environment "stagging": did you mean "staging"?`,
		},
		{
			"unknown need", "layers:\n- {name: platform, path: 'a/{env}'}\n- {name: b, path: 'b/{env}', needs: [plattform]}",
			`3:38: there is no layer "plattform": did you mean "platform"?`,
		},
		{"odd need", "layers:\n- {name: a, path: 'a/{env}', needs: ['x y']}", `2:38: layers[0].needs[0]: "x y" is no need: write layer, layer/instance, layer@region, layer@* or layer/instance@region`},
		{"need of itself", "layers:\n- {name: a, path: 'a/{env}', needs: [a]}", "2:38: layer a needs itself"},
		{"need of an instance", layer + "- {name: b, path: 'b/{env}', needs: [a/x]}", "3:38: a/x: layer a has no instances: its path has no {instance}"},
		{"need of a region", layer + "- {name: b, path: 'b/{env}', needs: [a@x]}", "3:38: a@x: layer a has no regions: its path has no {region}"},
		{
			"circle", "layers:\n- {name: a, path: 'a/{env}', needs: [b]}\n- {name: b, path: 'b/{env}', needs: [c]}\n- {name: c, path: 'c/{env}', needs: [a]}",
			"2:37: layers need each other in a circle: a needs b needs c needs a",
		},
		{"unknown input", layer + "- {name: b, path: 'b/{env}', needs: [a], inputs: {v: aa.id}}", `3:54: there is no layer "aa": did you mean "a"?`},
		{"odd input", layer + "- {name: b, path: 'b/{env}', needs: [a], inputs: {v: a}}", `3:54: layers[1].inputs.v: "a" is no output of a need: write layer.output, `},
		{
			"input of no need", layer + "- {name: c, path: 'c/{env}'}\n- {name: b, path: 'b/{env}', needs: [a], inputs: {v: c.id}}",
			"4:54: input v reads from c, which is not among the needs of b: add it to needs",
		},
		{
			"input and secret", layer + "- {name: b, path: 'b/{env}', needs: [a], secrets: [v], inputs: {v: a.id}}",
			"3:65: variable v cannot be both an input and a secret",
		},
		{"hook's layer", layer + "hooks: {after-apply: [{run: [x], layers: [b]}]}", `3:43: there is no layer "b" (there are a)`},
		{"hook's folder", layer + "hooks: {after-apply: [{run: [x], dir: ../x}]}", `3:39: "../x" leads out of the repository: it must be relative to its root`},
		{"var file's placeholder", "layers:\n- {name: a, path: 'a/{env}', var-files: ['{pth}/x']}", "2:42: layers[0].var-files[0]: unknown placeholder {pth}: did you mean {path}?"},
		{"var file outside", "layers:\n- {name: a, path: 'a/{env}', var-files: [/etc/x]}", `2:42: "/etc/x" leads out of the repository: it must be relative to its root`},
		{"no instance", "layers:\n- {name: a, path: 'a/{env}', workspace: '{instance}'}", "2:41: layers[0].workspace: {instance} is never filled in: the path of a has no {instance}"},
		{
			"unknown key in drift", "drift: {baselines: []}",
			`1:9: unknown key "baselines" in drift: did you mean "baseline"?`,
		},
		{
			"unknown key in an entry", "drift:\n  baseline:\n    - resource: x\n      reson: y\n      reason: r\n      owner: o\n      until: 2027-03-31\n",
			`4:7: unknown key "reson" in drift.baseline[0]: did you mean "reason"?`,
		},
		{"no resource", "drift: {baseline: [{reason: r, owner: o, until: 2027-03-31}]}", "1:20: drift.baseline[0] has no resource"},
		{"no reason", "drift: {baseline: [{resource: x, owner: o, until: 2027-03-31}]}", "1:20: drift.baseline[0] has no reason"},
		{"no owner", "drift: {baseline: [{resource: x, reason: r, until: 2027-03-31}]}", "1:20: drift.baseline[0] has no owner"},
		{"no end", "drift: {baseline: [{resource: x, reason: r, owner: o}]}", "1:20: drift.baseline[0] has no until"},
		{"empty reason", "drift: {baseline: [{resource: x, reason: ' ', owner: o, until: 2027-03-31}]}", "1:42: drift.baseline[0].reason is empty"},
		{"empty attribute", "drift: {baseline: [{resource: x, attribute: '', reason: r, owner: o, until: 2027-03-31}]}", "1:45: drift.baseline[0].attribute is empty"},
		{"no date", "drift: {baseline: [{resource: x, reason: r, owner: o, until: never}]}", `1:62: drift.baseline[0].until: "never" is not a date: write it like 2027-03-31`},
		{"no such day", "drift: {baseline: [{resource: x, reason: r, owner: o, until: 2027-02-29}]}", `1:62: drift.baseline[0].until: "2027-02-29" is not a date: write it like 2027-03-31`},
		{"a time", "drift: {baseline: [{resource: x, reason: r, owner: o, until: 2027-03-31T10:00:00Z}]}", `1:62: drift.baseline[0].until: "2027-03-31T10:00:00Z" is not a date: write it like 2027-03-31`},
		{"a year", "drift: {baseline: [{resource: x, reason: r, owner: o, until: 2027}]}", "1:62: drift.baseline[0].until: expected a date such as 2027-03-31, found the number 2027"},
		{"entry's unit", "drift: {baseline: [{unit: 'a[b', resource: x, reason: r, owner: o, until: 2027-03-31}]}", `1:27: "a[b" is no valid glob`},
		{"level", "drift: {severity: [{type: x, level: hihg}]}", `1:37: drift.severity[0].level: "hihg" is not known: did you mean "high"?`},
		{"no level", "drift: {severity: [{type: x}]}", "1:20: drift.severity[0] has no level"},
		{"select", "unknown: [{glob: x, select: none}]", `1:29: unknown[0].select: "none" is not known (there are all, warn)`},
		{"unknown destination", "notify: {slak: {url: x}}", `1:10: unknown key "slak" in notify: did you mean "slack"?`},
		{"no url", "notify: {slack: {}}", "1:17: notify.slack has no url"},
		{"key of Slack", "notify: {slack: {url: x, key: y}}", `1:26: unknown key "key" in notify.slack (there are events, url)`},
		{
			"url", "notify:\n  slack:\n    url: https://hooks.example.com/x\n",
			"3:10: notify.slack.url: what stands here is a URL: write the name of a secret, such as slack_url, and give the URL as STRATA_SECRET_SLACK_URL",
		},
		{
			"secret's name", "notify: {webhook: {url: x, key: 'a b'}}",
			"1:33: notify.webhook.key: what stands here is no name of a secret: letters, digits, - and _ are allowed, a letter or _ comes first, and 63 characters are the most",
		},
		{"number for a secret's name", "notify: {webhook: {url: x, key: 5}}", "1:33: notify.webhook.key: expected text, found a number (put it in quotes)"},
		{"event", "notify: {slack: {url: x, events: {'*': [all, drift-fonud]}}}", `1:46: notify.slack.events.*[1]: "drift-fonud" is not known: did you mean "drift-found"?`},
		{"events' environment", "notify: {slack: {url: x, events: {prodction: [all]}}}", `1:35: there is no environment "prodction": did you mean "production"?`},
		{"no events", "notify: {slack: {url: x, events: {}}}", "1:34: notify.slack.events is empty: leave the key out for the defaults"},
		{"gate", "environments: {production: {gates: {chekov: warn}}}", `1:37: unknown key "chekov" in environments.production.gates: did you mean "checkov"?`},
		{
			"gate not built yet", "environments: {production: {gates: {approval: enforce}}}",
			`1:37: unknown key "approval" in environments.production.gates: this version of Strata does not have it`,
		},
		{"mode", "environments: {production: {gates: {policy: enforced}}}", `1:45: environments.production.gates.policy: "enforced" is not known: did you mean "enforce"?`},
		{"mode unlike any", "environments: {production: {gates: {scan: yes}}}", `1:43: environments.production.gates.scan: "yes" is not known (there are enforce, off, warn)`},
		{"boolean for a mode", "environments: {production: {gates: {scan: true}}}", `1:43: environments.production.gates.scan: expected enforce, warn or off, found true`},
		{"no mode", "environments: {production: {gates: {scan: }}}", `1:42: environments.production.gates.scan: expected enforce, warn or off, found nothing (leave the key out for the default)`},
		{"threshold", "environments: {production: {gates: {severity: CRITICAL}}}", `1:47: environments.production.gates.severity: "CRITICAL" is not known: did you mean "critical"?`},
		{"unknown values", "environments: {production: {gates: {unknown: off}}}", `1:46: environments.production.gates.unknown: "off" is not known (there are deny, warn)`},
		{"gates outside of an environment", "gates: {policy: enforce}", `1:1: unknown key "gates" (there are backend, drift, environments, `},
		{"limit", "environments: {production: {limits: {destory: 0}}}", `1:38: unknown key "destory" in environments.production.limits: did you mean "destroy"?`},
		{"limit below none", "environments: {production: {limits: {replace: -1}}}", `1:47: environments.production.limits.replace: -1 is less than 0`},
		{"more than all", "environments: {production: {limits: {percent: 101}}}", `1:47: environments.production.limits.percent: 101 is more than 100`},
		{"percent sign", "environments: {production: {limits: {percent: 20%}}}", `1:47: environments.production.limits.percent: expected a whole number, found the text "20%"`},
		{"half a resource", "environments: {production: {limits: {destroy: 0.5}}}", `1:47: environments.production.limits.destroy: expected a whole number, found the number 0.5`},
		{"no limits", "environments: {production: {limits: {}}}", `1:37: environments.production.limits is empty: leave the key out for the defaults`},
		{"unknown key in policy", "policy: {querry: data.a.deny}", `1:10: unknown key "querry" in policy: did you mean "query"?`},
		{"absolute policies", "policy: {path: /policies}", `1:16: "/policies" is absolute: paths are relative to the repository's root`},
		{"policies outside", "policy: {path: ../policies}", `1:16: "../policies" has ..: paths stay below the repository's root`},
		{"policies' path untidy", "policy: {path: policies/}", `1:16: "policies/" should be written as policies`},
		{"no path of policies", "policy: {path: ''}", `1:16: policy.path is empty`},
		{"query as for opa", "policy: {query: 'data.terraform.deny[_]'}", `1:17: policy.query: "data.terraform.deny[_]" is no query: did you mean "data.terraform.deny"?`},
		{"query without data", "policy: {warn: terraform.warn}", `1:16: policy.warn: "terraform.warn" is no query: did you mean "data.terraform.warn"?`},
		{"query of everything", "policy: {query: data}", `1:17: policy.query: "data" is no query: write data and the path of a rule, such as data.terraform.deny`},
		{"query as an expression", "policy: {query: 'x := data.a.deny; x'}", `1:17: policy.query: "x := data.a.deny; x" is no query: write data and the path of a rule, such as data.terraform.deny`},
		{"query with a quoted part", `policy: {query: 'data.a["b c"]'}`, `1:17: policy.query: "data.a[\"b c\"]" is no query: write data and the path of a rule, such as data.terraform.deny`},
		{"no query", "policy: {query: ''}", `1:17: policy.query: "" is no query: write data and the path of a rule, such as data.terraform.deny`},
		{"rego", "policy: {rego: v2}", `1:16: policy.rego: "v2" is not known: did you mean "v0"?`},
		{"rego's number", "policy: {rego: 1}", `1:16: policy.rego: expected v0 or v1, found the number 1`},
		{"no time", "policy: {timeout: 0s}", `1:19: policy.timeout: 0 would be no time at all: leave the key out for the default`},
		{"nothing for scan", "scan:\nversion: 1", `1:6: scan: expected a mapping, found nothing (leave the key out for the default)`},
		{"scanner", "scan: {trivi: {}}", `1:8: unknown key "trivi" in scan: did you mean "trivy"?`},
		{"scanner's mode", "scan: {tfsec: {mode: of}}", `1:22: scan.tfsec.mode: "of" is not known: did you mean "off"?`},
		{"mode for a scanner", "scan: {tfsec: off}", `1:15: scan.tfsec: expected a mapping, found the text "off"`},
		{"scanner's threshold", "scan: {terraform-compliance: {severity: hihg}}", `1:41: scan.terraform-compliance.severity: "hihg" is not known: did you mean "high"?`},
		{"rules of another scanner", "scan: {checkov: {path: x}}", `1:18: unknown key "path" in scan.checkov (there are mode, severity)`},
		{"rules outside", "scan: {terraform-compliance: {path: a/../../x}}", `1:37: "a/../../x" has ..: paths stay below the repository's root`},
		{"suppression's tool", "scan: {suppress: [{tool: chekov, rule: x, reason: r, owner: o, until: 2027-03-31}]}", `1:26: scan.suppress[0].tool: "chekov" is not known: did you mean "checkov"?`},
		{"suppression without a rule", "scan: {suppress: [{reason: r, owner: o, until: 2027-03-31}]}", "1:19: scan.suppress[0] has no rule"},
		{"suppression without a reason", "scan: {suppress: [{rule: x, owner: o, until: 2027-03-31}]}", "1:19: scan.suppress[0] has no reason"},
		{"suppression without an owner", "scan: {suppress: [{rule: x, reason: r, until: 2027-03-31}]}", "1:19: scan.suppress[0] has no owner"},
		{"suppression without an end", "scan: {suppress: [{rule: x, reason: r, owner: o}]}", "1:19: scan.suppress[0] has no until"},
		{"suppression's empty reason", "scan: {suppress: [{rule: x, reason: '', owner: o, until: 2027-03-31}]}", "1:37: scan.suppress[0].reason is empty"},
		{"suppression's empty path", "scan: {suppress: [{rule: x, path: '', reason: r, owner: o, until: 2027-03-31}]}", "1:35: scan.suppress[0].path is empty"},
		{"suppression's end", "scan: {suppress: [{rule: x, reason: r, owner: o, until: never}]}", `1:57: scan.suppress[0].until: "never" is not a date: write it like 2027-03-31`},
		{"suppression's glob", "scan: {suppress: [{rule: x, path: 'a[b', reason: r, owner: o, until: 2027-03-31}]}", `1:35: "a[b" is no valid glob`},
		{"suppression's rule", "scan: {suppress: [{rule: 'a[b', reason: r, owner: o, until: 2027-03-31}]}", `1:26: "a[b" is no valid glob`},
		{"suppression of no file", "scan: {suppress: [{rule: x, path: ./a/**, reason: r, owner: o, until: 2027-03-31}]}", `1:35: "./a/**" should be written as a/**`},
		{"suppression outside", "scan: {suppress: [{rule: x, path: /a/**, reason: r, owner: o, until: 2027-03-31}]}", `1:35: "/a/**" is absolute: paths are relative to the repository's root`},
		{"suppression above", "scan: {suppress: [{rule: x, path: ../**, reason: r, owner: o, until: 2027-03-31}]}", `1:35: "../**" has ..: paths stay below the repository's root`},
		{"line ends", "# c\r\n# d\r\nversion: 1 # e\r\nunknown: {}\r\n", "4:10: unknown: expected a list, found a mapping"},
		{"backend value", "backend: {values: {key: '{evn}'}}", "1:25: backend.values.key: unknown placeholder {evn}: did you mean {env}?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := loadText(test.text)
			var faulty *ConfigError
			if !errors.As(err, &faulty) {
				t.Fatalf("error is %v", err)
			}
			if got := err.Error(); len(faulty.Problems) != 1 || !strings.HasPrefix(got, "strata.yaml:"+test.want) {
				t.Errorf("got:\n%s\nwant:\nstrata.yaml:%s", got, test.want)
			}
		})
	}
}

func TestLoadTellsAllProblems(t *testing.T) {
	_, err := loadText("vresion: 1\nlayers:\n  - {name: a, path: /x, needs: [b, a]}\nterraform: {lock-timeout: soon}\n")
	want := `strata.yaml:1:1: unknown key "vresion": did you mean "version"?
strata.yaml:3:21: "/x" is absolute: paths are relative to the repository's root
strata.yaml:3:21: the path of a has no {env}: add it, or list the environments that share its folders under environments
strata.yaml:3:33: there is no layer "b" (there are a)
strata.yaml:3:36: layer a needs itself
strata.yaml:4:27: terraform.lock-timeout: "soon" is not a duration: write it like 90s, 5m or 72h`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

// Whatever the file holds, Load answers, and with a *ConfigError if not with a
// configuration; and what it answers survives being written and read again.
func FuzzLoad(f *testing.F) {
	f.Add("layers:\n- {name: a, path: 'a/{env}', needs: [b]}\n")
	f.Add("a: &x [*x]\n<<: *x\n? {a: b}\n: c\n")
	f.Add("terraform: {lock-timeout: 1h3m, binary: tofu}\nenvironments: {x: {branch: '*'}}\n")
	f.Add("backend: {values: {key: |\n  x\n}}\n")
	f.Add("drift: {baseline: [{resource: 'a[\"*\"]', reason: r, owner: o, until: 2027-03-31}], severity: [{level: low}]}\n")
	f.Add("notify: {slack: {url: u, events: {'*': [], production: [all]}}, webhook: {url: u, key: k}}\n")
	f.Add("environments: {a: {gates: {policy: enforce, severity: info}, limits: {destroy: 0}}}\npolicy: {rego: v0}\n")
	f.Add("scan: {tfsec: {mode: off}, terraform-compliance: {}, suppress: [{rule: x, path: 'a/**', reason: r, owner: o, until: 2027-03-31}]}\n")
	f.Add("- - - -\n---\n...\n%YAML 1.2\n!!set {a}\n'\"")
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := loadText(text)
		if err != nil {
			var faulty *ConfigError
			if !errors.As(err, &faulty) || len(faulty.Problems) == 0 {
				t.Fatalf("error is %v", err)
			}
			return
		}
		written, err := cfg.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := loadText(string(written))
		if err != nil {
			t.Fatalf("%s\n%v", written, err)
		}
		if diff := cmp.Diff(cfg, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%s\n%s", written, diff)
		}
	})
}
