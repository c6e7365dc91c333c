package finding

import (
	"fmt"
	"slices"
	"strings"
)

// Severity is how grave a finding is.
type Severity string

// The severities, the gravest first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Info     Severity = "info"
)

// Severities returns all of them, the gravest first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low, Info} }

// ParseSeverity reads a severity as people write it.
func ParseSeverity(text string) (Severity, error) {
	s := Severity(strings.ToLower(text))
	if !slices.Contains(Severities(), s) {
		return "", fmt.Errorf("%q is not a severity: write critical, high, medium, low or info", text)
	}
	return s, nil
}

// SeverityOf reads a severity as a tool writes it. One that tells none, or one
// that nobody knows, is medium: neither below every threshold nor above all.
func SeverityOf(word string) Severity {
	if s, err := ParseSeverity(word); err == nil {
		return s
	}
	return Medium
}

// AtLeast says whether the severity is as grave as another.
func (s Severity) AtLeast(other Severity) bool { return s.rank() >= other.rank() }

func (s Severity) rank() int {
	i := slices.Index(Severities(), s)
	if i < 0 {
		return SeverityOf(string(s)).rank()
	}
	return -i
}

// Threshold returns the findings that are at least as grave as least.
func Threshold(list []Finding, least Severity) []Finding {
	var grave []Finding
	for _, f := range list {
		if f.Severity.AtLeast(least) {
			grave = append(grave, f)
		}
	}
	return grave
}
