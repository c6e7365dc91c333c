package report

import (
	"slices"
)

// junitCheck is the suite of a tool: a case for each finding, which fails if the
// finding refuses and passes with its text if it only warns. A tool that told
// nothing is an error where it had to tell something, and skipped where it only
// warns. One that found nothing has a case that says at how much it looked.
func junitCheck(run *Run, c *Check) junitSuite {
	suite := newSuite(run, c.Tool, c.Seconds)
	for _, p := range []junitProperty{{"tool", c.Tool}, {"version", c.Version}, {"mode", c.Mode}, {"severity", string(c.Severity)}, {"looked", digits(c.Looked)}} {
		if p.Value != "" {
			suite.Properties = append(suite.Properties, junitProperty{p.Name, junitWord(p.Value)})
		}
	}
	suite.Out = junitText(junitLines([]string{c.reportText()}))
	for n := range c.Errors {
		suite.add(junitFailed(c, n))
	}
	named := make(map[string]int) // viewers take cases of one name for one
	for _, h := range c.hits() {
		one := junitHit(h)
		if named[one.Name]++; named[one.Name] > 1 {
			one.Name += " (" + digits(named[one.Name]) + ")"
		}
		suite.add(one)
	}
	if len(suite.Cases) == 0 {
		out := suite.Out
		suite.add(junitCase{Name: "no findings", Class: junitWord(c.Tool), Time: junitTime(c.Seconds), Out: &out})
	}
	return suite
}

// junitFailed is the case of one of the errors of a tool.
func junitFailed(c *Check, n int) junitCase {
	text := c.failure(c.Errors[n])
	one := junitCase{Name: "run" + numbered(n), Class: junitWord(c.Tool), Time: junitTime(0)}
	if c.Fails() {
		one.Error = &junitProblem{Message: junitWord(text[0]), Type: "error", Text: text}
	} else {
		out := junitText(junitLines(text))
		one.Skipped, one.Out = &junitSkipped{Message: junitWord(text[0])}, &out
	}
	return one
}

// junitHit is the case of a finding. Its name is the same in another commit: it
// has no line.
func junitHit(h hit) junitCase {
	c := junitCase{Name: junitWord(junitName(h)), Class: junitWord(h.Tool), Time: junitTime(0), File: junitWord(h.File), Line: max(h.Line, 0)}
	if h.refuses {
		c.Failure = &junitProblem{Message: junitWord(h.what()), Type: string(h.severity()), Text: h.details()}
	} else {
		out := junitText(junitLines(h.details()))
		c.Out = &out
	}
	return c
}

// junitName is the name of a finding: rule, place and resource.
func junitName(h hit) string {
	name := h.Rule
	for _, part := range slices.Compact([]string{h.Unit, h.File, h.Resource}) {
		if part != "" {
			name += " " + part
		}
	}
	return name + numbered(h.Occurrence)
}

// numbered tells apart what is the same but for its number, which counts from 0.
func numbered(n int) string {
	if n == 0 {
		return ""
	}
	return " #" + digits(n+1)
}
