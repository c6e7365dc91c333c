//go:build aliases

package main

import (
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/terraform"
)

func TestDeployRunsUnitsAfterTheirNeeds(t *testing.T) {
	f := newFixture(t)
	text := f.deploy(f.module())
	wantText(t, text, foundationID+"    applied", "3 applied")
	var want []string
	for _, dir := range []string{foundation, platform, client} {
		for _, command := range []string{"init", "plan", "show", "apply"} {
			want = append(want, command+" "+dir)
		}
	}
	got := slices.DeleteFunc(f.tf.began(""), func(call string) bool {
		return strings.HasSuffix(call, " /src") || strings.HasSuffix(call, " /providers") || strings.HasPrefix(call, "output ")
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	text = f.deploy(f.module())
	wantText(t, text, "3 unchanged")
	if n := len(f.tf.began("apply")); n != 3 {
		t.Errorf("the second deploy applied %d units", n-3)
	}
}

func TestDeployRunsIndependentUnitsSideBySide(t *testing.T) {
	f := newFixture(t)
	beta := strings.Replace(client, "acme", "beta", 1)
	f.repo[beta+"/main.tf"] = strings.Replace(f.repo[client+"/main.tf"], "acme", "beta", 1)
	var both sync.WaitGroup
	both.Add(2)
	together := make(chan struct{})
	go func() { both.Wait(); close(together) }()
	for _, dir := range []string{client, beta} {
		f.tf.unit(dir).before = func(_ context.Context, command string) {
			if command == "apply" {
				both.Done()
				select {
				case <-together:
				case <-time.After(5 * time.Second):
					t.Error("the clients are applied one after the other")
				}
			}
		}
	}
	wantText(t, f.deploy(f.module(), "Parallelism", 2), "4 applied")
}

func TestStepsHaveTheNativeArguments(t *testing.T) {
	f := newFixture(t)
	f.repo["strata.yaml"] += `backend: {config: "backends/{env}.hcl", values: {region: eu-west-1}}
terraform: {lock-timeout: 7m}
`
	f.repo["backends/staging.hcl"] = "bucket = \"states\"\n"
	f.repo["common.tfvars"] = ""
	f.deploy(f.module(), "VarFile", []string{"common.tfvars"})

	planFile := privateDir + "/plan.tfplan"
	readonly := terraform.InitOptions{BackendConfig: "/src/backends/staging.hcl", BackendValues: map[string]string{"region": "eu-west-1"}, LockReadOnly: true}
	unlocked := readonly
	unlocked.LockReadOnly = false
	timeout := 7 * time.Minute
	values := privateDir + "/values.auto.tfvars.json"
	for _, test := range []struct {
		dir      string
		init     terraform.InitOptions
		varFiles []string
	}{
		{foundation, readonly, []string{"/src/common.tfvars"}},
		{platform, readonly, []string{"/src/common.tfvars", values}},
		{client, unlocked, []string{"/src/common.tfvars", values}},
	} {
		for command, want := range map[string][]string{
			"init":  terraform.InitArgs(test.init),
			"plan":  terraform.PlanArgs(terraform.PlanOptions{Out: planFile, LockTimeout: timeout, VarFiles: test.varFiles}),
			"show":  terraform.ShowArgs(planFile),
			"apply": terraform.ApplyArgs(planFile, timeout),
		} {
			x := f.step(command, test.dir)
			if diff := cmp.Diff(append([]string{"terraform"}, want...), x.Command); diff != "" {
				t.Errorf("%s of %s (-want +got):\n%s", command, test.dir, diff)
			}
			for name, value := range terraform.Env(nil) {
				if x.Env[name] != value {
					t.Errorf("%s of %s: %s=%q, natively %q", command, test.dir, name, x.Env[name], value)
				}
			}
		}
	}
}

func TestArgumentsOfAVerbReachTerraform(t *testing.T) {
	f := newFixture(t)
	if _, err := call(t.Context(), f.module().Deploy, "Only", []string{"foundation"}, "Region", []string{"us-east-1"}, "LockTimeout", "90s",
		"Target", []string{"aws_vpc.it"}, "Replace", []string{"terraform_data." + path.Base(path.Dir(foundation))}); err != nil {
		t.Fatal(err)
	}
	want := terraform.PlanArgs(terraform.PlanOptions{
		Out: privateDir + "/plan.tfplan", LockTimeout: 90 * time.Second, Targets: []string{"aws_vpc.it"}, Replace: []string{"terraform_data." + path.Base(path.Dir(foundation))},
	})
	if diff := cmp.Diff(want, f.step("plan", foundation).Command[1:]); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if got := f.tf.began("plan"); len(got) != 1 {
		t.Errorf("units that were not selected were planned: %v", got)
	}
	if _, err := call(t.Context(), f.module().Deploy, "Only", []string{"foundation"}, "WithDependents", true); err != nil {
		t.Fatal(err)
	}
	if got := f.tf.began("plan"); len(got) != 4 {
		t.Errorf("with-dependents planned %v", got[1:])
	}
}

func TestAUnitThatIsNotSelectedGivesItsValuesFromItsState(t *testing.T) {
	f := newFixture(t)
	f.deploy(f.module())
	before := len(f.terraformSteps())
	if _, err := call(t.Context(), f.module().Deploy, "Only", []string{"platform"}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range f.terraformSteps()[before:] {
		got = append(got, x.Command[1]+" "+strings.TrimPrefix(x.Workdir, sourceDir+"/"))
	}
	want := []string{"init " + foundation, "output " + foundation, "init " + platform, "plan " + platform}
	if diff := cmp.Diff(want, got[:4]); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	given := f.tf.unit(platform).given
	wantText(t, given[len(given)-1], vpcID)
}

func TestEveryStepIsFresh(t *testing.T) {
	f := newFixture(t)
	f.repo["strata.yaml"] += "hooks: {before-plan: [{run: [check], image: \"checker:1\"}]}\n"
	f.commands["check"] = func(*execution) outcome { return outcome{} }
	seen := make(map[string]string)
	check := func() {
		t.Helper()
		f.deploy(f.module())
		for _, x := range f.ran("") {
			name := x.Name() + " " + x.Command[1%len(x.Command)] + " in " + x.Workdir
			if fetches(x) || x.Workdir == "/providers" {
				continue // made of their input alone
			}
			nonce := x.Env["STRATA_NONCE"]
			if nonce == "" {
				t.Errorf("%s has no nonce", name)
			}
			if other, twice := seen[nonce]; twice && x.Name() != "cp" {
				t.Errorf("%s has the nonce of %s", name, other)
			}
			seen[nonce] = name
			if x.Name() != "terraform" {
				continue
			}
			if last := x.node.parent; last.name != "withEnvVariable" || last.text("name") != "STRATA_NONCE" {
				t.Errorf("%s: the nonce is not what stands right before it, but %s", name, last.name)
			}
		}
		f.mu.Lock()
		f.execs = nil
		f.mu.Unlock()
	}
	check()
	first := len(f.tf.began("plan"))
	check()
	if second := len(f.tf.began("plan")) - first; first != 3 || second != 3 {
		t.Errorf("planned %d units, then %d: want 3 each time", first, second)
	}
	if n := len(f.tf.began("init")); n != 2*3+1 {
		t.Errorf("%d inits, want one a unit and run, and one for the providers of both runs", n)
	}
}

func TestADeployLooksAgainAtWhatChangedBehindItsBack(t *testing.T) {
	f := newFixture(t)
	s := f.module()
	f.deploy(s)
	f.tf.unit(foundation).applied = "changed by hand"
	wantText(t, f.deploy(s), "1 applied, 2 unchanged")
}

func TestAPlanIsMadeOnceAndAppliedByteForByte(t *testing.T) {
	f := newFixture(t)
	f.deploy(f.module())
	for _, dir := range []string{foundation, platform, client} {
		made := f.step("plan", dir).Files[privateDir+"/plan.tfplan"]
		applied, ok := f.step("apply", dir).Read(privateDir + "/plan.tfplan")
		if !ok || made == "" || applied != made {
			t.Errorf("%s: planned %s, applied %s", dir, made, applied)
		}
	}
}

func TestDeployReturnsTheResultInTheFormatAskedFor(t *testing.T) {
	f := newFixture(t)
	var run report.Run
	if err := json.Unmarshal([]byte(f.deploy(f.module(), "Format", "json")), &run); err != nil {
		t.Fatal(err)
	}
	if run.Schema != report.Schema || run.Result != report.Succeeded || len(run.Units) != 3 || run.Logs != "" {
		t.Errorf("run: %+v", run)
	}
	wantText(t, f.deploy(f.module(), "Format", "markdown"), "|", foundationID)
	began := len(f.tf.began(""))
	_, err := call(t.Context(), f.module().Deploy, "All", true, "Format", "xml")
	wantError(t, err, 1, `"xml"`, "table, json, markdown, junit or sarif")
	if n := len(f.tf.began("")) - began; n != 0 {
		t.Errorf("%d steps ran before the format was refused", n)
	}
}

func TestDestroyGoesInReverseAndOnlyWhenConfirmed(t *testing.T) {
	f := newFixture(t)
	s := f.module()
	f.deploy(s)
	_, err := call(t.Context(), s.Destroy, "All", true)
	wantError(t, err, 3, "--confirm staging")
	_, err = call(t.Context(), s.Destroy, "All", true, "Confirm", "production")
	wantError(t, err, 3, `"production" is not the environment's name`)
	_, err = call(t.Context(), s.Destroy, "Only", []string{"foundation"}, "Confirm", "staging")
	wantError(t, err, 3, "still hold resources", platformID)
	if n := len(f.tf.began("apply")); n != 3 {
		t.Fatalf("a refused destroy applied %d plans", n-3)
	}
	text, err := call(t.Context(), s.Destroy, "All", true, "Confirm", "staging")
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, text, "3 destroyed")
	want := []string{"apply " + client, "apply " + platform, "apply " + foundation}
	if diff := cmp.Diff(want, f.tf.began("apply")[3:]); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
