package stack

import (
	"fmt"
	"slices"
	"strings"
)

// String is file:line:column, or as much of it as is known.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// compare orders positions by file, line and column.
func (p Position) compare(other Position) int {
	if c := strings.Compare(p.File, other.File); c != 0 {
		return c
	}
	if c := p.Line - other.Line; c != 0 {
		return c
	}
	return p.Column - other.Column
}

// Problem is something wrong at a place in a file.
type Problem struct {
	Pos     Position
	Message string
}

// String is the position and the message, on one line.
func (p Problem) String() string { return p.Pos.String() + ": " + p.Message }

// ConfigError lists all that is wrong with strata.yaml.
type ConfigError struct{ Problems []Problem }

// Error lists the problems, one a line.
func (e *ConfigError) Error() string { return lines(e.Problems) }

// ModuleError lists all that keeps a Terraform folder from being read.
type ModuleError struct{ Problems []Problem }

// Error lists the problems, one a line.
func (e *ModuleError) Error() string { return lines(e.Problems) }

func lines(problems []Problem) string {
	list := make([]string, len(problems))
	for i, p := range problems {
		list[i] = p.String()
	}
	return strings.Join(list, "\n")
}

// sortProblems orders problems by position and drops repeated ones.
func sortProblems(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		if c := a.Pos.compare(b.Pos); c != 0 {
			return c
		}
		return strings.Compare(a.Message, b.Message)
	})
	return slices.Compact(problems)
}
