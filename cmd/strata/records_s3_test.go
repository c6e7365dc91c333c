//go:build unix

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/strata-tf/strata/internal/report"
)

// regional is a layer that stays, and two that may go, in two regions (the last
// in one of them), with states and records in S3.
func regional(t *testing.T, a *aws, bucket string) *repo {
	t.Helper()
	needGit(t)
	files := map[string]string{
		".gitignore": ".strata\n.terraform\n",
		"strata.yaml": `
layers:
  - {name: net, path: "net/{region}/{env}"}
  - {name: app, path: "app/{region}/{env}", needs: [net]}
  - {name: web, path: "web/{region}/{env}", needs: [app]}
`,
		"modules/named/main.tf": `
variable "name" {}
resource "terraform_data" "named" {
  input = "${var.name} ${file("${path.module}/text")}"
}
output "name" {
  value = terraform_data.named.output
}
`,
		"modules/named/text": "a text",
	}
	var folders []string
	for _, region := range []string{"eu", "us"} {
		folders = append(folders, "net/"+region+"/staging", "app/"+region+"/staging")
		files["net/"+region+"/staging/main.tf"] = "output \"id\" {\n  value = \"" + region + "\"\n}\nresource \"terraform_data\" \"net\" {\n  input = 1\n}\n"
		files["app/"+region+"/staging/main.tf"] = `
variable "net_id" {}
module "named" {
  source = "../../../modules/named"
  name   = var.net_id
}
output "name" {
  value = module.named.name
}
`
	}
	folders = append(folders, "web/eu/staging")
	files["web/eu/staging/main.tf"] = `
variable "app_name" {}
resource "terraform_data" "web" {
  input = var.app_name
}
`
	r := newRepo(t, files)
	a.bucket(t, bucket)
	r.onS3(a, bucket, folders...)
	r.commit()
	return r
}

func (r *repo) remove(names ...string) {
	r.t.Helper()
	for _, name := range names {
		if err := os.RemoveAll(r.path(name)); err != nil {
			r.t.Fatal(err)
		}
	}
}

// deployed starts a deploy by records, told as JSON.
func (r *repo) deployed(more ...string) *process {
	r.t.Helper()
	return r.start(append([]string{"deploy", "--env", "staging", "--format", "json"}, more...)...)
}

// ran says which units ran, in this order.
func (p *process) ran(want ...string) {
	p.repo.t.Helper()
	var got []string
	for _, u := range p.run().Units {
		got = append(got, strings.TrimSuffix(u.ID, ":staging")+"="+string(u.Result))
	}
	if !slices.Equal(got, want) {
		p.repo.t.Errorf("it ran %q, not %q\n%s", got, want, p)
	}
}

// object reads an object of a bucket, "" where there is none.
func (a *aws) object(t *testing.T, name string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL+"/"+name, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260102/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var text strings.Builder
	if err := response.Write(&text); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode == http.StatusNotFound {
		return ""
	}
	return text.String()
}

func TestDestroyDeleted(t *testing.T) {
	t.Parallel()
	needLockFile(t)
	a := newAWS(t)
	r := regional(t, a, "deleted")
	r.deployed().exits(0)
	record := "deleted/strata/records/staging/app@eu@staging.json"
	if a.object(t, record) == "" {
		t.Error("there is no record beside the states")
	}

	// The units are gone, and the module only they used, over several commits.
	// What Terraform has left in their folders is still there.
	r.remove("web/eu/staging/main.tf", "web/eu/staging/backend.tf")
	r.commit()
	r.remove("app/eu/staging/main.tf", "app/eu/staging/backend.tf", "app/us", "modules")
	r.commit()
	if !r.exists("web/eu/staging/.terraform") {
		t.Fatal("nothing is left in the folder")
	}
	p := r.deployed().exits(0)
	p.ran()
	if w := p.run().Warnings; len(w) != 3 || !strings.HasPrefix(w[0], "app@eu:staging is deleted: its folder app/eu/staging is gone, and what it holds is still there") {
		t.Errorf("warnings %q", w)
	}

	// What fails may still need them.
	r.write("net/eu/staging/more.tf", "resource \"terraform_data\" \"more\" {\n  input = terraform_data.net.output\n  lifecycle {\n    postcondition {\n      condition     = self.output == 2\n      error_message = \"no\"\n    }\n  }\n}\n")
	p = r.deployed("--destroy-deleted", "--region", "eu").exits(1)
	p.ran("net@eu=failed", "web@eu=not run", "app@eu=not run")
	r.remove("net/eu/staging/more.tf")

	// One region, what needs the others first; with code that is in no checkout
	// any more.
	p = r.deployed("--destroy-deleted", "--region", "eu").exits(0)
	p.ran("net@eu=applied", "web@eu=destroyed", "app@eu=destroyed")
	if unit := p.unit("app@eu:staging"); unit.Changes.Destroy != 1 || !slices.Equal(unit.Selected, []string{"deleted"}) {
		t.Errorf("%+v", unit)
	}
	if a.object(t, record) != "" {
		t.Error("its record is left")
	}
	for _, state := range []string{"app", "web"} {
		if text := a.object(t, "deleted/"+state+"/eu/staging.tfstate"); text == "" || strings.Contains(text, "terraform_data") {
			t.Errorf("state of %s: %s", state, text)
		}
	}
	if text := a.object(t, "deleted/app/us/staging.tfstate"); !strings.Contains(text, "terraform_data") {
		t.Errorf("the other region's state: %s", text)
	}
	if got := r.git("status", "--porcelain"); got != "" {
		t.Errorf("the checkout has changed: %s", got)
	}
	r.tidy()

	// In a clone that does not reach back so far.
	shallow := newRepo(t, nil)
	shallow.env = r.env
	shallow.remove(".")
	r.git("clone", "-q", "--depth", "1", "file://"+r.dir, shallow.dir)
	p = shallow.deployed("--destroy-deleted").exits(1)
	p.ran("app@us=failed")
	if reason := p.unit("app@us:staging").Reason; !strings.Contains(reason, "the code it was deployed with: ") || !strings.Contains(reason, "shallow") {
		t.Errorf("reason %q", reason)
	}

	p = r.deployed("--destroy-deleted").exits(0)
	p.ran("app@us=destroyed")
	p = r.deployed("--destroy-deleted").exits(0)
	p.ran()
	r.start("records", "--env", "staging").exits(0).says("2 records")
}

// Nobody has the code of what was deployed before it was committed.
func TestDestroyDeletedNotCommitted(t *testing.T) {
	t.Parallel()
	needLockFile(t)
	a := newAWS(t)
	r := regional(t, a, "not-committed")
	r.write("modules/named/text", "another text")
	r.deployed("--region", "eu").exits(0)
	r.remove("app/eu", "web/eu")
	r.commit()
	// The one whose own files were as committed goes.
	p := r.deployed("--destroy-deleted", "--region", "eu").exits(3)
	p.ran("web@eu=destroyed", "app@eu=refused")
	if reason := p.unit("app@eu:staging").Reason; !strings.HasPrefix(reason, "it was deployed with changes that were not committed: bring its folder back (git checkout ") {
		t.Errorf("reason %q", reason)
	}
	if !strings.Contains(a.object(t, "not-committed/app/eu/staging.tfstate"), "terraform_data") {
		t.Error("it is destroyed")
	}
}

func TestRecordsThatS3Denies(t *testing.T) {
	t.Parallel()
	needLockFile(t)
	a := newAWS(t)
	r := regional(t, a, "denied")
	record := func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/strata/") }

	// Not to be read: nothing can be selected.
	a.refusing(func(r *http.Request) bool {
		return record(r) || strings.Contains(r.URL.RawQuery, "prefix=strata")
	})
	p := r.deployed().exits(1)
	if got := p.run().Error; !strings.Contains(got, "store s3://denied/strata") || !strings.Contains(got, "the bucket is closed") {
		t.Errorf("error %q", got)
	}
	if a.object(t, "denied/net/eu/staging.tfstate") != "" {
		t.Error("something was applied")
	}

	// Not to be written: nothing is applied.
	a.refusing(func(r *http.Request) bool { return record(r) && r.Method == http.MethodPut })
	p = r.deployed().exits(1)
	if got := p.run().Error; !strings.Contains(got, "write keys/contract-values") {
		t.Errorf("error %q", got)
	}
	a.refusing(nil)
	r.deployed("--only", "net", "--region", "eu").exits(0)
	a.refusing(func(r *http.Request) bool { return record(r) && r.Method == http.MethodPut })
	p = r.deployed("--only", "net", "--region", "us").exits(1)
	if got := p.unit("net@us:staging").Reason; !strings.HasPrefix(got, "nothing was applied, since its record could not be written: store s3://denied/strata") || !strings.Contains(got, "the bucket is closed") {
		t.Errorf("reason %q", got)
	}

	// No more to be written once the apply has begun: what was applied holds, and
	// the next deploy looks at it again.
	var written atomic.Int32
	a.refusing(func(r *http.Request) bool {
		return record(r) && r.Method == http.MethodPut && written.Add(1) > 1
	})
	p = r.deployed("--only", "net", "--region", "us").exits(0)
	p.result("net@us:staging", report.Applied)
	p.says("what was deployed could not be remembered, so that the next deploy plans the unit again: ")
	a.refusing(nil)
	p = r.deployed("--region", "us").exits(0)
	p.ran("net@us=unchanged", "app@us=applied")
}

// Two checkouts deploy at once, with one store: each state is applied once, and
// the next deploy finds all done.
func TestTwoDeploysWithRecords(t *testing.T) {
	t.Parallel()
	needLockFile(t)
	a := newAWS(t)
	one := regional(t, a, "at-once")
	two := newRepo(t, nil)
	two.env = one.env
	two.remove(".")
	one.git("clone", "-q", one.dir, two.dir)
	for _, p := range []*process{one.deployed("--region", "eu"), two.deployed("--region", "eu")} {
		// A plan that was made before the other run applied is made again.
		p.exits(0)
	}
	for _, u := range two.deployed("--region", "eu").exits(0).run().Units {
		if u.Result != report.Unchanged {
			t.Errorf("%s is %s: %s", u.ID, u.Result, u.Reason)
		}
	}
	one.deployed("--region", "eu").exits(0).ran()
	one.start("records", "--env", "staging").exits(0).says("3 records")
	if found, _ := filepath.Glob(one.path(".strata/store/records/*")); len(found) > 0 {
		t.Errorf("records are in the checkout: %v", found)
	}
}

// In one checkout they take turns, unit by unit.
func TestTwoDeploysWithRecordsInOneCheckout(t *testing.T) {
	t.Parallel()
	r := chain(t)
	r.commit()
	first, second := r.deployed(), r.deployed()
	first.exits(0)
	second.exits(0)
	r.deployed().exits(0).ran()
	r.start("records", "--env", "staging").exits(0).says("3 records")
}
