//go:build aliases

package main

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/strata-tf/strata/internal/dagger"
	"github.com/strata-tf/strata/internal/record"
)

func TestDeployRunsWhatIsNotAsItsRecordSays(t *testing.T) {
	f := newFixture(t)
	f.repo[foundation+"/main.tf"] += "locals {\n  text = templatefile(\"${path.module}/text.tftpl\", {})\n}\n"
	f.repo[foundation+"/text.tftpl"] = "text\n"
	c := newCheckout(t)
	commit := c.commit(f.repo)
	deployed := func(args ...any) string {
		t.Helper()
		text, err := call(t.Context(), f.here(c).Deploy, args...)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	wantText(t, deployed(), "3 of 3 units", "3 applied")
	wantText(t, deployed(), "0 of 3 units", "no units in")
	if strings.Join(f.stores, " ") != strings.Repeat("s3://states/strata?region=us-east-1 ", 2)[:2*36-1] {
		t.Errorf("stores %q", f.stores)
	}
	r, err := record.Get(t.Context(), f.records, "staging", foundationID)
	if err != nil || r.Commit != commit || r.Dirty || r.Closure == "" {
		t.Errorf("%+v, %v", r, err)
	}

	// A template is none of Terraform's files. What needs the foundation gets the
	// value that it had.
	f.repo[foundation+"/text.tftpl"] = "another text\n"
	c.write(".", f.repo)
	wantText(t, deployed(), "3 of 3 units", "unchanged contract")
	if r, err = record.Get(t.Context(), f.records, "staging", foundationID); err != nil || !r.Dirty {
		t.Errorf("%+v, %v", r, err)
	}
	f.execs = nil
	f.repo[foundation+"/text.tftpl"] = "a third text\n"
	c.write(".", f.repo)
	wantNoText(t, "the result", deployed("NoPrune", true), "unchanged contract")

	f.tf.unit(platform).applyError = "Error: quota exceeded"
	f.repo[platform+"/main.tf"] += "# changed\n"
	c.commit(f.repo)
	_, err = call(t.Context(), f.here(c).Deploy)
	wantError(t, err, 1, "quota exceeded", "not run")
	f.tf.unit(platform).applyError = ""
	wantText(t, deployed(), platformID, "2 of 3 units")
	wantText(t, deployed("Base", "HEAD^"), "3 of 3 units are affected")
}

func TestRecordsAreShownAndForgotten(t *testing.T) {
	f := newFixture(t)
	s := f.module()
	text, err := s.Records(t.Context(), "", "", false, "")
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, text, "0 records")
	f.deploy(s)
	for format, words := range map[string][]string{"": {foundationID, "applied", "3 records"}, "json": {"strata.records/v1", clientID}} {
		if text, err = s.Records(t.Context(), "", "staging", false, format); err != nil {
			t.Fatal(err)
		}
		wantText(t, text, words...)
		wantNoText(t, "the records", text, dbPassword, vpcID, clusterToken)
	}
	if text, err = s.Records(t.Context(), platformID, "", false, ""); err != nil {
		t.Fatal(err)
	}
	wantText(t, text, platformID, "1 record")
	if text, err = s.Records(t.Context(), platformID, "", true, ""); err != nil || text != "forgotten\n" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := record.Get(t.Context(), f.records, "staging", platformID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the record is still there: %v", err)
	}
	_, err = s.Records(t.Context(), platformID, "", true, "")
	wantError(t, err, 1, "there is no record of "+platformID)
	_, err = s.Records(t.Context(), "", "", true, "")
	wantError(t, err, 1, "--forget: say which unit")
	_, err = s.Records(t.Context(), platformID, "production", false, "")
	wantError(t, err, 1, "none of production")
	_, err = s.Records(t.Context(), "", "", false, "xml")
	wantError(t, err, 1, `"xml"`)

	// One that cannot be read hides no other.
	if err := f.records.Put(t.Context(), "records/staging/platform@us-east-1@staging.json", []byte("{")); err != nil {
		t.Fatal(err)
	}
	_, err = s.Records(t.Context(), "", "", false, "")
	wantError(t, err, 1, foundationID, "2 records", "platform@us-east-1")
	for _, x := range f.ran("terraform") {
		if x.Command[1] == "state" {
			t.Errorf("%q ran", x.Command)
		}
	}
}

// A folder is gone with the container, as a local state is.
func TestRecordsInAFolderAreRefused(t *testing.T) {
	f := newFixture(t)
	f.repo["strata.yaml"] += "store: {url: .strata/store}\n"
	_, err := call(t.Context(), f.module().Deploy)
	wantError(t, err, 1, "records of staging would be in a folder (.strata/store), which is lost with the container", "s3://bucket/prefix")
	_, err = call(t.Context(), f.module().Deploy, "All", true)
	wantError(t, err, 1, "lost with the container")
	_, err = f.module().Records(t.Context(), "", "", false, "")
	wantError(t, err, 1, "lost with the container")

	// Where all states are local, that is what is wrong.
	f = newFixture(t)
	for name, code := range f.repo {
		f.repo[name] = strings.ReplaceAll(code, `backend "s3"`, `backend "local"`)
	}
	for _, args := range [][]any{nil, {"All", true}} {
		_, err = call(t.Context(), f.module().Deploy, args...)
		wantError(t, err, 1, foundationID, "its state is a local file, which would be lost with the container")
	}
	if len(f.stores) > 0 {
		t.Errorf("stores %q are opened", f.stores)
	}
}

func TestNamedUnitsRunWhereNothingSaysWhereRecordsAre(t *testing.T) {
	f := newFixture(t)
	f.repo[foundation+"/main.tf"] = strings.Replace(f.repo[foundation+"/main.tf"], `"states"`, `"other"`, 1)
	_, err := call(t.Context(), f.module().Deploy)
	wantError(t, err, 1, "where is the store of staging?", "2 buckets")
	wantText(t, f.deploy(f.module()), "3 applied", "is not remembered")
}

// The code of the record's commit runs, in a container of the same tools.
func TestWhatIsDeletedIsDestroyedWithTheCodeItHad(t *testing.T) {
	f := newFixture(t)
	c := newCheckout(t)
	c.commit(f.repo)
	if _, err := call(t.Context(), f.here(c).Deploy); err != nil {
		t.Fatal(err)
	}
	code := f.repo[client+"/main.tf"]
	delete(f.repo, client+"/main.tf")
	c.commit(f.repo)
	text, err := call(t.Context(), f.here(c).Deploy)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, text, clientID+" is deleted", "--destroy-deleted")
	f.execs = nil
	text, err = call(t.Context(), f.here(c).Deploy, "DestroyDeleted", true, "Format", "json")
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, text, clientID, `"destroyed"`)
	if got, _ := f.step("apply", client).Read(sourceDir + "/" + client + "/main.tf"); got != code {
		t.Errorf("it was destroyed with %q", got)
	}
	if _, err := record.Get(t.Context(), f.records, "staging", clientID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its record is still there: %v", err)
	}
	_, err = call(t.Context(), f.here(c).Deploy, "DestroyDeleted", true, "All", true)
	wantError(t, err, 1, "--destroy-deleted goes with what the records select")
}

// What steps are given of credentials and services, the store is given too.
func TestTheStoreGetsWhatStepsGet(t *testing.T) {
	f := newFixture(t)
	f.secrets["env://KEY"], f.secrets["env://SECRET"], f.secrets["env://TOKEN"] = "the-key", "the-secret-key", "the-token-file"
	one := dag.Container().From("one").AsService(dagger.ContainerAsServiceOpts{})
	two := dag.Container().From("two").AsService(dagger.ContainerAsServiceOpts{})
	s := f.bare().WithAwsCredentials(dag.Secret("env://KEY"), dag.Secret("env://SECRET"), nil, "eu-west-1").
		WithVariable("AWS_REGION", "eu-west-2").WithSecretFile("/run//token", dag.Secret("env://TOKEN")).
		WithService("s3", one).WithService("s3", two)
	g, err := s.given(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	around := g.surroundings(t.Context(), s)
	for name, want := range map[string]string{"AWS_ACCESS_KEY_ID": "the-key", "AWS_SECRET_ACCESS_KEY": "the-secret-key", "AWS_REGION": "eu-west-2", "AWS_PROFILE": ""} {
		if got := around.Getenv(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if text, err := around.ReadFile("/run/token"); err != nil || string(text) != "the-token-file" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := around.ReadFile("/root/.aws/config"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for range 2 {
		if name, ok, err := around.Host(t.Context(), "s3"); name != "two.internal" || !ok || err != nil {
			t.Errorf("%q, %t, %v", name, ok, err)
		}
		if name, ok, err := around.Host(t.Context(), "s3.example.com"); ok || err != nil {
			t.Errorf("%q, %t, %v", name, ok, err)
		}
	}
	if strings.Join(f.started, " ") != "two" {
		t.Errorf("%v were started", f.started)
	}
}
