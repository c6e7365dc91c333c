package terraform

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Lock is who holds a state, as Terraform tells it.
type Lock struct {
	ID, Path, Operation, Who, Created string
}

var lockField = regexp.MustCompile(`(?m)^\s*(ID|Path|Operation|Who|Created):[ \t]*(.*?)\s*$`)

// ParseLock finds the holder of a state lock in a diagnostic's detail; ok is
// false where it is about something else.
func ParseLock(summary, detail string) (lock Lock, ok bool) {
	if !strings.Contains(summary+detail, "state lock") || !strings.Contains(detail, "Lock Info:") {
		return Lock{}, false
	}
	for _, m := range lockField.FindAllStringSubmatch(detail, -1) {
		switch m[1] {
		case "ID":
			lock.ID = m[2]
		case "Path":
			lock.Path = m[2]
		case "Operation":
			lock.Operation = m[2]
		case "Who":
			lock.Who = m[2]
		case "Created":
			lock.Created = m[2]
		}
	}
	return lock, lock.ID != ""
}

// transient are words of faults that pass by themselves.
var transient = []string{
	"connection reset by peer", "connection refused", "connection timed out", "i/o timeout", "TLS handshake timeout",
	"no such host", "temporary failure in name resolution", "unexpected EOF", "context deadline exceeded",
	"failed to request discovery document",
	"Client.Timeout exceeded", "net/http: request canceled",
	"429 Too Many Requests", "500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout",
	"Throttling", "RequestLimitExceeded", "Rate exceeded", "TooManyRequestsException", "SlowDown",
	"RequestError: send request failed", "ServiceUnavailable",
}

// Transient says whether the words of a failed init or plan are those of a
// fault of the network or of a busy service. A lock that is held is none: the
// wait for it is -lock-timeout's.
func Transient(words string) bool {
	words = unwrapped(words)
	return LockSlipped(words) || !strings.Contains(words, "Error acquiring the state lock") &&
		slices.ContainsFunc(transient, func(t string) bool { return strings.Contains(strings.ToLower(words), strings.ToLower(t)) })
}

// unwrapped puts on one line what Terraform has broken into many, anywhere
// between two words.
func unwrapped(words string) string {
	return strings.Join(strings.FieldsFunc(words, func(r rune) bool { return unicode.IsSpace(r) || r == '│' }), " ")
}

// NeedsInit says whether the words of a failed command ask for init.
func NeedsInit(words string) bool {
	words = unwrapped(words)
	for _, t := range []string{
		"terraform init", "tofu init", "Backend initialization required", "Inconsistent dependency lock file",
		"Module not installed", "Required plugins are not installed", "Missing required provider",
	} {
		if strings.Contains(words, t) {
			return true
		}
	}
	return false
}

// LockSlipped says whether a lock in S3 was held when it was asked for and gone
// when Terraform looked who holds it: instead of waiting it fails, and nothing
// has begun.
func LockSlipped(words string) bool {
	words = unwrapped(words)
	return strings.Contains(words, "Error acquiring the state lock") &&
		strings.Contains(words, "PreconditionFailed") && strings.Contains(words, "NoSuchKey")
}

// StalePlan says whether the words of a failed apply mean that the state is
// another than the plan was made for: nothing was changed.
func StalePlan(words string) bool { return strings.Contains(unwrapped(words), "Saved plan is stale") }

// Advice returns what to do next about a fault, or "" where Terraform's own
// words are enough. exec is what runs a Terraform command in the unit, as people
// type it.
func Advice(summary, detail string, exec func(args ...string) string) string {
	if lock, ok := ParseLock(summary, detail); ok {
		return "the state is locked by " + lock.Who + " since " + lock.Created + " (" + lock.Operation +
			"): wait for that run to end; if it is dead, `" + exec("force-unlock", lock.ID) + "`"
	}
	words := unwrapped(summary + "\n" + detail)
	switch {
	case strings.Contains(words, "does not match configured version") || strings.Contains(words, "Unsupported Terraform Core version"):
		return "run the Terraform version that required_version asks for"
	case strings.Contains(words, "doesn't match any of the checksums previously recorded in the dependency lock file") ||
		strings.Contains(words, "the cached package for") && strings.Contains(words, "lock file"):
		return "the committed .terraform.lock.hcl has no checksum for this platform: add it with `terraform providers lock -platform=…` and commit the file"
	case strings.Contains(words, "Provider dependency changes detected"):
		return "the committed .terraform.lock.hcl lacks a provider: `" + exec("init", "-upgrade") + "`, then commit the file"
	case strings.Contains(words, "no valid credential sources") || strings.Contains(words, "No valid credential sources"):
		return "no cloud credentials were found: set them in the environment (for AWS: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
	case strings.Contains(words, "Backend configuration changed") || strings.Contains(words, "Backend initialization required") ||
		strings.Contains(words, "Can't ask approval for state migration"):
		return "the backend was changed: move the state with `" + exec("init", "-migrate-state") + "`, or, where it has been moved already, `" + exec("init", "-reconfigure") + "`"
	case strings.Contains(words, "Saved plan is stale"):
		return "the state changed after the plan was made: run it again"
	}
	return ""
}

// NoState says whether the words of a failed `state list` mean that there is no
// state at all.
func NoState(words string) bool { return strings.Contains(words, "No state file was found") }
