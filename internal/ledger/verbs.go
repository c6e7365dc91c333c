package ledger

import (
	"maps"
	"slices"
)

// VerbStats tells how the runs of a verb went.
type VerbStats struct {
	Verb      string    `json:"verb"`
	Runs      int       `json:"runs"`
	Succeeded int       `json:"succeeded"`
	Rate      float64   `json:"rate"` // of success, 0 to 1
	Seconds   Durations `json:"seconds"`
}

// Durations are percentiles: durations that some run had, not between two.
type Durations struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

const (
	driftVerb = "drift"
	succeeded = "succeeded"
	failed    = "failed"
)

func verbs(entries []*Entry) []VerbStats {
	seconds := make(map[string][]float64)
	good := make(map[string]int)
	for _, e := range entries {
		seconds[e.Verb] = append(seconds[e.Verb], e.Seconds)
		if e.succeeded() {
			good[e.Verb]++
		}
	}
	stats := make([]VerbStats, 0, len(seconds))
	for _, verb := range slices.Sorted(maps.Keys(seconds)) {
		took := seconds[verb]
		slices.Sort(took)
		stats = append(stats, VerbStats{
			Verb: verb, Runs: len(took), Succeeded: good[verb], Rate: float64(good[verb]) / float64(len(took)),
			Seconds: Durations{percentile(took, 50), percentile(took, 90), percentile(took, 99), took[len(took)-1]},
		})
	}
	return stats
}

// succeeded says whether a run did what it was asked. One that looked for drift
// and found some did (exit code 2), unless it could not look at all units.
func (e *Entry) succeeded() bool {
	if e.Verb == driftVerb {
		return (e.ExitCode == 0 || e.ExitCode == 2) && e.Result != failed
	}
	return e.Result == succeeded
}

// percentile is the nearest rank: the least of the sorted values that p % of
// them do not exceed.
func percentile(sorted []float64, p int) float64 {
	return sorted[max(0, (p*len(sorted)+99)/100-1)]
}
