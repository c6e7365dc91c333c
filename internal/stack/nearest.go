package stack

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// nearest lists the candidates that the word may have been meant for, the
// likeliest first, at most limit of them.
func nearest(word string, candidates []string, limit int) []string {
	type near struct {
		word     string
		distance int
	}
	lower := strings.ToLower(word)
	var found []near
	for _, c := range candidates {
		reach := max(1, min(len(word), len(c))/3)
		if d := distance(lower, strings.ToLower(c)); d <= reach && d < max(len(word), len(c)) {
			found = append(found, near{c, d})
		}
	}
	slices.SortFunc(found, func(a, b near) int {
		return cmp.Or(a.distance-b.distance, strings.Compare(a.word, b.word))
	})
	found = slices.Compact(found)
	var words []string
	for _, n := range found[:min(limit, len(found))] {
		words = append(words, n.word)
	}
	return words
}

// distance is how many letters have to be changed; two that changed places are
// one.
func distance(a, b string) int {
	d := levenshtein.Distance(a, b, nil)
	if d == 2 && len(a) == len(b) && sortedLetters(a) == sortedLetters(b) {
		return 1
	}
	return d
}

func sortedLetters(s string) string {
	letters := []byte(s)
	slices.Sort(letters)
	return string(letters)
}

// suggest ends a message about an unknown word: with the nearest right one, or
// else with all there are.
func suggest(word string, candidates []string) string {
	if near := nearest(word, candidates, 1); len(near) > 0 {
		return fmt.Sprintf(": did you mean %q?", near[0])
	}
	if len(candidates) == 0 {
		return ""
	}
	sorted := slices.Sorted(slices.Values(candidates))
	return " (there are " + enumerate(sorted, 12) + ")"
}

// alternatives joins words of which one is meant.
func alternatives(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// enumerate joins words with commas, and counts those beyond limit.
func enumerate(words []string, limit int) string {
	if len(words) <= limit {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:limit], ", "), len(words)-limit)
}
