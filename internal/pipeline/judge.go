package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/terraform"
)

// accepted begins the words on a difference that strata.yaml's baseline accepts.
const accepted = "accepted until "

// deletion, as the attribute of an entry, is the resource's deletion and nothing
// else of it.
const deletion = "(deleted)"

// judge sorts what differs: into drift, and into what is ignored since it is
// accepted or means nothing. Nothing is left out.
func (l *looking) judge(r *unitRun, drift *terraform.Drift) {
	j := judging{looking: l, unit: r.unit, now: time.Now(), ended: make(map[string]bool)}
	for _, d := range drift.Resources {
		j.resource(d)
	}
	for _, d := range drift.Noise {
		for _, a := range d.Attributes {
			j.ignore(d, meaningless(a.Noise), a)
		}
	}
	for _, text := range sortedKeys(j.ended) {
		r.warn(text)
	}
	slices.SortStableFunc(j.drift, func(a, b report.Difference) int {
		return cmp.Or(report.CompareSeverity(a.Severity, b.Severity), strings.Compare(a.Address, b.Address))
	})
	r.result.Drift, r.result.Ignored = j.drift, j.ignored
}

// judging is one unit's differences while they are sorted.
type judging struct {
	*looking
	unit  *stack.Unit
	now   time.Time
	ended map[string]bool // words on entries of the baseline that accept no more

	drift, ignored []report.Difference
}

func (j *judging) resource(d terraform.DriftedResource) {
	kept := report.Difference{Address: d.Address, Action: d.Action}
	if d.Action == terraform.DriftDeleted {
		if why := j.acceptedBy(d.Address, ""); why != "" {
			j.ignore(d, why)
			return
		}
		kept.Severity = j.config.DriftSeverity(d.Type, "")
		j.drift = append(j.drift, kept)
		return
	}
	for _, a := range d.Attributes {
		if why := j.acceptedBy(d.Address, a.Path); why != "" {
			j.ignore(d, why, a)
			continue
		}
		kept.Attributes = append(kept.Attributes, report.Attribute(a.ValueChange))
		if severity := j.config.DriftSeverity(d.Type, a.Path); kept.Severity == "" || report.CompareSeverity(severity, kept.Severity) < 0 {
			kept.Severity = severity
		}
	}
	if len(kept.Attributes) > 0 {
		j.drift = append(j.drift, kept)
	}
}

// ignore lists a difference, or attributes of one, as ignored.
func (j *judging) ignore(d terraform.DriftedResource, why string, attributes ...terraform.DriftedAttribute) {
	last := len(j.ignored) - 1
	if last < 0 || j.ignored[last].Address != d.Address || j.ignored[last].Why != why {
		j.ignored = append(j.ignored, report.Difference{Address: d.Address, Action: d.Action, Why: why})
		last++
	}
	for _, a := range attributes {
		j.ignored[last].Attributes = append(j.ignored[last].Attributes, report.Attribute(a.ValueChange))
	}
}

// meaningless says why a difference of a kind is none.
func meaningless(noise string) string {
	switch noise {
	case terraform.NoiseEmpty:
		return `null, {}, [] and "" are one`
	case terraform.NoiseOrder:
		return "the same elements in another order"
	case terraform.NoiseMirror:
		return "tags tells it"
	case terraform.NoiseManaged:
		return "another resource of the unit manages it"
	case terraform.NoiseComputed:
		return "it goes by itself, or with what is told"
	}
	return noise
}

// acceptedBy is the words on the entry of strata.yaml's baseline that accepts a
// difference, "" where none does; entries that have ended are collected.
func (j *judging) acceptedBy(address, attribute string) string {
	was := ""
	for _, b := range j.config.Drift.Baseline {
		if attribute == "" && b.Attribute == deletion {
			b.Attribute = ""
		}
		switch {
		case !b.Matches(j.unit, address, attribute):
		case b.Expired(j.now):
			was = fmt.Sprintf("%s was accepted until %s (%s, %s), and counts again: set it back, or accept it anew", b.Resource, b.Until, b.Reason, b.Owner)
		default:
			return fmt.Sprintf("%s%s by %s: %s", accepted, b.Until, b.Owner, b.Reason)
		}
	}
	if was != "" {
		j.ended[was] = true
	}
	return ""
}

// accepts says whether something of the unit is ignored because it is accepted.
func accepts(ignored []report.Difference) bool { return slices.ContainsFunc(ignored, isAccepted) }

func isAccepted(d report.Difference) bool { return strings.HasPrefix(d.Why, accepted) }
