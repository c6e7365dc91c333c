package ledger

import "time"

// DriftPoint is what one run found that looked for drift.
type DriftPoint struct {
	Time       time.Time `json:"time"`
	Run        string    `json:"run"`
	Units      int       `json:"units"`      // that drifted
	Attributes int       `json:"attributes"` // that drifted, or resources as a whole
	Ignored    int       `json:"ignored"`
	Failed     int       `json:"failed"` // units of which nothing is known: failed, or not looked at
}

// drift has a point for each run that looked for drift. One that has no units
// looked at nothing: it is no sign that there was none.
func drift(entries []*Entry) []DriftPoint {
	points := []DriftPoint{}
	for _, e := range entries {
		if e.Verb != driftVerb || len(e.Units) == 0 {
			continue
		}
		point := DriftPoint{Time: e.Started, Run: e.Run}
		for i := range e.Units {
			u := &e.Units[i]
			if len(u.Drift) > 0 {
				point.Units++
			}
			point.Attributes += len(u.Drift)
			point.Ignored += u.Ignored
			switch u.Result {
			case failed, "not run", "refused", "interrupted":
				point.Failed++
			}
		}
		points = append(points, point)
	}
	return points
}
