//go:build aliases

package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestValuesAndSecretsTravelAsMountedSecretsAlone(t *testing.T) {
	f := newFixture(t)
	text := f.deploy(f.module())
	text += f.deploy(f.module(), "Format", "json") + f.deploy(f.module(), "Format", "markdown")

	values := privateDir + "/values.auto.tfvars.json"
	got := f.step("apply", client).Secrets[values]
	want := map[string]string{"platform_token": clusterToken, "db_password": dbPassword}
	var given map[string]string
	if err := json.Unmarshal([]byte(got), &given); err != nil || fmt.Sprint(given) != fmt.Sprint(want) {
		t.Errorf("the client is given %q (%v)", got, err)
	}
	if got := f.step("apply", platform).Secrets[values]; got != fmt.Sprintf(`{"foundation_vpc_id":%q}`, vpcID) {
		t.Errorf("the platform is given %q", got)
	}
	if got := f.step("apply", foundation).Secrets; len(got) > 0 {
		t.Errorf("the foundation is given %q", got)
	}

	// Every query but setSecret: arguments, variables, contents of files.
	wantNoText(t, "a query", f.sent(), vpcID, clusterToken, dbPassword)
	wantNoText(t, "what the engine keeps of outputs", strings.Join(f.printed, "\n"), vpcID, clusterToken, dbPassword)
	wantNoText(t, "the result", text, clusterToken, dbPassword)
	// The values of outputs are in what Terraform prints and in its plan: both
	// are private files.
	for _, x := range f.ran("") {
		for name, content := range x.files {
			if name != "strata/stdout" && name != "strata/plan.tfplan" {
				wantNoText(t, name+" of "+x.Image, content.data, clusterToken, dbPassword)
			}
		}
	}
	for name, content := range localFiles(t) {
		wantNoText(t, name, content, clusterToken, dbPassword)
	}
}

func TestTerraformsOutputStaysOutOfTheEngine(t *testing.T) {
	f := newFixture(t)
	f.deploy(f.module())
	steps := f.terraformSteps()
	for _, x := range steps {
		if !x.Hushed || x.Redirects != [2]string{} {
			t.Errorf("the engine sees what this prints: %q", x.Args)
		}
		if x.Expect != "ANY" {
			t.Errorf("a failure of this is the engine's: %q (expect %q)", x.Args, x.Expect)
		}
	}
	if len(steps) != 13 {
		t.Errorf("%d steps", len(steps))
	}
	wantNoText(t, "what the engine keeps", strings.Join(f.printed, "\n"), "apply_complete", "successfully initialized", vpcID)
}

func TestASecretInTerraformsWordsIsNotInTheResult(t *testing.T) {
	for _, form := range []string{dbPassword, base64.StdEncoding.EncodeToString([]byte(dbPassword))} {
		f := newFixture(t)
		f.tf.unit(client).planError = "Error: wrong password " + form + "\n\nThe server says no to " + form
		for _, format := range []string{"table", "json", "markdown"} {
			_, err := call(t.Context(), f.module().Deploy, "All", true, "Format", format)
			wantError(t, err, 1, "wrong password (secret)")
			wantNoText(t, "the result as "+format, err.Error(), form)
		}
	}
}

func TestASecretVariableInTerraformsWordsIsNotInTheResult(t *testing.T) {
	f := newFixture(t)
	f.secrets["env://TOKEN"] = "planted-token"
	f.tf.unit(foundation).planError = "Error: wrong token planted-token\n\nThe API says no."
	_, err := call(t.Context(), f.module().WithSecretVariable("TOKEN", dag.Secret("env://TOKEN")).Deploy, "All", true)
	wantError(t, err, 1, "wrong token (secret)")
	wantNoText(t, "the result", err.Error(), "planted-token")
	for name, content := range localFiles(t) {
		wantNoText(t, name, content, "planted-token")
	}
}

func TestASecretThatCannotBeReadIsNamed(t *testing.T) {
	f := newFixture(t)
	_, err := call(t.Context(), f.bare().WithSecret("db_password", dag.Secret("env://NOT_SET")).Deploy, "All", true)
	wantError(t, err, 1, "secret db_password", "NOT_SET")
	if steps := f.terraformSteps(); len(steps) > 0 {
		t.Errorf("%d steps ran", len(steps))
	}
}

func TestASecretThatIsNotGivenIsNamedBeforeAnyStep(t *testing.T) {
	f := newFixture(t)
	_, err := call(t.Context(), f.bare().Deploy, "All", true)
	wantError(t, err, 1, clientID, `"db_password" is not given`)
	// A secret variable for every step is none for the layer, whatever its name.
	_, err = call(t.Context(), f.bare().WithSecretVariable("STRATA_SECRET_DB_PASSWORD", dag.Secret("env://DB_PASSWORD")).Deploy, "All", true)
	wantError(t, err, 1, clientID, `"db_password" is not given`)
	if steps := f.ran("terraform"); len(steps) > 0 {
		t.Errorf("%d steps ran", len(steps))
	}
}

func TestWhatStaysAtHomeNeverTravels(t *testing.T) {
	f := newFixture(t)
	planted := map[string]string{
		".git/config":                          "planted-config",
		".git/hooks/pre-commit":                "planted-hook",
		foundation + "/.terraform/providers/x": "planted-provider",
		foundation + "/terraform.tfstate":      "planted-state",
		"old/terraform.tfstate.backup":         "planted-backup",
		".strata/runs/log.txt":                 "planted-log",
		"app/node_modules/x/index.js":          "planted-package",
	}
	f.repo["readme.md"] = "kept"
	git := newCheckout(t)
	git.commit(f.repo)
	for name, content := range git.files() {
		f.repo[name] = content.data
	}
	for name, content := range planted {
		f.repo[name] = content
	}
	check := func(s *Strata) {
		t.Helper()
		f.deploy(s)
		for _, x := range f.ran("") {
			for name, content := range x.files {
				if x.Name() != "tar" && strings.Contains(name, "/.git/") {
					t.Errorf("%q has %s", x.Command, name)
				}
				for from, text := range planted {
					if strings.Contains(content.data, text) {
						t.Errorf("%s reached a container as %s", from, name)
					}
				}
			}
		}
		for name, content := range localFiles(t) {
			if strings.Contains(content, "planted-") {
				t.Errorf("%s reached the function's own folder", name)
			}
		}
		last := f.step("init", client)
		if !slices.ContainsFunc([]string{"/src/readme.md"}, func(name string) bool { _, ok := last.Read(name); return ok }) {
			t.Error("the repository's other files are not there")
		}
		f.execs = nil
	}
	check(f.module())
	f.workspace = tree(f.repo)
	s, err := New(t.Context(), dag.CurrentWorkspace(), nil, "staging")
	if err != nil {
		t.Fatal(err)
	}
	check(s.WithSecret("db_password", dag.Secret("env://DB_PASSWORD")))
}
