//go:build aliases

package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/dagger"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/terraform"
)

// exported is a folder's content.
func exported(t *testing.T, dir *dagger.Directory) files {
	t.Helper()
	to := t.TempDir()
	if _, err := dir.Export(context.WithoutCancel(t.Context()), to); err != nil {
		t.Fatal(err)
	}
	found, err := diskFiles(to)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestPlanShowsWhatADeployWouldDoAndChangesNothing(t *testing.T) {
	f := newFixture(t)
	p, err := call(t.Context(), f.module().Plan, "All", true)
	if err != nil {
		t.Fatal(err)
	}
	if applied := f.tf.began("apply"); len(applied) > 0 {
		t.Errorf("plan applied: %v", applied)
	}
	wantText(t, p.Summary, foundationID, "planned", "provisional")
	wantText(t, p.Markdown, foundationID, "Terraform will perform the following actions")
	var run report.Run
	if err := json.Unmarshal([]byte(p.Json), &run); err != nil {
		t.Fatal(err)
	}
	if run.Verb != "plan" || len(run.Units) != 3 || run.Logs != "" {
		t.Errorf("run: %+v", run)
	}
	if diff := cmp.Diff(terraform.ShowTextArgs(privateDir+"/plan.tfplan"), f.terraformSteps()[3].Command[1:]); diff != "" {
		t.Errorf("the text for people (-want +got):\n%s", diff)
	}
}

func TestPlanBundleHoldsThePlansAndNoSecretBesides(t *testing.T) {
	f := newFixture(t)
	p, err := call(t.Context(), f.module().Plan, "All", true)
	if err != nil {
		t.Fatal(err)
	}
	bundle := exported(t, p.Bundle)
	for name, content := range bundle {
		if strings.HasSuffix(name, "plan.tfplan") {
			if made := f.step("plan", strings.TrimPrefix(readPlanDir(t, content.data), sourceDir+"/")); made.Files[privateDir+"/plan.tfplan"] != content.data {
				t.Errorf("%s is not what Terraform wrote", name)
			}
			continue
		}
		wantNoText(t, name, content.data, clusterToken, dbPassword)
	}
	var names []string
	for name := range bundle {
		names = append(names, name[strings.LastIndex(name, "/")+1:])
	}
	slices.Sort(names)
	want := []string{"log.txt", "log.txt", "log.txt", "plan.json", "plan.json", "plan.json", "plan.tfplan", "plan.tfplan", "plan.tfplan", "run.json"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("bundle (-want +got):\n%s", diff)
	}
	wantNoText(t, "the plan's texts", p.Summary+p.Markdown+p.Json, clusterToken, dbPassword)
}

func readPlanDir(t *testing.T, data string) string {
	t.Helper()
	var saved savedPlan
	if err := json.Unmarshal([]byte(data), &saved); err != nil {
		t.Fatal(err)
	}
	return saved.Dir
}

func TestPlanWithDetailedExitcodeFailsWhereSomethingWouldChange(t *testing.T) {
	f := newFixture(t)
	s := f.module()
	_, err := call(t.Context(), s.Plan, "All", true, "DetailedExitcode", true)
	wantError(t, err, 2, "UNIT", foundationID, "planned")
	f.deploy(s)
	if _, err := call(t.Context(), s.Plan, "All", true, "DetailedExitcode", true); err != nil {
		t.Errorf("nothing would change: %v", err)
	}
}

func TestPlanOfAUnitWhoseValueDoesNotExistIsDeferred(t *testing.T) {
	f := newFixture(t)
	f.tf.unit(foundation).outputs["vpc_id"] = fakeOutput{value: vpcID, unknown: true}
	p, err := call(t.Context(), f.module().Plan, "All", true)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, p.Summary, "deferred", foundationID+" has no vpc_id yet")
	if planned := f.tf.began("plan"); len(planned) != 1 {
		t.Errorf("planned: %v", planned)
	}
}
