package report

import (
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/finding"
)

// mdChecks is the table of tools: how many findings of each severity each told,
// and at how much it looked. Below it stands why tools told nothing, at most
// limit errors of each.
func mdChecks(b *strings.Builder, run *Run, limit int) {
	if len(run.Checks) == 0 {
		return
	}
	rows := [][]string{mdHeader()}
	for i := range run.Checks {
		rows = append(rows, mdCheck(&run.Checks[i]))
	}
	b.WriteString("\n")
	for n, row := range rows {
		row = filled(rows, row)
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if n == 0 {
			b.WriteString("|---|---" + strings.Repeat("|--:", len(row)-2) + "|\n")
		}
	}
	for i := range run.Checks {
		mdFailures(b, &run.Checks[i], limit)
	}
}

func mdHeader() []string {
	header := []string{"Tool", "Mode", "Findings"}
	for _, s := range finding.Severities() {
		header = append(header, string(s))
	}
	return append(header, "Undetermined", "Looked at", "Not counted", "Time")
}

// mdCheck is the row of a tool. A cell is empty where there is nothing to say.
func mdCheck(c *Check) []string {
	row := []string{mdText(c.named()), mdText(brief(c.Mode, toolUpTo)), thousands(len(c.Findings))}
	if len(c.Errors) > 0 && !c.told() {
		row[2] = "told nothing"
	}
	numbers := make([]int, len(finding.Severities()))
	for i := range c.Findings {
		numbers[hit{Finding: &c.Findings[i]}.gravity()]++
	}
	for _, n := range append(numbers, len(c.Undetermined)) {
		cell := ""
		if n > 0 {
			cell = thousands(n)
		}
		row = append(row, cell)
	}
	return append(row, thousands(c.Looked), mdText(c.leftText()), c.tookText())
}

// filled are the cells of a row without those of columns in which no row but
// the first has anything.
func filled(rows [][]string, row []string) []string {
	var cells []string
	for n, cell := range row {
		if slices.ContainsFunc(rows[1:], func(other []string) bool { return other[n] != "" }) {
			cells = append(cells, cell)
		}
	}
	return cells
}

func mdFailures(b *strings.Builder, c *Check, limit int) {
	label := "**Warning:** "
	if c.Fails() {
		label = "**Error:** "
	}
	for n, text := range c.Errors {
		if n == limit {
			b.WriteString("\n… and " + count(len(c.Errors)-n, "more error") + " of " + mdText(brief(c.Tool, toolUpTo)) + "\n")
			return
		}
		b.WriteString("\n" + label + mdText(brief(strings.Join(c.failure(text), " "), 500)) + "\n")
	}
}
