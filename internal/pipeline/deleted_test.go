package pipeline

import (
	"slices"
	"testing"

	"github.com/strata-tf/strata/internal/record"
)

func TestInReverse(t *testing.T) {
	of := func(unit string, needs ...string) record.Record { return record.Record{Unit: unit, Needs: needs} }
	for _, test := range []struct {
		name string
		gone []record.Record
		want []string
	}{
		{"none", nil, nil},
		{"what needs others first", []record.Record{of("a"), of("b", "a"), of("c", "b", "a")}, []string{"c", "b", "a"}},
		{"needs that stay", []record.Record{of("a", "stays"), of("b", "a")}, []string{"b", "a"}},
		{"needs of different commits", []record.Record{of("a", "b"), of("b", "a")}, []string{"a", "b"}},
	} {
		var got []string
		for _, r := range inReverse(test.gone) {
			got = append(got, r.Unit)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, not %v", test.name, got, test.want)
		}
	}
}
