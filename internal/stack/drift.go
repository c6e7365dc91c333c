package stack

import (
	"slices"
	"strings"
	"time"
)

// How grave a difference is, or a finding.
const (
	Critical = "critical" // findings alone
	High     = "high"
	Medium   = "medium"
	Low      = "low"
	Info     = "info" // findings alone
)

// Expired says whether the entry's last day, in UTC, is over.
func (b Baseline) Expired(now time.Time) bool { return DateOf(now).After(b.Until) }

// Matches says whether the entry means an attribute of a unit's resource, or
// with an empty attribute the resource's deletion. Whether it has expired is
// another question.
func (b Baseline) Matches(u *Unit, address, attribute string) bool {
	if b.Unit != "" && !u.Matches(b.Unit) || !wildcard(b.Resource, address) {
		return false
	}
	return b.Attribute == "" || attribute != "" && covers(b.Attribute, attribute)
}

// DriftSeverity says how grave a difference is: High, Medium or Low. An empty
// attribute is the resource's deletion. The rules of strata.yaml come first,
// then these, of which the first that matches decides:
//
//	high    network tags, by which firewalls choose     google_compute_*, google_container_*: tags
//	low     tags, labels, descriptions                  of any type
//	medium  policies that guard nothing                 *scaling_policy, *lifecycle_policy
//	high    security groups, firewalls, network ACLs    *security_group*, azurerm_network_security*, *firewall*, *waf*, *_acl*
//	high    who may do what                             aws_iam_*, azurerm_role_*, google_*_iam_*, …, *_policy
//	high    public access, keys, encryption             *public_access_block, *kms*, *encryption*
//	high    the same, as attributes of any type         *policy*, *role*, *security_group*, *encrypt*, *kms*, acl, *cidr*, *password*, auth*, …
//	medium  all else
//
// What the resource is decides about a deletion, no attribute does.
func (c *Config) DriftSeverity(resourceType, attribute string) string {
	for _, s := range c.Drift.Severity {
		if s.matches(resourceType, attribute) {
			return s.Level
		}
	}
	for _, row := range severities() {
		if slices.ContainsFunc(row.rules(), func(s Severity) bool { return s.matches(resourceType, attribute) }) {
			return row.level
		}
	}
	return Medium
}

func (s Severity) matches(resourceType, attribute string) bool {
	return (s.Type == "" || wildcard(s.Type, resourceType)) && (s.Attribute == "" || covers(s.Attribute, attribute))
}

// severityRow is a rule of Strata's own: globs of types and of attributes,
// separated by spaces; empty for any.
type severityRow struct{ level, types, attributes string }

func (r severityRow) rules() []Severity {
	var rules []Severity
	for _, t := range globs(r.types) {
		for _, a := range globs(r.attributes) {
			rules = append(rules, Severity{Type: t, Attribute: a, Level: r.level})
		}
	}
	return rules
}

// globs splits globs at spaces; none is one that matches anything.
func globs(s string) []string {
	if s == "" {
		return []string{""}
	}
	return strings.Fields(s)
}

func severities() []severityRow {
	return []severityRow{
		{High, "google_compute_* google_container_*", "tags *.tags"},
		{Low, "", "tags tags_all tag labels *_labels description *.tags *.labels *.description"},
		{Medium, "*scaling_policy *lifecycle_policy", ""},
		{High, "*security_group* azurerm_network_security* *firewall* *waf* *_acl *_acl_*", ""},
		{High, "aws_iam_* aws_lambda_permission aws_ssoadmin_* azurerm_role_* google_*_iam_* google_service_account* kubernetes_*role*", ""},
		{High, "*_policy *_policy_attachment *_policy_v1", ""},
		{High, "*public_access_block aws_s3_bucket_ownership_controls *kms* *encryption*", ""},
		{High, "", "*policy* *role *role_arn* iam_* *.iam_* permissions_boundary *security_group*"},
		{High, "", "*kms* *encrypt* sse* *.sse*"},
		{High, "", "acl *.acl *_acl* *public_access* *publicly_accessible *public_network* *block_public_* *restrict_public_*"},
		{High, "", "*cidr* source_ranges *firewall* map_public_ip_on_launch *associate_public_ip_address"},
		{High, "", "*password* *secret* auth* *.auth* *_auth *_auth_* *authentication* *authorization*"},
	}
}
