// Package storetest tests the ledger in the store that it is kept in.
package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/strata-tf/strata/internal/ledger"
)

const environment = "staging"

// entry is a run of 12 units, a few of which changed or drifted.
func entry(i int) ledger.Entry {
	started := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * 37 * time.Minute)
	e := ledger.Entry{
		Run: fmt.Sprintf("%s-%06x", started.Format("20060102T150405Z"), i), Verb: []string{"plan", "deploy", "drift", "plan"}[i%4],
		Environment: environment, Commit: fmt.Sprintf("%040x", i*7919), Who: "github:deploy-bot",
		Link: fmt.Sprintf("https://github.com/acme/infrastructure/actions/runs/%d", 9_000_000_000+i), Version: "1.4.0",
		Started: started, Seconds: 31.25 + float64(i%97), Result: "succeeded",
	}
	for j := range 12 {
		u := ledger.Unit{
			ID: fmt.Sprintf("clients/client-%02d@us-east-1:staging", j), Path: fmt.Sprintf("regions/us-east-1/clients/client-%02d/staging", j),
			Layer: "clients", Region: "us-east-1", Instance: fmt.Sprintf("client-%02d", j), Result: "unchanged", Seconds: 6.5 + float64(j),
			Changes: &ledger.Changes{}, State: &ledger.State{Bytes: int64(180_000 + i*j), Serial: int64(i), Resources: 120 + i/500},
		}
		switch {
		case e.Verb == "deploy" && j%4 == 0:
			u.Result, u.Changes = "applied", &ledger.Changes{Add: 2, Change: 5, Outputs: 1}
		case e.Verb == "drift" && j%6 == 0:
			u.Result, u.Ignored, e.ExitCode = "drifted", 2, 2
			for k := range 3 {
				u.Drift = append(u.Drift, ledger.Drift{
					Address: fmt.Sprintf(`module.network.aws_security_group.this["%d"]`, k), Action: "changed", Path: "ingress[0].cidr_blocks", Severity: "high",
				})
			}
		case i%50 == 0 && j == 11:
			u.Result, u.Reason, u.Changes, u.State, e.Result, e.ExitCode = "failed", "terraform plan: error acquiring the state lock", nil, nil, "failed", 1
		}
		e.Units = append(e.Units, u)
	}
	return e
}

// BenchmarkHistory10000 reads 10,000 entries of a file:// store and computes
// the history.
func BenchmarkHistory10000(b *testing.B) {
	const n = 10_000
	url := newFolder(b)
	s := open(b, url)
	var wg sync.WaitGroup
	for at := range 64 {
		wg.Go(func() {
			for i := at; i < n; i += 64 {
				if err := ledger.Write(b.Context(), s, entry(i)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for b.Loop() {
		var entries []ledger.Entry
		for e, err := range ledger.Newest(b.Context(), s, environment) {
			if err != nil {
				b.Fatal(err)
			}
			entries = append(entries, e)
		}
		h := ledger.Compute(environment, entries, nil)
		if h.Total != n || len(h.Growth) != 12 || len(h.Verbs) != 3 {
			b.Fatalf("%d entries, %d units, %d verbs", h.Total, len(h.Growth), len(h.Verbs))
		}
	}
}
