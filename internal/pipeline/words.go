package pipeline

import (
	"strconv"
	"strings"
)

// Words are what people type to have something done: the native command and the
// Dagger module differ in nothing else that errors say.
type Words struct {
	Exec    func(unit string, args ...string) string // run a Terraform command in a unit
	Rescued func(unit, flag string) string           // push or discard a rescued state
	Secret  func(name string) string                 // give a secret: "set X, or …"
	Units   string                                   // list the units
}

// Native are the words of the native command.
func Native() Words {
	return Words{
		Exec: func(unit string, args ...string) string {
			return "strata exec " + unit + " -- " + strings.Join(args, " ")
		},
		Rescued: func(unit, flag string) string { return "strata rescued " + unit + " " + flag },
		Secret: func(name string) string {
			return "set " + SecretVariable(name) + ", or say --secret " + name + "=env:NAME or --secret " + name + "=file:PATH"
		},
		Units: "strata units",
	}
}

// words are those of the options, else the native ones.
func (s *session) words() Words {
	if s.Words.Exec == nil {
		return Native()
	}
	return s.Words
}

// exec is what people type to run a Terraform command in this unit.
func (r *unitRun) exec(args ...string) string { return r.words().Exec(r.unit.ID(), args...) }

// plural says a number of things.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
