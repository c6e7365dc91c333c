// Package policy knows OPA: the arguments of its commands, its server, its
// policies' syntax trees, and what its answers mean for a plan. It runs nothing:
// that is the runner's.
//
// One server answers for all units of a run. Each evaluation brings the unit's
// plan, which policies see as input, and what they see as data.strata.
package policy

import (
	"time"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/runner"
)

const version = "1.22.2"

// Tool is OPA as it is tested.
func Tool() runner.Tool {
	return runner.Tool{Name: finding.OPA, Binary: "opa", Image: "openpolicyagent/opa:" + version}
}

// Install is how to get OPA on a host.
func Install() string { return "go install github.com/open-policy-agent/opa@v" + version }

// Language is the version of Rego that policies are written in.
type Language int

const (
	V1 Language = iota
	V0          // of OPA before 1.0
)

func (l Language) flags() []string {
	if l == V0 {
		return []string{"--v0-compatible"}
	}
	return nil
}

// VersionArgs returns the arguments that print OPA's version.
func VersionArgs() []string { return []string{"version"} }

// FormatArgs returns the arguments that list the files which are not formatted.
// Told to fail because of them, OPA would stop at the first one, with the exit
// code it has for a file that it cannot read; its --diff is nothing without colours.
func FormatArgs(l Language, paths ...string) []string {
	return join([]string{"fmt", "--list"}, l.flags(), paths)
}

// CheckArgs returns the arguments that compile the policies: what is wrong with
// them is JSON for ReadFaults, on standard error.
func CheckArgs(l Language, paths ...string) []string {
	return join([]string{"check", "--format", "json"}, l.flags(), paths)
}

// TestArgs returns the arguments that run the policies' own tests.
func TestArgs(l Language, paths ...string) []string {
	return join([]string{"test", "--format", "json", "--timeout", "30s"}, l.flags(), paths)
}

// TestsFailed is the exit code of TestArgs when a test has failed.
const TestsFailed = 2

// ParseArgs returns the arguments that print the syntax tree of one file, for
// ReadModule. OPA takes one file at a time.
func ParseArgs(l Language, file string) []string {
	return join([]string{"parse", "--format", "json", "--json-include", "locations,-comments"}, l.flags(), []string{file})
}

// Serve says what a server is started with.
type Serve struct {
	// Address is unix:// and the path of a socket, or a host and a port. Whoever
	// reaches the address can change the policies: a socket can be reached by
	// its owner alone.
	Address  string
	Language Language
	Paths    []string // of policies and their data: files or folders
}

// ServeArgs returns the arguments that start a server. It logs errors only, so
// that no plan comes into a log, asks nobody for updates, and takes plans larger
// than OPA's own limit of 256 MB. It ends with an interrupt.
func ServeArgs(s Serve) []string {
	return join([]string{
		"run", "--server", "--addr", s.Address, "--unix-socket-perm", "600",
		"--log-level", "error", "--skip-version-check", "--shutdown-grace-period", "1",
		"--set", "server.decoding.max_length=2147483648",
	}, s.Language.flags(), s.Paths)
}

// ServeEnv is what a server's environment has besides: it is a Go program whose
// work is to read plans, which takes a quarter less of the CPU this way, and a
// plan of 50 MB does not take all memory. Policies can read the environment:
// nothing secret belongs into it.
func ServeEnv() map[string]string { return map[string]string{"GOGC": "400", "GOMEMLIMIT": "2GiB"} }

// Limit is how long one evaluation may take where nobody says.
const Limit = 30 * time.Second

func join(lists ...[]string) []string {
	var all []string
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}
