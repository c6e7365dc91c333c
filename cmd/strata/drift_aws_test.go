//go:build unix

package main

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/report"
)

// call asks the API for something, as a client beside Terraform does.
func (a *aws) call(t *testing.T, service, method, path, body string, headers ...string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260102/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// asks is call of a service that takes JSON and names its operations; what it
// asks for must be done.
func (a *aws) asks(t *testing.T, service, operation, body string) string {
	t.Helper()
	status, answer := a.call(t, service, http.MethodPost, "/", body, "X-Amz-Target", operation, "Content-Type", "application/x-amz-json-1.1")
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", operation, status, answer)
	}
	return answer
}

// query is call of a service that takes forms.
func (a *aws) query(t *testing.T, service, version, form string) string {
	t.Helper()
	status, answer := a.call(t, service, http.MethodPost, "/", form+"&Version="+version, "Content-Type", "application/x-www-form-urlencoded")
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", form, status, answer)
	}
	return answer
}

// parameters are the names and values of those whose names begin so.
func (a *aws) parameters(t *testing.T, prefix string) map[string]string {
	t.Helper()
	var answer struct {
		Parameters []struct{ Name, Value string }
	}
	text := a.asks(t, "ssm", "AmazonSSM.GetParametersByPath", `{"Path": "`+prefix+`", "Recursive": true}`)
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, p := range answer.Parameters {
		found[strings.TrimPrefix(p.Name, prefix+"/")] = p.Value
	}
	return found
}

// listed are the objects of a bucket below a prefix, each with its digest and
// its time; and what is in them.
func (a *aws) listed(t *testing.T, bucket, prefix string) (list string, objects map[string]string) {
	t.Helper()
	status, list := a.call(t, "s3", http.MethodGet, "/"+bucket+"?list-type=2&prefix="+url.QueryEscape(prefix), "")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, list)
	}
	objects = make(map[string]string)
	for _, key := range regexp.MustCompile(`<Key>([^<]+)</Key>`).FindAllStringSubmatch(list, -1) {
		_, objects[key[1]] = a.call(t, "s3", http.MethodGet, "/"+bucket+"/"+key[1], "")
	}
	return list, objects
}

// watching notes each request that is more than a question, until it is told to
// stop.
func (a *aws) watching() (stop func() []string) {
	var mu sync.Mutex
	var noted []string
	questions := regexp.MustCompile(`^(GET|HEAD) |^(\w+\.)?(Get|Describe|List)[A-Z]`)
	a.refusing(func(r *http.Request) bool {
		what := r.Method + " " + r.URL.Path
		if target := r.Header.Get("X-Amz-Target"); target != "" {
			what = target
		} else if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
			body, err := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			if form, unread := url.ParseQuery(string(body)); err == nil && unread == nil {
				what = form.Get("Action")
			}
		}
		if !questions.MatchString(what) {
			mu.Lock()
			noted = append(noted, what)
			mu.Unlock()
		}
		return false
	})
	return func() []string { a.refusing(nil); mu.Lock(); defer mu.Unlock(); return noted }
}

// late waits longer for the end than others need: the provider looks at a queue
// that it makes for half a minute.
func (p *process) late() *process {
	p.repo.t.Helper()
	select {
	case err := <-p.done:
		p.done <- err
	case <-time.After(3 * patience):
	}
	return p
}

// drifted says what a run found of a unit: a line per resource, with the
// attributes that differ.
func (p *process) drifted(id string) []string {
	p.repo.t.Helper()
	var found []string
	for _, d := range p.unit(id).Drift {
		line := d.Severity + " " + d.Address + " " + d.Action
		for _, at := range d.Attributes {
			line += " " + at.Path + ":"
			if at.Sensitive {
				line += "hidden"
			}
			line += string(at.Before) + ">" + string(at.After)
		}
		found = append(found, line)
	}
	return found
}

// finds says what a run must find of a unit.
func (p *process) finds(id string, result report.Result, want ...string) {
	p.repo.t.Helper()
	p.result(id, result)
	if got := p.drifted(id); !slices.Equal(got, want) {
		p.repo.t.Errorf("%s: found\n%s\nnot\n%s\n%s", id, strings.Join(got, "\n"), strings.Join(want, "\n"), p)
	}
}

// What others change of real resources is found and set back; what is not
// touched is not named, and what is not deployed yet is not shipped.
func TestDriftAWS(t *testing.T) {
	t.Parallel()
	needGit(t)
	mirror := needMirror(t)
	a := newAWS(t)
	const bucket, base, app = "drift-aws-states", "base@global:staging", "app@global:staging"
	a.bucket(t, bucket)
	const baseCode = awsProvider + `
resource "aws_ssm_parameter" "motd" {
  name  = "/drift-aws/motd"
  type  = "String"
  value = "first-value-of-motd"
}
resource "aws_s3_bucket" "files" {
  bucket = "drift-aws-files"
  tags = {
    team  = "core"
    owner = "ops"
  }
}
output "files" {
  value = aws_s3_bucket.files.arn
}
`
	r := newRepo(t, map[string]string{
		".gitignore": ".strata\n.terraform\n",
		"strata.yaml": `
layers:
  - {name: base, path: "base/{env}"}
  - {name: app, path: "app/{env}", needs: [base]}
environments: {staging: {}}
`,
		"base/staging/main.tf": baseCode,
		"app/staging/main.tf": awsProvider + `
variable "base_files" {}
resource "aws_security_group" "api" {
  name        = "drift-aws-api"
  description = "API"
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8"]
  }
}
resource "aws_sqs_queue" "jobs" {
  name = "drift-aws-jobs"
}
resource "aws_iam_role" "worker" {
  name = "drift-aws-worker"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}
resource "aws_iam_role_policy" "files" {
  name = "files"
  role = aws_iam_role.worker.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "${var.base_files}/*" }]
  })
}
`,
	})
	r.onS3(a, bucket, "base/staging", "app/staging")
	r.env = append(r.env, "AWS_ENDPOINT_URL="+a.URL, "STRATA_PROVIDER_MIRROR="+mirror)
	r.commit()
	drift := func(more ...string) *process {
		return r.start(append([]string{"drift", "--env", "staging", "--format", "json"}, more...)...)
	}
	// looks is a drift run that must write its ledger entry and nothing else.
	looks := func(code int, more ...string) *process {
		t.Helper()
		list, objects := a.listed(t, bucket, "")
		states := make(map[string]string)
		for key, text := range objects {
			if !strings.HasPrefix(key, "strata/") {
				states[key] = text
			}
		}
		if len(states) != 2 || states["base/staging.tfstate"] == "" || states["app/staging.tfstate"] == "" {
			t.Fatalf("the states are %v", list)
		}
		stop := a.watching()
		p := drift(more...).late().exits(code)
		written := stop()
		if len(written) != 1 || !strings.HasPrefix(written[0], "PUT /"+bucket+"/strata/ledger/staging/") {
			t.Errorf("drift asks for %q", written)
		}
		for key, text := range objects {
			before := regexp.MustCompile(`(?s)<Contents><Key>` + regexp.QuoteMeta(key) + `</Key>.*?</Contents>`).FindString(list)
			now, _ := a.listed(t, bucket, key)
			if _, body := a.call(t, "s3", http.MethodGet, "/"+bucket+"/"+key, ""); body != text || before == "" || !strings.Contains(now, before) {
				t.Errorf("%s is not what it was", key)
			}
		}
		return p
	}
	records := func() []record.Record {
		t.Helper()
		var list struct{ Records []record.Record }
		if err := json.Unmarshal([]byte(r.start("records", "--env", "staging", "--format", "json").exits(0).stdout.String()), &list); err != nil {
			t.Fatal(err)
		}
		return list.Records
	}

	r.deployed().late().exits(0).ran("base@global=applied", "app@global=applied")
	r.commit() // the lock files
	r.deployed().exits(0).ran()

	// Nobody has touched anything.
	p := looks(0)
	p.finds(base, report.InSync)
	p.finds(app, report.InSync)

	// Another client changes a value and a tag, and takes a security group away.
	a.asks(t, "ssm", "AmazonSSM.PutParameter", `{"Name": "/drift-aws/motd", "Value": "another-value-of-motd", "Overwrite": true}`)
	tag := func(key, value string) string {
		return "<Tag><Key>" + key + "</Key><Value>" + value + "</Value></Tag>"
	}
	tagging := `<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>` + tag("team", "other") + tag("owner", "ops") + `</TagSet></Tagging>`
	if status, answer := a.call(t, "s3", http.MethodPut, "/drift-aws-files?tagging", tagging); status >= 300 {
		t.Fatalf("%d %s", status, answer)
	}
	a.query(t, "ec2", "2016-11-15", "Action=DeleteSecurityGroup&GroupName=drift-aws-api")
	// Code that waits to be deployed is no drift, and hides none.
	r.write("base/staging/main.tf", strings.Replace(baseCode, "first-value", "third-value", 1)+`
resource "aws_ssm_parameter" "more" {
  name  = "/drift-aws/more"
  type  = "String"
  value = "more"
}
`)
	r.commit()
	p = looks(2)
	p.finds(base, report.DriftedPending,
		`medium aws_ssm_parameter.motd changed value:hidden>`,
		`low aws_s3_bucket.files changed tags.team:"core">"other"`)
	p.finds(app, report.Drifted, `high aws_security_group.api deleted`)
	shown, err := tree(r.path(".strata/logs"))
	if err != nil {
		t.Fatal(err)
	}
	_, remembered := a.listed(t, bucket, "strata/")
	maps.Copy(shown, remembered)
	shown["the output"] = p.String()
	for name, text := range shown {
		if strings.Contains(text, "value-of-motd") {
			t.Errorf("%s shows the parameter's value", name)
		}
	}

	// It is not shipped by setting back what drifted.
	deployed := records()
	p = drift("--fix").late().exits(0)
	p.finds(base, report.Applied)
	p.finds(app, report.Applied)
	if reason := p.unit(base).Reason; !strings.HasPrefix(reason, "drift is set back; still pending: changed since ") {
		t.Errorf("reason %q", reason)
	}
	if got := a.parameters(t, "/drift-aws"); len(got) != 1 || got["motd"] != "first-value-of-motd" {
		t.Errorf("the parameters are %v", got)
	}
	if _, tags := a.call(t, "s3", http.MethodGet, "/drift-aws-files?tagging", ""); strings.Contains(tags, "other") || !strings.Contains(tags, "core") || !strings.Contains(tags, "ops") {
		t.Errorf("the tags are %s", tags)
	}
	if groups := a.query(t, "ec2", "2016-11-15", "Action=DescribeSecurityGroups&Filter.1.Name=group-name&Filter.1.Value.1=drift-aws-api"); !strings.Contains(groups, "<cidrIp>10.0.0.0/8</cidrIp>") {
		t.Errorf("the groups are %s", groups)
	}
	for i, now := range records() {
		was := deployed[i]
		if now.Closure != was.Closure || now.Commit != was.Commit || now.Attempt != nil || now.Dirty || now.Outputs["files"] != was.Outputs["files"] {
			t.Errorf("the record was\n%+v\nand is\n%+v", was, now)
		}
	}
	p = looks(0)
	p.finds(base, report.Pending)
	p.finds(app, report.InSync)

	// The next deploy ships it.
	r.deployed().late().exits(0).ran("base@global=applied", "app@global=unchanged")
	if got := a.parameters(t, "/drift-aws"); len(got) != 2 || got["motd"] != "third-value-of-motd" || got["more"] != "more" {
		t.Errorf("the parameters are %v", got)
	}
	r.tidy()
}
