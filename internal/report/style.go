package report

// style colours text for a terminal, or leaves it as it is.
type style struct{ on bool }

func (s style) paint(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) bold(text string) string   { return s.paint("1", text) }
func (s style) dim(text string) string    { return s.paint("2", text) }
func (s style) red(text string) string    { return s.paint("31", text) }
func (s style) green(text string) string  { return s.paint("32", text) }
func (s style) yellow(text string) string { return s.paint("33", text) }

// result colours text by what a result means for people.
func (s style) result(result Result, text string) string {
	switch result {
	case Applied, Destroyed, Succeeded, InSync:
		return s.green(text)
	case Planned, Provisional, Deferred, Drifted, Pending, DriftedPending, Unmanaged:
		return s.yellow(text)
	case Unchanged, NotRun:
		return s.dim(text)
	default:
		return s.red(text)
	}
}

// unit colours text by the result of a unit, and by how severe its drift is.
func (s style) unit(u *Unit, text string) string {
	if isDrifted(u) && u.severity() == "high" {
		return s.red(text)
	}
	return s.result(u.Result, text)
}

// run colours text by how a run ended: as the worst of its units and findings
// where it came out well.
func (s style) run(run *Run, text string) string {
	outcome := run.outcome()
	if outcome != Succeeded {
		return s.result(outcome, text)
	}
	for i := range run.Units {
		u := &run.Units[i]
		switch u.Result {
		case Drifted, DriftedPending:
			if u.severity() == "high" {
				return s.red(text)
			}
			outcome = u.Result
		case Pending, Unmanaged:
			outcome = u.Result
		}
	}
	if outcome == Succeeded && run.warns() {
		return s.yellow(text)
	}
	return s.result(outcome, text)
}

// severity colours text by the severity of a difference.
func (s style) severity(severity, text string) string {
	switch severity {
	case "high":
		return s.red(text)
	case "low":
		return text
	default:
		return s.yellow(text)
	}
}

// action colours text by what an action does to a resource.
func (s style) action(action, text string) string {
	switch action {
	case "create", "import":
		return s.green(text)
	case "delete", "replace", "forget":
		return s.red(text)
	case "update":
		return s.yellow(text)
	default:
		return text
	}
}
