package terraform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What a real Terraform and the real AWS provider say of drift is recorded as
// the scenarios of record_test.go whose name begins with aws- are:
//
//	moto_server -p 5555 &
//	STRATA_TEST_PROVIDER_MIRROR=DIR STRATA_TEST_AWS_ENDPOINT=http://127.0.0.1:5555 \
//	    go test ./internal/terraform -run TestRecordDrift -record
//
// Of `show -json` only what ReadDrift reads is kept.

// driftScenario is a unit that is deployed, then touched by somebody else, and
// planned anew.
type driftScenario struct {
	name   string
	config string
	module string // its module ./inner
	later  string // the configuration of the plan, if it is another one
	// refreshed says that the state is brought up to date before the touch.
	refreshed bool
	touch     func(recorder)
	code      int // the plan's exit code
}

var driftScenarios = []driftScenario{
	{name: "clean", config: driftClean, module: driftInner, code: 2}, // tags that are {} now
	{name: "parameters", code: 2, config: `
variable "password" {
  type      = string
  sensitive = true
  default   = "planted-deployed-password"
}
resource "aws_ssm_parameter" "plain" {
  name           = "/unit/plain"
  type           = "String"
  insecure_value = "deployed"
}
resource "aws_ssm_parameter" "marked" {
  name           = "/unit/marked"
  type           = "String"
  insecure_value = var.password
}
resource "aws_ssm_parameter" "secure" {
  name  = "/unit/secure"
  type  = "SecureString"
  value = "planted-deployed-secure"
}
resource "aws_ssm_parameter" "ignored" {
  name           = "/unit/ignored"
  type           = "String"
  insecure_value = "deployed"
  lifecycle { ignore_changes = [insecure_value] }
}
resource "aws_ssm_parameter" "reads_ignored" {
  name           = "/unit/reads"
  type           = "String"
  insecure_value = "copy of ${aws_ssm_parameter.ignored.insecure_value}"
}
locals { ignored = aws_ssm_parameter.ignored.insecure_value }
output "ignored" { value = aws_ssm_parameter.ignored.insecure_value }
output "by_local" { value = local.ignored }
output "version" { value = aws_ssm_parameter.plain.version }
`, touch: func(r recorder) {
		r.parameter("/unit/plain", "String", "other")
		r.parameter("/unit/marked", "String", "planted-other-password")
		r.parameter("/unit/secure", "SecureString", "planted-other-secure")
		r.parameter("/unit/ignored", "String", "other")
	}},
	{name: "ignored", config: `
resource "aws_ssm_parameter" "ignored" {
  name           = "/unit/ignored"
  type           = "String"
  insecure_value = "deployed"
  lifecycle { ignore_changes = [insecure_value] }
}
`, touch: func(r recorder) { r.parameter("/unit/ignored", "String", "other") }},
	{name: "bucket", code: 2, config: driftBucket("strata-drift-bucket"), touch: func(r recorder) {
		r.request(http.MethodPut, "/strata-drift-bucket?tagging", `<Tagging><TagSet><Tag><Key>team</Key><Value>someone</Value></Tag><Tag><Key>version</Key><Value>2</Value></Tag></TagSet></Tagging>`)
		r.request(http.MethodPut, "/strata-drift-bucket?versioning", `<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>`)
		r.request(http.MethodPut, "/strata-drift-bucket/object", "another body")
	}},
	{name: "object", config: driftBucket("strata-drift-object"), touch: func(r recorder) {
		r.request(http.MethodPut, "/strata-drift-object/object", "another body", "Content-Type", "application/octet-stream")
	}},
	{name: "policy", code: 2, config: driftBucket("strata-drift-policy"), touch: func(r recorder) {
		r.request(http.MethodPut, "/strata-drift-policy?policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::strata-drift-policy/*"}]}`)
	}},
	{name: "rules", code: 2, config: driftRules, touch: func(r recorder) {
		for _, group := range []string{"inline", "dynamic", "none", "rules"} {
			r.ingress(group, "22", "0.0.0.0/0")
		}
		r.ingress("twin", "443", "0.0.0.0/0") // as its egress
	}},
	{name: "rule-deleted", code: 2, config: driftRules, refreshed: true, touch: func(r recorder) {
		r.form("ec2", url.Values{
			"Action": {"RevokeSecurityGroupIngress"}, "Version": {"2016-11-15"}, "GroupId": {r.output("rules")},
			"IpPermissions.1.IpProtocol": {"tcp"}, "IpPermissions.1.FromPort": {"80"}, "IpPermissions.1.ToPort": {"80"},
			"IpPermissions.1.IpRanges.1.CidrIp": {"10.0.0.0/8"},
		})
	}},
	{name: "role", code: 0, config: `
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}
resource "aws_iam_role" "app" {
  name               = "unit-app"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}
resource "aws_iam_role_policy" "app" {
  name   = "inline"
  role   = aws_iam_role.app.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "*" }] })
}
`, touch: func(r recorder) {
		r.form("iam", url.Values{
			"Action": {"PutRolePolicy"}, "Version": {"2010-05-08"}, "RoleName": {"unit-app"}, "PolicyName": {"extra"},
			"PolicyDocument": {`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`},
		})
	}},
	{name: "deleted", code: 2, config: `
resource "aws_sqs_queue" "jobs" {
  name = "unit-jobs"
}
resource "aws_sqs_queue_policy" "jobs" {
  queue_url = aws_sqs_queue.jobs.id
  policy    = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = "sqs:SendMessage", Resource = "arn:aws:sqs:us-east-1:123456789012:unit-jobs" }] })
}
resource "aws_ssm_parameter" "queue" {
  name           = "/unit/queue"
  type           = "String"
  insecure_value = aws_sqs_queue.jobs.url
}
resource "aws_ssm_parameter" "when" {
  name           = "/unit/when"
  type           = "String"
  insecure_value = timestamp()
}
output "queue" { value = aws_sqs_queue.jobs.arn }
output "now" { value = timestamp() }
`, touch: func(r recorder) {
		r.target("sqs", "AmazonSQS.DeleteQueue", `{"QueueUrl":"`+r.endpoint+`/123456789012/unit-jobs"}`)
	}},
	{name: "order", code: 2, config: `
resource "aws_iam_openid_connect_provider" "set" {
  url             = "https://set.example.com"
  client_id_list  = ["sts"]
  thumbprint_list = ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]
}
resource "aws_iam_openid_connect_provider" "ignored" {
  url             = "https://ignored.example.com"
  client_id_list  = ["sts"]
  thumbprint_list = ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]
  lifecycle { ignore_changes = [thumbprint_list] }
}
`, touch: func(r recorder) {
		for _, name := range []string{"set", "ignored"} {
			r.form("iam", url.Values{
				"Action": {"UpdateOpenIDConnectProviderThumbprint"}, "Version": {"2010-05-08"},
				"OpenIDConnectProviderArn": {"arn:aws:iam::123456789012:oidc-provider/" + name + ".example.com"},
				"ThumbprintList.member.1":  {strings.Repeat("b", 40)}, "ThumbprintList.member.2": {strings.Repeat("a", 40)},
			})
		}
	}},
	{name: "pending", code: 2, config: `
resource "aws_ssm_parameter" "both" {
  name           = "/unit/both"
  type           = "String"
  insecure_value = "deployed"
}
resource "aws_ssm_parameter" "overtaken" {
  name           = "/unit/overtaken"
  type           = "String"
  insecure_value = "deployed"
}
resource "aws_ssm_parameter" "old" {
  name           = "/unit/old"
  type           = "String"
  insecure_value = "deployed"
}
output "said" { value = "before" }
`, later: `
resource "aws_ssm_parameter" "both" {
  name           = "/unit/both"
  type           = "String"
  insecure_value = "deployed"
  description    = "not applied"
}
resource "aws_ssm_parameter" "overtaken" {
  name           = "/unit/overtaken"
  type           = "String"
  insecure_value = "wanted"
}
resource "aws_ssm_parameter" "new" {
  name           = "/unit/old"
  type           = "String"
  insecure_value = "deployed"
}
moved {
  from = aws_ssm_parameter.old
  to   = aws_ssm_parameter.new
}
resource "aws_ssm_parameter" "added" {
  name           = "/unit/added"
  type           = "String"
  insecure_value = "not applied"
}
output "said" { value = "after" }
`, touch: func(r recorder) {
		r.parameter("/unit/both", "String", "other")
		r.parameter("/unit/overtaken", "String", "other")
	}},
}

// driftClean is a unit of the resources that are in most units, with those that
// manage a part of another one.
var driftClean = driftBucket("strata-drift-clean") + driftRules + `
resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule {
    id     = "old"
    status = "Enabled"
    filter { prefix = "a/" }
    expiration { days = 30 }
  }
}
resource "aws_ssm_parameter" "plain" {
  name           = "/unit/plain"
  type           = "String"
  insecure_value = "deployed"
}
resource "aws_ssm_parameter" "secure" {
  name  = "/unit/secure"
  type  = "SecureString"
  value = "planted-deployed-secure"
}
resource "aws_iam_role" "app" {
  name               = "unit-app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "ec2.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}
resource "aws_iam_role_policy" "app" {
  name   = "inline"
  role   = aws_iam_role.app.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "*" }] })
}
resource "aws_iam_policy" "app" {
  name   = "unit-policy"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:ListBucket", Resource = "*" }] })
}
resource "aws_iam_role_policy_attachment" "app" {
  role       = aws_iam_role.app.name
  policy_arn = aws_iam_policy.app.arn
}
resource "aws_sqs_queue" "jobs" { name = "unit-jobs" }
resource "aws_sqs_queue_policy" "jobs" {
  queue_url = aws_sqs_queue.jobs.id
  policy    = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = "sqs:SendMessage", Resource = aws_sqs_queue.jobs.arn }] })
}
resource "aws_dynamodb_table" "locks" {
  name         = "unit-locks"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
}
resource "aws_vpc" "main" { cidr_block = "10.9.0.0/16" }
resource "aws_internet_gateway" "main" { vpc_id = aws_vpc.main.id }
resource "aws_route_table" "main" { vpc_id = aws_vpc.main.id }
resource "aws_route" "out" {
  route_table_id         = aws_route_table.main.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main.id
}
resource "aws_network_acl" "main" { vpc_id = aws_vpc.main.id }
resource "aws_network_acl_rule" "ssh" {
  network_acl_id = aws_network_acl.main.id
  rule_number    = 100
  egress         = false
  protocol       = "tcp"
  rule_action    = "allow"
  cidr_block     = "10.0.0.0/8"
  from_port      = 22
  to_port        = 22
}
resource "aws_sns_topic" "events" { name = "unit-events" }
resource "aws_sns_topic_policy" "events" {
  arn    = aws_sns_topic.events.arn
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "s3.amazonaws.com" }, Action = "sns:Publish", Resource = aws_sns_topic.events.arn }] })
}
module "inner" {
  source = "./inner"
  for_each = toset(["a.b"])
  name     = each.key
}
resource "aws_vpc_security_group_ingress_rule" "inner" {
  security_group_id = module.inner["a.b"].group
  from_port         = 5432
  to_port           = 5432
  ip_protocol       = "tcp"
  cidr_ipv4         = "10.0.0.0/8"
}
output "tags" { value = aws_vpc.main.tags }
`

const driftInner = `
variable "name" { type = string }
resource "aws_security_group" "inner" {
  name        = "unit-${var.name}"
  description = "inner"
}
output "group" { value = aws_security_group.inner.id }
`

// driftBucket is a bucket with an object. Each scenario has one of its own name:
// the server keeps the tags of one that is gone.
func driftBucket(name string) string {
	return fmt.Sprintf(`
resource "aws_s3_bucket" "logs" {
  bucket        = %q
  force_destroy = true
  tags          = { team = "web" }
}
resource "aws_s3_object" "logs" {
  bucket  = aws_s3_bucket.logs.id
  key     = "object"
  content = "a body"

  depends_on = [aws_s3_bucket_versioning.logs, aws_s3_bucket_server_side_encryption_configuration.logs]
}
resource "aws_s3_bucket_versioning" "logs" {
  bucket = aws_s3_bucket.logs.id
  versioning_configuration { status = "Enabled" }
}
resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Deny", Principal = "*", Action = "s3:GetObjectTorrent", Resource = "${aws_s3_bucket.logs.arn}/*", Condition = { Bool = { "aws:SecureTransport" = "false" } } }] })
}
resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = "aws:kms" }
  }
}
`, name)
}

const driftRules = `
resource "aws_security_group" "inline" {
  name        = "unit-inline"
  description = "rules in its code"
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8"]
  }
}
resource "aws_security_group" "dynamic" {
  name        = "unit-dynamic"
  description = "rules in its code, of which the plan says nothing"
  dynamic "ingress" {
    for_each = toset([80])
    content {
      from_port   = ingress.value
      to_port     = ingress.value
      protocol    = "tcp"
      cidr_blocks = ["10.0.0.0/8"]
    }
  }
}
resource "aws_security_group" "none" {
  name        = "unit-none"
  description = "no rules in its code"
}
resource "aws_security_group" "rules" {
  name        = "unit-rules"
  description = "rules in the code of others"
}
resource "aws_security_group_rule" "https" {
  security_group_id = aws_security_group.rules.id
  type              = "ingress"
  from_port         = 443
  to_port           = 443
  protocol          = "tcp"
  cidr_blocks       = ["10.0.0.0/8", "192.168.0.0/16"]
}
resource "aws_security_group_rule" "self" {
  security_group_id = aws_security_group.rules.id
  type              = "ingress"
  from_port         = 443
  to_port           = 443
  protocol          = "tcp"
  self              = true
}
resource "aws_security_group_rule" "twin" {
  security_group_id        = aws_security_group.rules.id
  type                     = "ingress"
  from_port                = 443
  to_port                  = 443
  protocol                 = "tcp"
  source_security_group_id = aws_security_group.twin.id
}
resource "aws_vpc_security_group_ingress_rule" "http" {
  security_group_id = aws_security_group.rules.id
  from_port         = 80
  to_port           = 80
  ip_protocol       = "tcp"
  cidr_ipv4         = "10.0.0.0/8"
}
resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.rules.id
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}
resource "aws_security_group" "twin" {
  name        = "unit-twin"
  description = "one rule, out of it"
}
resource "aws_vpc_security_group_egress_rule" "twin" {
  security_group_id = aws_security_group.twin.id
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
  cidr_ipv4         = "0.0.0.0/0"
}
resource "aws_vpc_security_group_ingress_rule" "twin" {
  security_group_id            = aws_security_group.twin.id
  referenced_security_group_id = aws_security_group.twin.id
  from_port                    = 8080
  to_port                      = 8080
  ip_protocol                  = "tcp"
}
output "inline" { value = aws_security_group.inline.id }
output "dynamic" { value = aws_security_group.dynamic.id }
output "none" { value = aws_security_group.none.id }
output "rules" { value = aws_security_group.rules.id }
output "twin" { value = aws_security_group.twin.id }
`

const driftProvider = `
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  region                      = "us-east-1"
  access_key                  = "planted-access-key"
  secret_key                  = "planted-secret-key"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
}
`

func TestRecordDrift(t *testing.T) {
	if !*record {
		t.Skip("only with -record")
	}
	for _, s := range driftScenarios {
		t.Run(s.name, func(t *testing.T) { recordDrift(t, s) })
	}
}

func recordDrift(t *testing.T, s driftScenario) {
	r := newRecorder(t, true)
	r.env = append(r.env, "AWS_ENDPOINT_URL="+r.endpoint)
	defer r.clean()
	if s.module != "" {
		r.write("inner/main.tf", s.module)
	}
	r.write("main.tf", driftProvider+s.config)
	r.must("init", "-input=false")
	r.must("apply", "-auto-approve", "-input=false")
	if s.refreshed {
		r.must("apply", "-refresh-only", "-auto-approve", "-input=false")
	}
	if s.touch != nil {
		s.touch(r)
	}
	if s.later != "" {
		r.write("main.tf", driftProvider+s.later)
	}
	if out, code := r.run(PlanArgs(PlanOptions{Out: "plan.tfplan", NoLock: true})...); code != s.code {
		t.Errorf("plan: exit code %d, want %d:\n%s", code, s.code, out)
	}
	r.save("drift/"+s.name+".json", cutForDrift(t, r.must(ShowArgs("plan.tfplan")...)))
	r.must("destroy", "-auto-approve", "-input=false")
}

// cutForDrift keeps of a document what ReadDrift reads.
func cutForDrift(t *testing.T, document string) string {
	t.Helper()
	var whole map[string]json.RawMessage
	if err := json.Unmarshal([]byte(document), &whole); err != nil {
		t.Fatal(err)
	}
	kept := make(map[string]any)
	for _, key := range []string{"format_version", "terraform_version", "variables", "resource_drift", "resource_changes", "output_changes"} {
		if part, ok := whole[key]; ok {
			kept[key] = part
		}
	}
	var config struct {
		Root json.RawMessage `json:"root_module"`
	}
	if err := json.Unmarshal(whole["configuration"], &config); err != nil {
		t.Fatal(err)
	}
	kept["configuration"] = map[string]any{"root_module": config.Root}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(kept); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The calls by which somebody else changes what a unit has deployed.

func (r recorder) call(service, contentType, body string, headers ...string) {
	r.t.Helper()
	r.request(http.MethodPost, "/", body, append([]string{
		"Content-Type", contentType,
		"Authorization", "AWS4-HMAC-SHA256 Credential=planted-access-key/20260101/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=none",
	}, headers...)...)
}

func (r recorder) target(service, target, body string) {
	r.t.Helper()
	r.call(service, "application/x-amz-json-1.1", body, "X-Amz-Target", target)
}

func (r recorder) form(service string, values url.Values) {
	r.t.Helper()
	r.call(service, "application/x-www-form-urlencoded", values.Encode())
}

func (r recorder) parameter(name, kind, value string) {
	r.t.Helper()
	body, err := json.Marshal(map[string]any{"Name": name, "Type": kind, "Value": value, "Overwrite": true})
	if err != nil {
		r.t.Fatal(err)
	}
	r.target("ssm", "AmazonSSM.PutParameter", string(body))
}

// ingress opens a port of the security group that an output names.
func (r recorder) ingress(output, port, cidr string) {
	r.t.Helper()
	r.form("ec2", url.Values{
		"Action": {"AuthorizeSecurityGroupIngress"}, "Version": {"2016-11-15"}, "GroupId": {r.output(output)},
		"IpPermissions.1.IpProtocol": {"tcp"}, "IpPermissions.1.FromPort": {port}, "IpPermissions.1.ToPort": {port},
		"IpPermissions.1.IpRanges.1.CidrIp": {cidr},
	})
}

func (r recorder) output(name string) string {
	r.t.Helper()
	return r.must("output", "-raw", name)
}
