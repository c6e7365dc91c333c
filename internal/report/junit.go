package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"
)

const junitStamp = "2006-01-02T15:04:05" // in UTC: the schemas allow no zone

// JUnit writes a run as a test report that CI vendors show: one suite for the
// run and a case for each unit, and one for each tool that looked for findings,
// see junitCheck. What drifted, failed, was refused or was interrupted is a
// failure, what was not run is skipped. In a run that looks for drift, only drift
// is a failure: a unit that was not looked at is an error, and never skipped. An
// error of the run as a whole is a case of its own.
func JUnit(w io.Writer, run *Run) error {
	suite := newSuite(run, "", run.Seconds)
	suite.Properties, suite.Out = junitProperties(run), junitText(junitOut(run))
	for i := range run.Units {
		suite.add(junitUnit(run, &run.Units[i]))
	}
	suites, said := []junitSuite{suite}, suite.Failures+suite.Errors > 0
	for i := range run.Checks {
		check := junitCheck(run, &run.Checks[i])
		check.ID = len(suites)
		said = said || check.Failures+check.Errors > 0
		suites = append(suites, check)
	}
	if c := junitRun(run, said); c != nil {
		suites[0].add(*c)
	}
	data, err := xml.MarshalIndent(junitSuites{Suites: suites}, "", "  ")
	if err != nil {
		return fmt.Errorf("write the run as JUnit: %w", err)
	}
	_, err = io.WriteString(w, xml.Header+string(data)+"\n")
	return err
}

// newSuite is a suite without cases, of the run or of a tool.
func newSuite(run *Run, tool string, seconds float64) junitSuite {
	return junitSuite{
		Package: "strata", Name: "strata" + prefixed(run.Verb) + prefixed(run.Environment) + prefixed(tool), Host: "localhost",
		Time: junitTime(seconds), Timestamp: run.Started.UTC().Format(junitStamp),
	}
}

// What the schemas of Ant and of Jenkins have in common, the order included. The
// case of a finding has more, which Jenkins' schema and GitLab know: its place,
// and text though it passes.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		ID         int             `xml:"id,attr"`
		Package    string          `xml:"package,attr"`
		Name       string          `xml:"name,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Host       string          `xml:"hostname,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		Out        junitText       `xml:"system-out"`
		Err        junitText       `xml:"system-err"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr"`
		File    string        `xml:"file,attr,omitempty"`
		Line    int           `xml:"line,attr,omitempty"`
		Skipped *junitSkipped `xml:"skipped"`
		Error   *junitProblem `xml:"error"`
		Failure *junitProblem `xml:"failure"`
		Out     *junitText    `xml:"system-out"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
	junitProblem struct {
		Message string
		Type    string
		Text    []string
	}
	// junitText is text whose line ends stay as they are.
	junitText string
)

// MarshalXML implements xml.Marshaler.
func (t junitText) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	for _, token := range []xml.Token{start, xml.CharData(t), start.End()} {
		if err := e.EncodeToken(token); err != nil {
			return err
		}
	}
	return nil
}

// MarshalXML implements xml.Marshaler.
func (p *junitProblem) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	start.Attr = append(start.Attr,
		xml.Attr{Name: xml.Name{Local: "message"}, Value: p.Message},
		xml.Attr{Name: xml.Name{Local: "type"}, Value: p.Type})
	return junitText(junitLines(p.Text)).MarshalXML(e, start)
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

// junitUnit is the case of a unit.
func junitUnit(run *Run, u *Unit) junitCase {
	c := junitCase{Name: junitWord(u.ID), Class: junitWord(u.Layer), Time: junitTime(u.Seconds)}
	problem := &junitProblem{Message: junitWord(junitMessage(run, u)), Type: junitWord(resultWord(u.Result)), Text: junitDetails(run, u)}
	switch {
	case run.drifts(u):
		problem.Type = "drift"
		c.Failure = problem
	case u.Result == NotRun && run.Verb != driftVerb:
		c.Skipped = &junitSkipped{Message: problem.Message}
	case u.Result != NotRun && vote(u.Result) == 0: // came out well
	case run.Verb != driftVerb && (u.Result == Failed || u.Result == Refused || u.Result == Interrupted):
		c.Failure = problem
	default:
		c.Error = problem
	}
	return c
}

// junitRun is the case of the run as a whole: where it has an error, and where
// it did not come out well although no unit's case says so.
func junitRun(run *Run, said bool) *junitCase {
	outcome := run.outcome()
	if run.Error == "" && (said || outcome == Succeeded) {
		return nil
	}
	text := cleanLines(run.Error)
	message := string(outcome)
	if run.Error != "" {
		message = text[0]
	}
	return &junitCase{
		Name: "run", Class: "strata" + prefixed(run.Verb), Time: junitTime(run.Seconds),
		Error: &junitProblem{Message: junitWord(message), Type: string(outcome), Text: text},
	}
}

func junitTime(seconds float64) string { return fmt.Sprintf("%.3f", max(seconds, 0)) }

func junitProperties(run *Run) []junitProperty {
	properties := []junitProperty{{"result", junitWord(verdict(run))}}
	for _, p := range []junitProperty{{"run", run.ID}, {"verb", run.Verb}, {"environment", run.Environment}, {"commit", run.Commit}, {"since", run.Since}} {
		if p.Value != "" {
			properties = append(properties, junitProperty{p.Name, junitWord(p.Value)})
		}
	}
	if !run.Started.IsZero() {
		properties = append(properties, junitProperty{"started", run.Started.UTC().Format(time.RFC3339)})
	}
	return properties
}
