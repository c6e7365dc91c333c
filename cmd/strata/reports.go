package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/strata-tf/strata/internal/report"
)

// formats are what a result can be written as.
const formats = "table, json, markdown, junit or sarif"

// wantsDiff says whether the result is written as Markdown, which shows
// Terraform's own words on each plan.
func (f *runFlags) wantsDiff() bool {
	for _, said := range f.reports {
		if strings.HasPrefix(said, "markdown=") {
			return true
		}
	}
	return f.format == "markdown"
}

// checkReports refuses what cannot be written, before anything has run.
func (a *app) checkReports(f *runFlags) error {
	for _, said := range f.reports {
		format, name, ok := strings.Cut(said, "=")
		if !ok || name == "" {
			return fmt.Errorf("--report %s: it is FORMAT=FILE, such as sarif=findings.sarif", said)
		}
		if _, err := a.renderer(format); err != nil {
			return fmt.Errorf("--report %s: the format is %s", said, formats)
		}
	}
	return nil
}

// writeReports writes the result to the files that --report names, whatever it
// is: what is refused is what people want to read.
func (a *app) writeReports(f *runFlags, run *report.Run) error {
	var errs []error
	for _, said := range f.reports {
		format, name, _ := strings.Cut(said, "=")
		errs = append(errs, a.writeReport(format, name, run))
	}
	return errors.Join(errs...)
}

func (a *app) writeReport(format, name string, run *report.Run) error {
	render, err := a.renderer(format)
	if err != nil {
		return err
	}
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	if format == "table" { // for people who open the file, and no terminal
		return errors.Join(report.Table(file, run, report.TableOptions{}), file.Close())
	}
	return errors.Join(render(file, run), file.Close())
}
