//go:build aliases

package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const heldLock = "Error: Error acquiring the state lock\n\nError message: state is already locked\nLock Info:\n  ID:        11112222-3333\n  Path:      states/foundation\n  Operation: OperationTypeApply\n  Who:       ann@laptop\n  Version:   1.11.4\n  Created:   2026-01-02 03:04:05 UTC\n"

func TestLocalStateIsRefusedBeforeAnyStep(t *testing.T) {
	for name, code := range map[string]string{
		"no backend":      "terraform {}\n",
		"a local backend": "terraform {\n  backend \"local\" {}\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.repo[foundation+"/main.tf"] = code + "output \"vpc_id\" {\n  value = 1\n}\n"
			_, err := call(t.Context(), f.module().Deploy, "All", true)
			wantError(t, err, 1, foundationID, "its state is a local file, which would be lost with the container", "remote backend", "natively")
			if steps := f.ran("terraform"); len(steps) > 0 {
				t.Errorf("%q ran", steps[0].Command)
			}
		})
	}
}

func TestAFailureStopsWhatNeedsItAndIsTheError(t *testing.T) {
	f := newFixture(t)
	f.tf.unit(platform).applyError = "Error: quota exceeded\n\nYou have no more of it."
	text, err := call(t.Context(), f.module().Deploy, "All", true)
	wantError(t, err, 1, "UNIT", foundationID+"    applied", platformID+"      failed", "quota exceeded", "You have no more of it.",
		clientID+"  not run", platformID+" failed", "1 applied, 1 failed, 1 not run")
	if text != "" {
		t.Errorf("a value beside the error: %s", text)
	}
	if n := len(f.tf.began("init")); n != 1+2 {
		t.Errorf("%d inits", n)
	}
	wantNoText(t, "the error", err.Error(), "log.txt") // nobody can look into it
}

func TestFailFastStartsNoFurtherUnit(t *testing.T) {
	f := newFixture(t)
	west := strings.Replace(foundation, "us-east-1", "us-west-2", 1)
	f.repo[west+"/main.tf"] = unitCode("west", "")
	f.tf.unit(foundation).planError = "Error: broken"
	_, err := call(t.Context(), f.module().Deploy, "All", true, "FailFast", true, "Parallelism", 1)
	wantError(t, err, 1, "foundation@us-west-2:staging", "another unit failed (--fail-fast)")
}

func TestAHeldLockIsReportedWithItsHolder(t *testing.T) {
	f := newFixture(t)
	f.tf.unit(foundation).planError = heldLock
	_, err := call(t.Context(), f.module().Deploy, "Only", []string{"foundation"})
	wantError(t, err, 1, "Error acquiring the state lock", "ann@laptop", "2026-01-02 03:04:05 UTC", "11112222-3333")
	if n := len(f.tf.began("plan")); n != 1 {
		t.Errorf("planned %d times", n)
	}
}

func TestAnInitThatTheNetworkFailedIsTriedAgain(t *testing.T) {
	f := newFixture(t)
	f.tf.unit(foundation).initErrors = []string{"Error: Failed to query available provider packages\n\nconnection reset by peer"}
	if _, err := call(t.Context(), f.module().Deploy, "Only", []string{"foundation"}); err != nil {
		t.Fatal(err)
	}
	nonces := make(map[string]bool)
	for _, x := range f.terraformSteps() {
		if x.Command[1] == "init" {
			nonces[x.Env["STRATA_NONCE"]] = true
		}
	}
	if len(nonces) != 2 {
		t.Errorf("init ran with %d nonces, want 2: a failure would be served again", len(nonces))
	}
}

func TestAnInitThatFailsForGoodIsNotTriedAgain(t *testing.T) {
	f := newFixture(t)
	f.tf.unit(foundation).initErrors = []string{"Error: Invalid backend configuration\n\nno such argument"}
	_, err := call(t.Context(), f.module().Deploy, "Only", []string{"foundation"})
	wantError(t, err, 1, "Invalid backend configuration", "no such argument", "init failed")
	if n := len(f.tf.began("plan")); n > 0 {
		t.Error("it was planned nevertheless")
	}
}

func TestAStateThatTheBackendDidNotTakeIsRescued(t *testing.T) {
	const state = `{"serial":7,"resources":["made"]}`
	f := newFixture(t)
	u := f.tf.unit(foundation)
	u.applyError, u.errored = "Error: Failed to save state\n\nPutObject: 503", state
	_, err := call(t.Context(), f.module().Deploy, "All", true)
	wantError(t, err, 1, "Failed to save state", foundationID, "its backend did not take the state", "--push")
	if got := f.volumes["strata-rescued"]; len(got) != 1 {
		t.Fatalf("rescued: %v", got)
	} else {
		for name, content := range got {
			if content.data != state || !strings.HasPrefix(name, "rescued/") {
				t.Errorf("%s holds %s", name, content.data)
			}
		}
	}
	wantNoText(t, "a query", f.sent(), "serial")

	// It waits, and blocks its unit, for every later run.
	u.applyError, u.errored = "", ""
	began := len(f.tf.began(""))
	_, err = call(t.Context(), f.module().Deploy, "Only", []string{"foundation"})
	wantError(t, err, 3, foundationID, "refused", "waits", "--push", "--discard")
	if steps := f.tf.began("")[began:]; len(steps) != 1 {
		t.Errorf("steps of a blocked unit: %v", steps)
	}

	s := f.module()
	list, err := s.Rescued(t.Context(), "", false, false, "")
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, list, foundationID)
	text, err := s.Rescued(t.Context(), foundationID, true, false, "")
	if err != nil || text != "pushed\n" {
		t.Fatalf("%q, %v", text, err)
	}
	if u.pushed != state {
		t.Errorf("pushed %q", u.pushed)
	}
	wantNoText(t, "a query", f.sent(), "serial")
	if left := f.volumes["strata-rescued"]; len(left) > 0 {
		t.Errorf("still waiting: %v", left)
	}
	if list, err := s.Rescued(t.Context(), "", false, false, ""); err != nil || list != "no rescued state waits\n" {
		t.Errorf("%q, %v", list, err)
	}
	wantText(t, f.deploy(f.module()), "applied")
}

func TestARescuedStateCanBeDiscarded(t *testing.T) {
	f := newFixture(t)
	u := f.tf.unit(foundation)
	u.applyError, u.errored = "Error: Failed to save state", "{}"
	_, _ = call(t.Context(), f.module().Deploy, "Only", []string{"foundation"})
	s := f.module()
	for _, wrong := range []struct {
		unit          string
		push, discard bool
	}{{"", true, false}, {"", false, true}, {foundationID, true, true}} {
		if _, err := s.Rescued(t.Context(), wrong.unit, wrong.push, wrong.discard, ""); err == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
	if _, err := s.Rescued(t.Context(), platformID, false, true, ""); err == nil {
		t.Error("a unit of which no state waits has one discarded")
	}
	if text, err := s.Rescued(t.Context(), foundationID, false, true, ""); err != nil || text != "discarded\n" {
		t.Fatalf("%q, %v", text, err)
	}
	if left := f.volumes["strata-rescued"]; len(left) > 0 {
		t.Errorf("still waiting: %v", left)
	}
}

func TestTheVolumeOfRescuedStatesIsUsedByOneAtATime(t *testing.T) {
	f := newFixture(t)
	f.tf.unit(foundation).applyError, f.tf.unit(foundation).errored = "Error: Failed to save state", "{}"
	_, _ = call(t.Context(), f.module().Deploy, "Only", []string{"foundation"})
	for _, x := range f.ran("") {
		for at, c := range x.Caches {
			if x.Name() == "terraform" {
				t.Errorf("a step of Terraform has the volume %s", at)
			}
			if c.sharing != "LOCKED" {
				t.Errorf("%q uses the volume %s at once with others: %q", x.Command, c.key, c.sharing)
			}
		}
	}
}

func TestAnArgumentThatMeansNothingIsRefused(t *testing.T) {
	f := newFixture(t)
	_, err := call(t.Context(), f.module().Deploy, "All", true, "LockTimeout", "soon")
	wantError(t, err, 1, "--lock-timeout", `"soon"`)
	_, err = call(t.Context(), f.module().Plan, "All", true, "LockTimeout", "5")
	wantError(t, err, 1, "--lock-timeout", "missing unit")
	_, err = call(t.Context(), f.module().Deploy, "All", true, "Env", "prod")
	wantError(t, err, 1, `"prod"`)
	_, err = call(t.Context(), f.module().Deploy, "Only", []string{"nowhere"})
	wantError(t, err, 1, `"nowhere"`)
	_, err = call(t.Context(), f.module().Plan)
	wantError(t, err, 1, "--all", "--source has no .git")
	_, err = call(t.Context(), f.module().Plan, "All", true, "Base", "main")
	wantError(t, err, 1, "--base", "say one")
	_, err = call(t.Context(), f.module().Plan, "Env", "staging", "Ref", "main")
	wantError(t, err, 1, "--env and --ref: say one")
	_, err = f.module().Exec(t.Context(), "nowhere", []string{"state", "list"}, "")
	wantError(t, err, 1, `"nowhere"`)
	if steps := f.ran("terraform"); len(steps) > 0 {
		t.Errorf("%q ran", steps[0].Command)
	}
}

func TestAnImageThatCannotBeHadIsNamed(t *testing.T) {
	for _, tool := range []string{"terraform", "alpine"} {
		f := newFixture(t)
		f.noImages = []string{images[tool]}
		_, err := call(t.Context(), f.module().Deploy, "All", true)
		wantError(t, err, 1, tool+": its image "+images[tool]+" cannot be had", "not found", "with-image --tool "+tool+" --image …")
		if steps := f.ran("terraform"); len(steps) > 0 {
			t.Errorf("%s is missing, and %q ran", tool, steps[0].Command)
		}
	}
	f := newFixture(t)
	f.noImages = []string{images["moto"]}
	_, err := f.bare().Demo(t.Context())
	wantError(t, err, 1, "moto: its image "+images["moto"]+" cannot be had", "with-image --tool moto --image …")
}

func TestATerraformThatIsTooOldIsRefused(t *testing.T) {
	f := newFixture(t)
	f.tf.version = "1.5.7"
	_, err := call(t.Context(), f.module().Deploy, "All", true)
	wantError(t, err, 1, "1.5.7", "1.6")
	if n := len(f.tf.began("init")); n > 0 {
		t.Errorf("%d inits", n)
	}
}

func TestProvidersThatCannotBeInstalledFailTheUnitInTerraformsWords(t *testing.T) {
	f := newFixture(t)
	f.installErrors = []string{"Error: Failed to query available provider packages\n\nThere is no version 5.0.0 of it."}
	_, err := call(t.Context(), f.module().Deploy, "Only", []string{"foundation"})
	wantError(t, err, 1, "Failed to query available provider packages", "There is no version 5.0.0 of it.", "init failed")
	if n := len(f.tf.began("plan")); n > 0 {
		t.Error("it was planned nevertheless")
	}
	wantText(t, f.deploy(f.module()), "3 applied") // a failure is not kept
}

func TestAnInstallationThatTheNetworkFailedIsTriedAgain(t *testing.T) {
	f := newFixture(t)
	f.installErrors = []string{"Error: Failed to query available provider packages\n\nconnection reset by peer"}
	if _, err := call(t.Context(), f.module().Deploy, "Only", []string{"foundation"}); err != nil {
		t.Fatal(err)
	}
}

func TestAnEngineThatGoesAwayFailsTheUnit(t *testing.T) {
	f := newFixture(t)
	f.answer = func(query string) error {
		if strings.Contains(query, `"apply"`) {
			return errors.New("connection to the engine is lost")
		}
		return nil
	}
	_, err := call(t.Context(), f.module().Deploy, "All", true)
	wantError(t, err, 1, foundationID, "failed", "connection to the engine is lost", "not run")
}

func TestACancelledDeployIsInterrupted(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.tf.unit(platform).before = func(_ context.Context, command string) {
		if command == "apply" {
			cancel()
		}
	}
	_, err := call(ctx, f.module().Deploy, "All", true)
	wantError(t, err, 130, foundationID+"    applied", platformID+"      interrupted", clientID+"  not run")
}

func TestADeployThatIsCancelledBeforeItStartsRunsNothing(t *testing.T) {
	f := newFixture(t)
	s := f.module()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := call(ctx, s.Deploy, "All", true)
	wantError(t, err, 1, "context canceled")
	if steps := f.ran(""); len(steps) > 0 {
		t.Errorf("%q ran", steps[0].Command)
	}
}

func TestExecReturnsWhatTheCommandPrints(t *testing.T) {
	f := newFixture(t)
	s := f.module()
	f.deploy(s)
	f.execs = nil
	text, err := s.Exec(t.Context(), foundationID, []string{"state", "list"}, "")
	if err != nil || text != "terraform_data.it\n" {
		t.Errorf("%q, %v", text, err)
	}
	if diff := cmp.Diff([]string{"terraform", "state", "list"}, f.step("state", foundation).Command); diff != "" {
		t.Errorf("argv (-want +got):\n%s", diff)
	}
	text, err = s.Exec(t.Context(), platform, []string{"output", "-json"}, "") // by its folder
	if err != nil || !strings.Contains(text, clusterToken) {
		t.Errorf("%q, %v", text, err)
	}
	wantNoText(t, "what the engine keeps", strings.Join(f.printed, "\n"), clusterToken)
}

func TestExecGivesACommandTheUnitsVariables(t *testing.T) {
	f := newFixture(t)
	s := f.module()
	f.deploy(s)
	f.execs = nil
	if _, err := s.Exec(t.Context(), clientID, []string{"plan", "-out=/tmp/p", "-detailed-exitcode"}, ""); err != nil {
		t.Fatal(err)
	}
	x := f.step("plan", client)
	want := []string{"terraform", "plan", "-var-file=/strata/values.auto.tfvars.json", "-out=/tmp/p", "-detailed-exitcode"}
	if diff := cmp.Diff(want, x.Command); diff != "" {
		t.Errorf("argv (-want +got):\n%s", diff)
	}
	wantText(t, x.Secrets["/strata/values.auto.tfvars.json"], clusterToken, dbPassword)
}

func TestExecFailsWithTheCommandsExitCode(t *testing.T) {
	f := newFixture(t)
	_, err := f.module().Exec(t.Context(), foundationID, []string{"state", "list"}, "")
	wantError(t, err, 1, "No state file was found!")
	f.tf.unit(foundation).initErrors = []string{"Error: no such bucket\n\nIt is gone."}
	_, err = f.module().Exec(t.Context(), foundationID, []string{"state", "list"}, "")
	wantError(t, err, 1, foundationID, "no such bucket", "It is gone.")
	f.commands["terraform"] = func(x *execution) outcome {
		if x.Command[1] == "version" {
			return f.tf.run(t.Context(), x)
		}
		return outcome{Code: map[bool]int{true: 42}[x.Command[1] == "validate"], Stdout: "out\n", Stderr: "err\n"}
	}
	_, err = f.module().Exec(t.Context(), foundationID, []string{"validate"}, "")
	wantError(t, err, 42, "out\n", "err\n")
}

func TestAVolumeThatCannotBeReadStopsTheRun(t *testing.T) {
	f := newFixture(t)
	f.commands["find"] = func(x *execution) outcome {
		if fetches(x) {
			return outcome{}
		}
		return outcome{Code: 1, Stderr: "input/output error"}
	}
	_, err := call(t.Context(), f.module().Deploy, "All", true)
	wantError(t, err, 1, "look for rescued states in the engine")
	if n := len(f.tf.began("init")); n > 0 {
		t.Errorf("%d inits", n)
	}
}

func TestAStateThatCannotBeKeptIsTold(t *testing.T) {
	f := newFixture(t)
	f.tf.unit(foundation).applyError, f.tf.unit(foundation).errored = "Error: Failed to save state", "{}"
	f.commands["cp"] = func(*execution) outcome { return outcome{Code: 1, Stderr: "no space left on device"} }
	_, err := call(t.Context(), f.module().Deploy, "Only", []string{"foundation"})
	wantError(t, err, 1, foundation+"/errored.tfstate", "a state that the backend did not take", "could not be kept")
}
