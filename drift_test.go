//go:build aliases

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/strata-tf/strata/internal/ledger"
	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/terraform"
)

// reality is what is there of units' resources, by folder, where it is not what
// their states say. An apply sets it back.
type reality struct {
	mu    sync.Mutex
	value map[string]string
}

func (r *reality) set(dir, value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.value[dir] = value; value == "" {
		delete(r.value, dir)
	}
}

// reality makes the fake Terraform find what differs.
func (f *fixture) reality() *reality {
	r := &reality{value: make(map[string]string)}
	f.run = func(ctx context.Context, x *execution) outcome {
		result := f.command(ctx, x)
		dir := strings.TrimPrefix(x.Workdir, sourceDir+"/")
		r.mu.Lock()
		defer r.mu.Unlock()
		there, differs := r.value[dir]
		if x.Name() != "terraform" || !differs || result.Code == 1 {
			return result
		}
		switch x.Command[1] {
		case "plan":
			result.Code = terraform.PlanChanges
			result.Stdout += stream(map[string]any{"type": "resource_drift", "change": map[string]any{"action": "update"}})
		case "show":
			if !slices.Contains(x.Command, "-json") {
				break
			}
			var plan map[string]any
			if err := json.Unmarshal([]byte(result.Stdout), &plan); err != nil {
				f.t.Error(err)
			}
			resource := func(before, after string) []any {
				return []any{map[string]any{
					"address": "terraform_data.it", "mode": "managed", "type": "terraform_data", "name": "it", "provider_name": "terraform.io/builtin/terraform",
					"change": map[string]any{
						"actions": []string{"update"}, "before": map[string]any{"input": before}, "after": map[string]any{"input": after}, "after_unknown": map[string]any{},
					},
				}}
			}
			plan["resource_drift"], plan["resource_changes"], plan["output_changes"] = resource("declared", there), resource(there, "declared"), nil
			result.Stdout = encode(plan)
		case "apply":
			delete(r.value, dir)
		}
		return result
	}
	return r
}

// drift looks, which must end with a code.
func (f *fixture) drift(s *Strata, code int, args ...any) string {
	f.t.Helper()
	text, err := call(f.t.Context(), s.Drift, args...)
	if got := exitCode(err); got != code {
		f.t.Fatalf("exit code %d, not %d: %s%v", got, code, text, err)
	}
	if err != nil {
		if text != "" {
			f.t.Errorf("a value stands next to an error, which is lost: %s", text)
		}
		var coded *gqlerror.Error
		if errors.As(err, &coded) {
			return coded.Message
		}
		return err.Error()
	}
	return text
}

// deployed is a checkout that has been deployed, and the module for it.
func (f *fixture) deployed() (*checkout, *Strata) {
	f.t.Helper()
	c := newCheckout(f.t)
	c.commit(f.repo)
	s := f.here(c)
	f.deploy(s)
	return c, s
}

func TestDriftLooksEachTime(t *testing.T) {
	f := newFixture(t)
	there := f.reality()
	c, s := f.deployed()
	applied := len(f.tf.began("apply"))
	states := len(f.ran("cp"))
	wantText(t, f.drift(s, 0), "3 in sync")

	// One session, the same call: nothing of it is a hit in the cache.
	there.set(foundation, "changed by hand")
	for range 2 {
		wantText(t, f.drift(s, 2), foundationID, "terraform_data.it", `input: "declared" → "changed by hand"`, "1 drifted, 2 in sync")
	}
	there.set(foundation, "")
	wantText(t, f.drift(s, 0), "3 in sync")
	there.set(foundation, "changed again")
	wantText(t, f.drift(f.here(c), 2), "changed again")

	if n := len(f.tf.began("apply")) - applied; n != 0 {
		t.Errorf("%d plans were applied", n)
	}
	if n := len(f.ran("cp")) - states; n != 0 {
		t.Errorf("%d states were rescued", n)
	}
	planned := 0
	nonces := make(map[string]string)
	for _, x := range f.terraformSteps() {
		name := x.Command[1] + " of " + x.Workdir
		nonce := x.Env["STRATA_NONCE"]
		if other, twice := nonces[nonce]; twice || nonce == "" {
			t.Errorf("%s has the nonce %q of %s", name, nonce, other)
		}
		if last := x.node.parent; last.name != "withEnvVariable" || last.text("name") != "STRATA_NONCE" {
			t.Errorf("%s: the nonce is not what stands right before it, but %s", name, last.name)
		}
		if nonces[nonce] = name; !x.Hushed {
			t.Errorf("the engine sees what %s prints", name)
		}
		if x.Command[1] == "plan" && slices.Contains(x.Command, "-lock=false") {
			planned++
		}
	}
	if planned != 5*3 {
		t.Errorf("%d plans without a lock, not 3 of each of 5 calls", planned)
	}
	varFiles := []string{privateDir + "/values.auto.tfvars.json"}
	for dir, o := range map[string]terraform.PlanOptions{foundation: {NoLock: true}, client: {NoLock: true, VarFiles: varFiles}} {
		var last []string
		for _, x := range f.terraformSteps() {
			if x.Command[1] == "plan" && x.Workdir == sourceDir+"/"+dir {
				last = x.Command[1:]
			}
		}
		o.Out = privateDir + "/plan.tfplan"
		if diff := cmp.Diff(terraform.PlanArgs(o), last); diff != "" {
			t.Errorf("plan of %s (-want +got):\n%s", dir, diff)
		}
	}
}

func TestTheExitCodeOfDriftSaysWhatWasFound(t *testing.T) {
	f := newFixture(t)
	there := f.reality()
	c, _ := f.deployed()

	// Code that is not deployed yet is no drift.
	f.repo[platform+"/main.tf"] += "# changed\n"
	c.commit(f.repo)
	s := f.here(c)
	wantText(t, f.drift(s, 0), platformID+"      pending", "changed since", "2 in sync")
	wantText(t, f.drift(s, 2, "FailOn", "pending"), "pending")
	wantText(t, f.drift(s, 0, "FailOn", "pending", "Only", []string{"foundation"}), "1 in sync")

	there.set(platform, "changed by hand")
	wantText(t, f.drift(s, 2, "FailOn", "drift"), "drifted and pending")
	wantText(t, f.drift(s, 0, "FailOn", "never"), "drifted and pending", "changed by hand")

	// One that cannot be looked at hides no drift, and is a failure of its own.
	f.tf.unit(foundation).planError = "Error: no credentials"
	wantText(t, f.drift(s, 2), "no credentials", "changed by hand")
	wantText(t, f.drift(s, 1, "FailOn", "never"), "no credentials", "changed by hand")
	there.set(platform, "")
	wantText(t, f.drift(s, 1), "no credentials")
	for _, args := range [][]any{{"FailOn", "never"}, {"FailOn", "pending"}} {
		f.drift(s, 1, args...)
	}
}

func TestDriftOfWhatIsNotRememberedIsRefused(t *testing.T) {
	f := newFixture(t)
	accept := []any{"Reason", "r", "Owner", "o", "Until", "2999-12-31"}
	_, err := call(t.Context(), f.module().Drift)
	wantError(t, err, 3, "there is no record of staging")
	_, err = call(t.Context(), f.module().AcceptDrift, accept...)
	wantError(t, err, 3, "there is no record of staging")
	if steps := f.terraformSteps(); len(steps) > 0 {
		t.Errorf("%d steps ran", len(steps))
	}
	_, err = f.module().History(t.Context(), "", 100, "")
	wantError(t, err, 3, "there is no run of staging in the ledger")

	// A folder is gone with the container, as a local state is.
	f = newFixture(t)
	f.repo["strata.yaml"] += "store: {url: .strata/store}\n"
	_, err = call(t.Context(), f.module().Drift)
	wantError(t, err, 1, "records of staging would be in a folder (.strata/store), which is lost with the container", "s3://bucket/prefix")
	_, err = call(t.Context(), f.module().AcceptDrift, accept...)
	wantError(t, err, 1, "lost with the container")
	_, err = f.module().History(t.Context(), "", 100, "")
	wantError(t, err, 1, "lost with the container")
	f = newFixture(t)
	for name, code := range f.repo {
		f.repo[name] = strings.ReplaceAll(code, `backend "s3"`, `backend "local"`)
	}
	_, err = call(t.Context(), f.module().Drift)
	wantError(t, err, 1, "lost with the container")
	_, err = f.module().History(t.Context(), "", 100, "")
	wantError(t, err, 1, "lost with the container")
	if len(f.stores) > 0 {
		t.Errorf("stores %q are opened", f.stores)
	}
}

func TestArgumentsOfDriftWithoutAMeaningAreRefused(t *testing.T) {
	f := newFixture(t)
	_, s := f.deployed()
	began := len(f.ran(""))
	for words, args := range map[string][]any{
		`--since "yesterday": it is last`:                             {"Since", "yesterday"},
		"--fix sets back all that drifted":                            {"Fix", true, "Since", "last"},
		`--fail-on "always": it is drift, pending or never`:           {"FailOn", "always"},
		`--format "xml": it is table, json, markdown, junit or sarif`: {"Format", "xml"},
	} {
		_, err := call(t.Context(), s.Drift, args...)
		wantError(t, err, 1, words)
	}
	for words, args := range map[string][]any{
		"say --reason, --owner and --until": {"Reason", "r", "Owner", " "},
		"--until: ":                         {"Reason", "r", "Owner", "o", "Until", "31.3.2027"},
	} {
		_, err := call(t.Context(), s.AcceptDrift, args...)
		wantError(t, err, 1, words)
	}
	_, err := s.History(t.Context(), "", -1, "")
	wantError(t, err, 1, "--runs -1")
	if n := len(f.ran("")) - began; n > 0 {
		t.Errorf("%d commands ran", n)
	}
	_, err = call(t.Context(), s.Drift, "LockTimeout", "soon")
	wantError(t, err, 1, "--lock-timeout", "soon")
	_, err = call(t.Context(), s.Drift, "Only", []string{"nothing"})
	wantError(t, err, 1, "nothing")
	_, err = call(t.Context(), s.Drift, "Env", "staging", "Ref", "staging")
	wantError(t, err, 1, "--env and --ref: say one")
	_, err = call(t.Context(), s.Drift, "Env", "nowhere")
	wantError(t, err, 1, "nowhere")
	_, err = s.History(t.Context(), "", 100, "xml")
	wantError(t, err, 1, `--format "xml": it is table or json`)
}

func TestDriftReturnsTheResultInTheFormatAskedFor(t *testing.T) {
	f := newFixture(t)
	there := f.reality()
	_, s := f.deployed()
	there.set(platform, "changed by hand")
	for _, code := range []int{0, 2} {
		args := []any{"FailOn", map[int]string{0: "never", 2: "drift"}[code], "Format"}
		var run report.Run
		if err := json.Unmarshal([]byte(f.drift(s, code, append(args, "json")...)), &run); err != nil {
			t.Fatal(err)
		}
		if run.Schema != report.Schema || run.Verb != "drift" || run.Environment != "staging" || len(run.Units) != 3 || run.Logs != "" {
			t.Errorf("run: %+v", run)
		}
		for _, u := range run.Units {
			if u.Log != "" {
				t.Errorf("%s names a log that nobody can look into: %s", u.ID, u.Log)
			}
			if drifted := u.ID == platformID; drifted != (len(u.Drift) == 1) || drifted != (u.Result == report.Drifted) {
				t.Errorf("%+v", u)
			}
		}
		wantText(t, f.drift(s, code, append(args, "markdown")...), "|", platformID, "changed by hand")
		wantText(t, f.drift(s, code, append(args, "junit")...), "<testsuite", `type="drift"`, platformID)
	}
}

func TestArgumentsOfDriftReachThePipeline(t *testing.T) {
	f := newFixture(t)
	there := f.reality()
	f.repo["common.tfvars"] = ""
	c := newCheckout(t)
	c.commit(f.repo)
	common := []any{"VarFile", []string{"common.tfvars"}}
	f.deploy(f.here(c), common...)
	s := f.here(c)
	before := len(f.tf.began("plan"))
	wantText(t, f.drift(s, 0, append(common, "Only", []string{"foundation", "platform"}, "Region", []string{"us-east-1"}, "Parallelism", 1)...), "2 in sync")
	if got := f.tf.began("plan")[before:]; len(got) != 2 {
		t.Errorf("planned %v", got)
	}
	for _, x := range f.terraformSteps() {
		if x.Command[1] == "plan" && !slices.Contains(x.Command, "-var-file=/src/common.tfvars") {
			t.Errorf("%q", x.Command)
		}
	}
	_, err := call(t.Context(), s.Drift, "Region", []string{"eu-west-1"})
	wantError(t, err, 1, "eu-west-1")
	// A file that is not given any more makes a unit pending, and no drift.
	wantText(t, f.drift(s, 0), "pending", "common.tfvars was given before, and is not now")
	_, err = call(t.Context(), s.Drift, "Binary", "tofu")
	wantError(t, err, 1, "tofu")
	// The ref says the environment, before the one that the module was made for.
	_, err = call(t.Context(), s.Drift, "Ref", "refs/heads/main")
	wantError(t, err, 1, "production")

	// Only what is new, against what each unit's last report held.
	there.set(foundation, "changed by hand")
	wantText(t, f.drift(s, 2, append(common, "Since", "last")...), "changed by hand")
	text := f.drift(s, 0, append(common, "Since", "last")...)
	wantText(t, text, "nothing new", "1 difference is known since")
	wantNoText(t, "the result", text, "changed by hand")
	there.set(client, "also changed")
	text = f.drift(s, 2, append(common, "Since", "last")...)
	wantText(t, text, "also changed")
	wantNoText(t, "the result", text, "changed by hand")
	there.set(foundation, "")
	wantText(t, f.drift(s, 0, append(common, "Since", "last")...), "Gone since", foundationID)
	wantText(t, f.drift(s, 2, common...), "also changed")
}

func TestDriftIsSetBackUnderTheLock(t *testing.T) {
	f := newFixture(t)
	there := f.reality()
	_, s := f.deployed()
	there.set(foundation, "changed by hand")
	there.set(client, "also changed")
	f.execs = nil
	text := f.drift(s, 0, "Fix", true, "LockTimeout", "90s")
	wantText(t, text, foundationID+"    applied", "drift is set back", "2 applied, 1 in sync")
	if len(there.value) > 0 {
		t.Errorf("left: %v", there.value)
	}
	planFile := privateDir + "/plan.tfplan"
	for _, dir := range []string{foundation, client} {
		if diff := cmp.Diff(terraform.ApplyArgs(planFile, 90*time.Second), f.step("apply", dir).Command[1:]); diff != "" {
			t.Errorf("apply of %s (-want +got):\n%s", dir, diff)
		}
		var locked int
		for _, x := range f.terraformSteps() {
			if x.Command[1] == "plan" && x.Workdir == sourceDir+"/"+dir && slices.Contains(x.Command, "-lock-timeout=1m30s") {
				if locked++; f.step("apply", dir).files[clean(planFile)].data != x.Files[planFile] {
					t.Errorf("what was applied to %s is another plan", dir)
				}
			}
		}
		if locked != 1 {
			t.Errorf("%d plans of %s with the lock", locked, dir)
		}
	}
	wantText(t, f.drift(s, 0), "3 in sync")
	text, err := call(t.Context(), s.Deploy)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, text, "0 of 3 units")
}

// Each unit is compared by the code that it was deployed with, in a container of
// that commit's files.
func TestDriftIsFoundWithTheCodeOfTheRecord(t *testing.T) {
	f := newFixture(t)
	there := f.reality()
	c, _ := f.deployed()
	deployed := map[string]string{foundation: f.repo[foundation+"/main.tf"], client: f.repo[client+"/main.tf"]}
	f.repo[foundation+"/main.tf"] += "# not deployed yet\n"
	delete(f.repo, client+"/main.tf")
	commit := c.commit(f.repo)
	f.execs = nil
	s := f.here(c)
	text := f.drift(s, 0)
	wantText(t, text, foundationID+"    pending", "changed since", clientID+"  unmanaged", "1 in sync")
	for dir, code := range deployed {
		x := f.step("plan", dir)
		if got, _ := x.Read(sourceDir + "/" + dir + "/main.tf"); got != code {
			t.Errorf("%s was planned with %q", dir, got)
		}
		if _, there := x.Read(sourceDir + "/.git/HEAD"); there {
			t.Errorf("the container of %s has .git", dir)
		}
	}
	there.set(foundation, "changed by hand")
	there.set(client, "also changed")
	wantText(t, f.drift(s, 2), "drifted and pending", "changed by hand", "also changed", "2 drifted and pending")
	r, err := record.Get(t.Context(), f.records, "staging", foundationID)
	if err != nil || r.Commit == commit {
		t.Errorf("a look has changed the record: %+v, %v", r, err)
	}
	// What was deployed is set back, and nothing that is pending goes with it.
	wantText(t, f.drift(s, 2, "Fix", true), "drift is set back; still pending", "not set back: its folder is not here")
	apply := f.step("apply", foundation)
	if got, _ := apply.Read(sourceDir + "/" + foundation + "/main.tf"); got != deployed[foundation] {
		t.Errorf("it was set back with %q", got)
	}
	for name, content := range localFiles(t) {
		if strings.Contains(name, "/commit-") {
			t.Errorf("%s is left of a commit's files: %q", name, content)
		}
	}
}

// A commit that the clone does not have is named, with what to do.
func TestDriftNamesACommitThatTheCloneLacks(t *testing.T) {
	f := newFixture(t)
	_, _ = f.deployed()
	f.repo[foundation+"/main.tf"] += "# not deployed yet\n"
	other := newCheckout(t)
	other.commit(f.repo)
	text := f.drift(f.here(other), 1)
	wantText(t, text, foundationID+"    failed", "which this clone does not have", "fetch-depth: 0", "2 in sync")
}

func TestASecretThatDriftedIsNotInTheResult(t *testing.T) {
	f := newFixture(t)
	there := f.reality()
	_, s := f.deployed()
	there.set(client, "prefix "+dbPassword)
	for _, format := range []string{"table", "json", "markdown", "junit"} {
		text := f.drift(s, 2, "Format", format)
		wantText(t, text, "terraform_data.it")
		wantNoText(t, "the result as "+format, text, dbPassword)
	}
	for name, content := range localFiles(t) {
		wantNoText(t, name, content, dbPassword)
	}
	for _, key := range f.kept("") {
		wantNoText(t, "the store", key, dbPassword)
	}
}

// kept are the contents of the store below a prefix.
func (f *fixture) kept(prefix string) []string {
	f.t.Helper()
	keys, err := f.records.List(f.t.Context(), prefix)
	if err != nil {
		f.t.Fatal(err)
	}
	var out []string
	for _, key := range keys {
		data, err := f.records.Get(f.t.Context(), key)
		if err != nil {
			f.t.Fatal(err)
		}
		out = append(out, string(data))
	}
	return out
}

func TestAcceptDriftReturnsTheNewConfiguration(t *testing.T) {
	f := newFixture(t)
	there := f.reality()
	c, s := f.deployed()
	args := []any{"Reason", "set by the backup service", "Owner", "ops", "Until", "2999-12-31"}
	accept := func(s *Strata, more ...any) string {
		t.Helper()
		file, err := call(t.Context(), s.AcceptDrift, slices.Concat(args, more)...)
		if err != nil {
			t.Fatal(err)
		}
		text, err := file.Contents(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if text := accept(s); text != f.repo["strata.yaml"] {
		t.Errorf("without drift it is another one:\n%s", text)
	}
	there.set(foundation, "changed by hand")
	there.set(platform, "changed too")
	text := accept(s, "Only", []string{"foundation"}, "Region", []string{"us-east-1"})
	if !strings.HasPrefix(text, f.repo["strata.yaml"]) {
		t.Errorf("what it said is lost:\n%s", text)
	}
	wantText(t, text, "baseline:", foundationID, "terraform_data.it", "set by the backup service", "ops", "2999-12-31")
	wantNoText(t, "strata.yaml", text, platformID, "changed by hand")
	wantText(t, f.drift(s, 2), "2 drifted") // nothing is changed here
	text = accept(s)
	wantText(t, text, foundationID, platformID)

	f.repo["strata.yaml"] = text
	c.commit(f.repo)
	s = f.here(c)
	wantText(t, f.drift(s, 0), "accepted until 2999-12-31 by ops: set by the backup service", "3 in sync")
	if again := accept(s); again != text {
		t.Errorf("with nothing more it is another one:\n%s", again)
	}

	// Of what could not be looked at nothing is accepted.
	f.tf.unit(client).planError = "Error: no credentials"
	_, err := call(t.Context(), s.AcceptDrift, args...)
	wantError(t, err, 1, "no credentials", clientID)
}

func TestHistoryIsThatOfTheLedger(t *testing.T) {
	f := newFixture(t)
	there := f.reality()
	c := newCheckout(t)
	commit := c.commit(f.repo)
	by := func(variables ...string) *Strata {
		s := f.here(c)
		for _, v := range variables {
			name, value, _ := strings.Cut(v, "=")
			s = s.WithVariable(name, value)
		}
		return s
	}
	history := func(runs int, format string) string {
		t.Helper()
		text, err := f.here(c).History(t.Context(), "", runs, format)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	f.deploy(by())
	wantText(t, history(100, ""), "staging: 1 run", "deploy  1     1 (100%)", "3 applied")
	there.set(foundation, "changed by hand")
	github := []string{"GITHUB_ACTIONS=true", "GITHUB_ACTOR=alice", "GITHUB_SERVER_URL=https://github.com", "GITHUB_REPOSITORY=acme/live", "GITHUB_RUN_ID=7"}
	f.drift(by(github...), 2)
	if _, err := call(t.Context(), by().Plan, "All", true); err != nil { // is not kept
		t.Fatal(err)
	}
	_, _ = call(t.Context(), by().Destroy, "All", true) // nor is what was refused
	there.set(foundation, "")
	text, err := call(t.Context(), by("USER=bob").Destroy, "Only", []string{"clients"}, "Confirm", "staging")
	if err != nil {
		t.Fatal(text, err)
	}
	wantText(t, history(100, ""), "staging: 3 runs", "alice", "bob", "drift", "1 destroyed", "Drift")
	wantText(t, history(1, ""), "staging: 1 run", "bob")
	wantText(t, history(0, "json"), report.HistorySchema, `"alice"`, `"runs"`)

	entries := make(map[string]ledger.Entry)
	for entry, err := range ledger.Newest(t.Context(), f.records, "staging") {
		if err != nil {
			t.Fatal(err)
		}
		entries[entry.Verb] = entry
	}
	for verb, want := range map[string]ledger.Entry{
		"deploy":  {},
		"drift":   {Who: "alice", Link: "https://github.com/acme/live/actions/runs/7", ExitCode: 2},
		"destroy": {Who: "bob"},
	} {
		got := entries[verb]
		if got.Who != want.Who || got.Link != want.Link || got.ExitCode != want.ExitCode || got.Commit != commit {
			t.Errorf("%s: %+v", verb, got)
		}
	}
	want := []ledger.Drift{{Address: "terraform_data.it", Action: "changed", Path: "input", Severity: "medium"}}
	for _, u := range entries["drift"].Units {
		for i, d := range u.Drift {
			if !strings.HasPrefix(d.Value, "hmac-sha256:") {
				t.Errorf("%s: what is there is told by %q", u.ID, d.Value)
			}
			u.Drift[i].Value = ""
		}
		if got := u.Drift; u.ID == foundationID && !cmp.Equal(got, want) || u.ID != foundationID && len(got) > 0 {
			t.Errorf("%s: %+v", u.ID, got)
		}
	}
	wantNoText(t, "the ledger", strings.Join(f.kept("ledger/"), "\n"), "changed by hand", vpcID, clusterToken, dbPassword)
	_, err = f.here(c).History(t.Context(), "production", 100, "")
	wantError(t, err, 1, "production")
}

// A webhook's URL and key are secrets as those of layers are.
func TestDriftIsToldToAWebhook(t *testing.T) {
	f := newFixture(t)
	there := f.reality()
	type posted struct {
		Event, Who, Link, Environment string
		Run                           report.Run
		signature                     string
	}
	var mu sync.Mutex
	var got []posted
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var p posted
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &p); err != nil {
			t.Errorf("%v: %s", err, body)
		}
		p.signature = r.Header.Get("X-Strata-Signature")
		wantNoText(t, "what is posted", string(body), dbPassword, "the-key-of-the-hook")
		mu.Lock()
		defer mu.Unlock()
		got = append(got, p)
	}))
	defer server.Close()
	f.secrets["env://HOOK"], f.secrets["env://KEY"] = server.URL+"/hook-path", "the-key-of-the-hook"
	f.repo["strata.yaml"] += "notify: {webhook: {url: hook_url, key: hook_key, events: {staging: [all]}}}\n"
	c := newCheckout(t)
	c.commit(f.repo)
	module := func() *Strata {
		return f.here(c).WithSecret("hook_url", dag.Secret("env://HOOK")).WithSecret("hook_key", dag.Secret("env://KEY")).
			WithVariable("GITLAB_CI", "true").WithVariable("GITLAB_USER_LOGIN", "alice").WithVariable("CI_JOB_URL", "https://gitlab.example.com/jobs/7")
	}
	f.deploy(module())
	f.drift(module(), 0)
	there.set(foundation, "changed by hand")
	f.drift(module(), 2)
	f.drift(module(), 2) // known
	there.set(foundation, "")
	f.drift(module(), 0)
	var events []string
	for _, p := range got {
		if events = append(events, p.Event); p.Who != "alice" || p.Link != "https://gitlab.example.com/jobs/7" || p.Environment != "staging" || p.Run.Schema != report.Schema ||
			!strings.HasPrefix(p.signature, "sha256=") {
			t.Errorf("%+v", p)
		}
	}
	if diff := cmp.Diff([]string{"succeeded", "drift-found", "drift-gone"}, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	// What could not be sent fails nothing, and says no URL.
	server.Close()
	there.set(foundation, "changed again")
	for _, s := range []*Strata{f.here(c), module()} {
		there.set(foundation, "changed again")
		text := f.drift(s, 2)
		wantText(t, text, "webhook was not told (drift-found)")
		wantNoText(t, "the result", text, "hook-path", server.URL)
		there.set(foundation, "")
		f.drift(s, 0)
	}
	wantNoText(t, "a query", f.sent(), "hook-path", "the-key-of-the-hook")
}
