// Package stack knows what a repository holds: its configuration
// (strata.yaml), its units and what each needs. It reads an fs.FS, so that it
// answers the same on a checkout, on a commit and inside a module function.
package stack

import "time"

// ConfigFile is the configuration's name, at the repository's root.
const ConfigFile = "strata.yaml"

// Config is the whole of strata.yaml. Every key is optional; Default returns
// what holds without the file. A top-level key that is given replaces its
// default as a whole; the three default environments, terraform, policy and scan
// keep their own defaults for fields that are left out.
type Config struct {
	Version      int                    `json:"version,omitempty" jsonschema:"the version of this file's format: 1"`
	Layers       []Layer                `json:"layers,omitempty" jsonschema:"the ordered tiers of units; needs decide the order, not the position here"`
	Environments map[string]Environment `json:"environments,omitempty" jsonschema:"the environments by name and the rules of each"`
	Backend      Backend                `json:"backend,omitempty" jsonschema:"what every unit's init is told about its state's backend"`
	Terraform    Terraform              `json:"terraform,omitempty" jsonschema:"which Terraform or OpenTofu runs"`
	Hooks        Hooks                  `json:"hooks,omitempty" jsonschema:"commands run around each unit's plan and apply"`
	Store        Store                  `json:"store,omitempty" jsonschema:"where Strata keeps its records"`
	Unknown      []Unknown              `json:"unknown,omitempty" jsonschema:"what a changed file means that no unit depends on; the first glob that matches decides"`
	Tools        map[string]Tool        `json:"tools,omitempty" jsonschema:"where the programs of hooks are found, by the name that run begins with"`
	Policy       Policy                 `json:"policy,omitzero" jsonschema:"which policies each unit's plan is held against; with the key, the gate is asked for"`
	Scan         Scan                   `json:"scan,omitzero" jsonschema:"what scanners find that counts; with the key, the gates of the scanners are asked for"`
	Drift        Drift                  `json:"drift,omitzero" jsonschema:"which differences between reality and state are accepted, and how grave the others are"`
	Notify       Notify                 `json:"notify,omitzero" jsonschema:"who is told of runs and of drift"`
}

// Layer is an ordered tier of units.
type Layer struct {
	Name  string   `json:"name" jsonschema:"the layer's name"`
	Path  string   `json:"path" jsonschema:"pattern of its units' folders, from the repository's root, with {region}, {instance} and {env}"`
	Needs []string `json:"needs,omitempty" jsonschema:"what must be done before: layer, layer/instance, either with @region"`
	// Inputs maps a variable of the layer to an output of a need: layer.output,
	// layer/instance.output, either layer with @region.
	Inputs  map[string]string `json:"inputs,omitempty" jsonschema:"variable: need.output, for variables not named as LAYER_OUTPUT"`
	Secrets []string          `json:"secrets,omitempty" jsonschema:"variables that are given as secrets, to this layer's units alone"`

	Watch []string `json:"watch,omitempty" jsonschema:"globs of further files that the layer's units depend on, from the repository's root, with the same placeholders as var-files"`

	// For a path without {env}:
	Environments []string `json:"environments,omitempty" jsonschema:"the environments that share the folder, where the path has no {env}"`
	VarFiles     []string `json:"var-files,omitempty" jsonschema:"variable files, from the repository's root, with {path}, {layer}, {region}, {instance} and {env}"`
	Backend      *Backend `json:"backend,omitempty" jsonschema:"replaces the top-level backend for this layer"`
	Workspace    string   `json:"workspace,omitempty" jsonschema:"the Terraform workspace to select, with {env}, {region} and {instance}"`
}

// Environment carries the rules of one environment.
type Environment struct {
	Branch      string  `json:"branch,omitempty" jsonschema:"the branch that deploys to it; * for any other branch"`
	Parallelism int     `json:"parallelism,omitempty" jsonschema:"how many units are planned at once, 0 for as many as the machine carries"`
	Gates       Gates   `json:"gates,omitzero" jsonschema:"what may refuse a plan or a deploy"`
	Limits      *Limits `json:"limits,omitempty" jsonschema:"how much one unit's plan may do"`
}

// Gates are what may refuse. What is empty is not said: Config.Mode,
// Config.Severity and Config.Undetermined tell what holds.
type Gates struct {
	Validate   string `json:"validate,omitempty" jsonschema:"terraform fmt, validate and test; default: off"`
	Scan       string `json:"scan,omitempty" jsonschema:"every scanner that has no line of its own here; default: what scan says, then by environment"`
	Policy     string `json:"policy,omitempty" jsonschema:"policies on each unit's plan; default: by environment, where there are policies"`
	Checkov    string `json:"checkov,omitempty" jsonschema:"this scanner alone"`
	Tfsec      string `json:"tfsec,omitempty" jsonschema:"this scanner alone"`
	Trivy      string `json:"trivy,omitempty" jsonschema:"this scanner alone"`
	Compliance string `json:"terraform-compliance,omitempty" jsonschema:"this scanner alone"`
	Severity   string `json:"severity,omitempty" jsonschema:"findings that are less grave do not count; default: medium"`
	Unknown    string `json:"unknown,omitempty" jsonschema:"a policy that reads a value known only after the apply; default: deny where policy is enforced, otherwise warn"`
}

// Limits bound what one unit's plan may do. What is nil has no limit.
type Limits struct {
	Destroy *int `json:"destroy,omitempty" jsonschema:"the most resources that are destroyed"`
	Replace *int `json:"replace,omitempty" jsonschema:"the most resources that are replaced"`
	Percent *int `json:"percent,omitempty" jsonschema:"the most of the unit's resources that are destroyed or replaced, in percent"`
}

// Backend is what init is told about a backend block that is left partial.
type Backend struct {
	Config string            `json:"config,omitempty" jsonschema:"a backend configuration file, from the repository's root, with the same placeholders as var-files"`
	Values map[string]string `json:"values,omitempty" jsonschema:"single backend settings, with the same placeholders"`
}

// Terraform says which binary runs and how.
type Terraform struct {
	Binary      string   `json:"binary,omitempty" jsonschema:"terraform, tofu, or a path"`
	Version     string   `json:"version,omitempty" jsonschema:"a version constraint such as ~> 1.11"`
	Image       string   `json:"image,omitempty" jsonschema:"the container image under Dagger"`
	LockTimeout Duration `json:"lock-timeout,omitempty" jsonschema:"how long to wait for a state lock that another run holds"`
}

// Hooks run around every unit's steps, in order. A hook that fails fails the
// unit.
type Hooks struct {
	BeforePlan  []Hook `json:"before-plan,omitempty" jsonschema:"run before each unit's plan"`
	BeforeApply []Hook `json:"before-apply,omitempty" jsonschema:"run before each unit's apply"`
	AfterApply  []Hook `json:"after-apply,omitempty" jsonschema:"run after each unit's successful apply"`
}

// Hook is one command: an argv list, never a shell line.
type Hook struct {
	Run    []string `json:"run" jsonschema:"the command and its arguments, run without a shell"`
	Image  string   `json:"image,omitempty" jsonschema:"the container image under Dagger"`
	Dir    string   `json:"dir,omitempty" jsonschema:"the folder it runs in, from the repository's root; the unit's own if empty"`
	Layers []string `json:"layers,omitempty" jsonschema:"only for these layers; all if empty"`
}

// Store says where Strata keeps what it remembers.
type Store struct {
	URL string `json:"url,omitempty" jsonschema:"the place: s3://bucket/prefix?region=REGION, or a folder from the repository's root, with {env}; default: strata/ in the bucket of the environment's states, or .strata/store where these are local"`
}

// Unknown is a rule for changed files that no unit depends on.
type Unknown struct {
	Glob   string `json:"glob" jsonschema:"of paths from the repository's root"`
	Select string `json:"select" jsonschema:"all: every unit is affected; warn: none is, and it is said"`
}

// Tool says where a tool is found.
type Tool struct {
	Binary string `json:"binary,omitempty" jsonschema:"a name on PATH or a path"`
	Image  string `json:"image,omitempty" jsonschema:"the container image under Dagger, where the hook says none"`
}

// Policy says which policies there are. Its fields hold the defaults where
// strata.yaml does not say otherwise.
type Policy struct {
	Path    string   `json:"path,omitempty" jsonschema:"the folder of the policies and their tests, from the repository's root; default: policies"`
	Query   string   `json:"query,omitempty" jsonschema:"the rule whose messages deny a plan; default: data.terraform.deny"`
	Warn    string   `json:"warn,omitempty" jsonschema:"the rule whose messages only warn; default: data.terraform.warn"`
	Rego    string   `json:"rego,omitempty" jsonschema:"the version of the language: v1, or v0 for older policies; default: v1"`
	Timeout Duration `json:"timeout,omitempty" jsonschema:"how long the evaluation of one plan may take; default: 30s"`

	Given bool `json:"-"` // strata.yaml has the key
}

// Scan says what holds for the scanners in every environment.
type Scan struct {
	Checkov    ScanTool       `json:"checkov,omitzero" jsonschema:"checkov, over the code"`
	Tfsec      ScanTool       `json:"tfsec,omitzero" jsonschema:"tfsec, over the code"`
	Trivy      ScanTool       `json:"trivy,omitzero" jsonschema:"trivy, over the code"`
	Compliance ComplianceTool `json:"terraform-compliance,omitzero" jsonschema:"terraform-compliance, over each unit's plan"`
	Skip       []string       `json:"skip,omitempty" jsonschema:"globs of files that are not looked at, such as templates of code, from the repository's root"`
	Baseline   string         `json:"baseline,omitempty" jsonschema:"a file of accepted findings, as strata scan --write-baseline writes it, from the repository's root"`
	Suppress   []Suppression  `json:"suppress,omitempty" jsonschema:"accepted findings: they count again after their last day"`

	Given bool `json:"-"` // strata.yaml has the key
}

// ScanTool is one scanner's rules.
type ScanTool struct {
	Mode     string `json:"mode,omitempty" jsonschema:"in every environment whose gates name neither the scanner nor scan"`
	Severity string `json:"severity,omitempty" jsonschema:"findings that are less grave do not count, in any environment; default: that of the environment"`
}

// ComplianceTool is ScanTool with the place of the rules.
type ComplianceTool struct {
	Path     string `json:"path,omitempty" jsonschema:"the folder of the rules, from the repository's root; default: compliance-rules"`
	Mode     string `json:"mode,omitempty" jsonschema:"in every environment whose gates name neither the scanner nor scan"`
	Severity string `json:"severity,omitempty" jsonschema:"findings that are less grave do not count, in any environment; default: that of the environment"`

	Given bool `json:"-"` // strata.yaml has the key
}

// Suppression accepts findings for a time.
type Suppression struct {
	Tool   string `json:"tool,omitempty" jsonschema:"the scanner; any if left out"`
	Rule   string `json:"rule" jsonschema:"the rule's name or another of its names, or a glob of these"`
	Path   string `json:"path,omitempty" jsonschema:"glob of files, or of the folders of units, from the repository's root; any if left out"`
	Reason string `json:"reason" jsonschema:"why they are accepted"`
	Owner  string `json:"owner" jsonschema:"who answers for it"`
	Until  Date   `json:"until" jsonschema:"the last day on which they are accepted, in UTC: 2027-03-31"`
}

// Drift says what a difference between reality and state means.
type Drift struct {
	Baseline []Baseline `json:"baseline,omitempty" jsonschema:"accepted differences: they alarm again after their last day"`
	Severity []Severity `json:"severity,omitempty" jsonschema:"how grave a difference is; the first rule that matches decides, before Strata's own"`
}

// Baseline is an accepted difference.
type Baseline struct {
	Unit      string `json:"unit,omitempty" jsonschema:"glob of the units, as --only takes it; every unit if left out"`
	Resource  string `json:"resource" jsonschema:"glob of the resources' addresses: * is any text and ? any character, all else stands for itself"`
	Attribute string `json:"attribute,omitempty" jsonschema:"glob of the attributes, as reports write them, with what is in them; if left out, every attribute and that the resource is gone"`
	Reason    string `json:"reason" jsonschema:"why it is accepted"`
	Owner     string `json:"owner" jsonschema:"who answers for it"`
	Until     Date   `json:"until" jsonschema:"the last day on which it is accepted, in UTC: 2027-03-31"`
}

// Severity is a rule for how grave a difference is.
type Severity struct {
	Type      string `json:"type,omitempty" jsonschema:"glob of resource types; any if left out"`
	Attribute string `json:"attribute,omitempty" jsonschema:"glob of the attributes, as reports write them, with what is in them; if left out, any and that the resource is gone"`
	Level     string `json:"level" jsonschema:"high, medium or low"`
}

// Notify says who is told.
type Notify struct {
	Slack   *Destination `json:"slack,omitempty" jsonschema:"a Slack channel's incoming webhook"`
	Teams   *Destination `json:"teams,omitempty" jsonschema:"a Microsoft Teams channel's webhook"`
	Webhook *Destination `json:"webhook,omitempty" jsonschema:"any other receiver, which gets JSON"`
}

// Destination is where messages go. What it needs to be reached is a secret, of
// which strata.yaml has the name alone.
type Destination struct {
	URL string `json:"url" jsonschema:"the name of the secret that is its URL; given as STRATA_SECRET_NAME"`
	Key string `json:"key,omitempty" jsonschema:"the name of the secret that messages are signed with"`
	// Events maps an environment, or * for any other, to what is told of it.
	Events map[string][]string `json:"events,omitempty" jsonschema:"what is told, by environment, * for any other; all: everything but started; default: all of production, and failed, rolled-back, drift-found and drift-gone of any other"`
}

// Date is a day, written 2027-03-31.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// Duration is a time.Duration written as Go writes it: 5m, 90s, 72h.
type Duration time.Duration
