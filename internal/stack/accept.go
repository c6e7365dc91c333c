package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// AddBaseline adds entries to drift.baseline in the text of a strata.yaml, and
// leaves all else in it as it is, to the byte. An entry that is there already
// (the same unit, resource and attribute) and lasts as long is left; one that
// ends sooner gets the new reason, owner and last day in its place, so that the
// list does not grow with each renewal. Where the text cannot be changed so that
// it says exactly this, nothing is, and the error has what to write by hand.
func AddBaseline(data []byte, entries []Baseline) ([]byte, error) {
	old, err := parseConfig(data)
	if err != nil {
		return nil, err
	}
	if err := writable(entries); err != nil {
		return nil, err
	}
	renewed, added := merge(old.Drift.Baseline, entries)
	if len(renewed) > 0 {
		if data, old, err = change(data, old, renewed, nil); err != nil {
			return nil, err
		}
	}
	if len(added) > 0 {
		if data, _, err = change(data, old, nil, added); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// writable refuses entries that strata.yaml could not hold.
func writable(entries []Baseline) error {
	if len(entries) == 0 {
		return nil
	}
	cfg, err := parseConfig([]byte(blockDrift(entries)))
	var faulty *ConfigError
	if errors.As(err, &faulty) {
		messages := make([]string, len(faulty.Problems))
		for i, p := range faulty.Problems {
			messages[i] = p.Message // the places are not those of the file
		}
		return fmt.Errorf("accept: %s", strings.Join(messages, "\naccept: "))
	}
	if err == nil && !slices.Equal(cfg.Drift.Baseline, entries) {
		err = errors.New("accept: a text is not UTF-8, or a date is none")
	}
	return err
}

// same says whether two entries accept the same differences.
func (b Baseline) same(other Baseline) bool {
	return b.Unit == other.Unit && b.Resource == other.Resource && b.Attribute == other.Attribute
}

// merge finds which entries take the place of one that is there, by its index,
// and which are new.
func merge(there, entries []Baseline) (renewed map[int]Baseline, added []Baseline) {
	renewed = map[int]Baseline{}
	for _, entry := range entries {
		at := -1 // of those that are the same, the one that lasts longest
		for i, b := range there {
			if b.same(entry) && (at < 0 || b.Until.After(there[at].Until)) {
				at = i
			}
		}
		if at >= 0 {
			if last, ok := renewed[at]; !ok && entry.Until.After(there[at].Until) || ok && entry.Until.After(last.Until) {
				renewed[at] = entry
			}
			continue
		}
		if i := slices.IndexFunc(added, entry.same); i < 0 {
			added = append(added, entry)
		} else if entry.Until.After(added[i].Until) {
			added[i] = entry
		}
	}
	return renewed, added
}

// change writes entries over others, or adds some. Of the ways to do it, the
// first is taken whose result says what it is to say.
func change(data []byte, old *Config, renewed map[int]Baseline, added []Baseline) ([]byte, *Config, error) {
	wanted := *old
	wanted.Drift.Baseline = append(slices.Clone(old.Drift.Baseline), added...)
	for i, entry := range renewed {
		wanted.Drift.Baseline[i] = entry
	}
	text, err := newSource(data)
	if err != nil {
		return nil, nil, err
	}
	var ways [][]edit
	if len(added) > 0 {
		ways = text.additions(added)
	} else if edits, ok := text.renewals(old.Drift.Baseline, renewed); ok {
		ways = append(ways, edits)
	}
	for _, edits := range ways {
		result, ok := text.apply(edits)
		if !ok {
			continue
		}
		if cfg, err := parseConfig(result); err == nil && equal(cfg, &wanted) {
			return result, cfg, nil
		}
	}
	return nil, nil, byHand(renewed, added)
}

// equal compares configurations; the order of the entries means nothing, nor
// does whether a list without any is written.
func equal(a, b *Config) bool {
	return fingerprint(a) == fingerprint(b)
}

func fingerprint(c *Config) string {
	sorted := *c
	sorted.Drift.Baseline = slices.SortedFunc(slices.Values(c.Drift.Baseline), func(a, b Baseline) int {
		return strings.Compare(fmt.Sprintf("%#v", a), fmt.Sprintf("%#v", b))
	})
	text, _ := json.Marshal([]any{sorted, c.Policy.Given, c.Scan.Given, c.Scan.Compliance.Given}) // texts and numbers only
	return string(text)
}

func byHand(renewed map[int]Baseline, added []Baseline) error {
	entries := added
	for _, i := range slices.Sorted(maps.Keys(renewed)) {
		entries = append(entries, renewed[i])
	}
	what := "added to"
	if len(renewed) > 0 {
		what = "renewed in"
	}
	return fmt.Errorf("accept: the entries cannot be %s %s without changing more of it: write them by hand\n%s", what, ConfigFile, blockDrift(entries))
}
