package stack

import (
	"cmp"
	"slices"
)

// The modes of gates.
const (
	Enforce = "enforce" // it refuses
	Warn    = "warn"    // it only tells
	Off     = "off"     // it does not run
)

// Modes lists the modes.
func Modes() []string { return []string{Enforce, Warn, Off} }

// Deny is what a policy that cannot be decided does where it does not only Warn.
const Deny = "deny"

// The gates that are no scanners.
const (
	GateValidate = "validate"
	GatePolicy   = "policy"
)

// The scanners, each a gate of its own.
const (
	Checkov    = "checkov"
	Tfsec      = "tfsec"
	Trivy      = "trivy"
	Compliance = "terraform-compliance"
)

// Scanners lists the scanners.
func Scanners() []string { return []string{Checkov, Tfsec, Trivy, Compliance} }

// severityWords lists how grave a finding can be, the gravest first.
func severityWords() []string { return []string{Critical, High, Medium, Low, Info} }

// Mode says what a gate (GateValidate, GatePolicy or a scanner) does in an
// environment: Enforce, Warn or Off. The first of these that is said holds:
//
//  1. the environment's gates, for the gate itself
//  2. for scanners: the environment's gates, for scan
//  3. for scanners: the mode under scan
//  4. where the gate is Configured: Enforce in production, Warn in staging
//  5. Off
//
// Of terraform-compliance, 2 too holds only where it is Configured: without
// rules there is nothing to run. Where found says that the repository has what
// the gate reads, the folder of policies or of rules, it counts as Configured.
func (c *Config) Mode(environment, gate string, found bool) string {
	gates := c.Environments[environment].Gates
	if said := gates.of(gate); said != "" {
		return said
	}
	asked := found || c.Configured(gate)
	if slices.Contains(Scanners(), gate) && (asked || gate != Compliance) {
		if said := cmp.Or(gates.Scan, c.Scan.tool(gate).Mode); said != "" {
			return said
		}
	}
	switch {
	case asked && environment == "production":
		return Enforce
	case asked && environment == "staging":
		return Warn
	}
	return Off
}

// Configured says whether strata.yaml asks for a gate, apart from what an
// environment says: for the policies by the key policy, for scanners by the key
// scan, for terraform-compliance by its key below that. For GateValidate there
// is no such key.
func (c *Config) Configured(gate string) bool {
	switch gate {
	case GatePolicy:
		return c.Policy.Given
	case Compliance:
		return c.Scan.Compliance.Given
	case Checkov, Tfsec, Trivy:
		return c.Scan.Given
	}
	return false
}

// Severity says how grave a tool's finding must be at least to count in an
// environment: what scan says of the tool, then what the environment's gates
// say, then Medium.
func (c *Config) Severity(environment, tool string) string {
	return cmp.Or(c.Scan.tool(tool).Severity, c.Environments[environment].Gates.Severity, Medium)
}

// Undetermined says what follows in an environment where a policy reads a value
// that is known only after the apply: Deny or Warn. Where the environment's
// gates do not say, it is Deny if policies that are there are enforced.
func (c *Config) Undetermined(environment string) string {
	if said := c.Environments[environment].Gates.Unknown; said != "" {
		return said
	}
	if c.Mode(environment, GatePolicy, true) == Enforce {
		return Deny
	}
	return Warn
}

// of is what is said of a gate itself.
func (g Gates) of(gate string) string {
	switch gate {
	case GateValidate:
		return g.Validate
	case GatePolicy:
		return g.Policy
	case Checkov:
		return g.Checkov
	case Tfsec:
		return g.Tfsec
	case Trivy:
		return g.Trivy
	case Compliance:
		return g.Compliance
	}
	return ""
}

// tool is what is said of a scanner.
func (s Scan) tool(name string) ScanTool {
	switch name {
	case Checkov:
		return s.Checkov
	case Tfsec:
		return s.Tfsec
	case Trivy:
		return s.Trivy
	case Compliance:
		return ScanTool{Mode: s.Compliance.Mode, Severity: s.Compliance.Severity}
	}
	return ScanTool{}
}
