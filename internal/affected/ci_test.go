package affected

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/stack"
)

const zeros = "0000000000000000000000000000000000000000"

func TestFromCI(t *testing.T) {
	const sha, before = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222"
	tests := []struct {
		name  string
		vars  string
		event string
		want  CI
	}{
		{
			name:  "github push",
			vars:  "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=push GITHUB_REF=refs/heads/main GITHUB_SHA=" + sha,
			event: `{"before":"` + before + `","repository":{"default_branch":"main"}}`,
			want: CI{Vendor: "github", Branch: "main", Base: before, Head: sha, From: map[string]string{
				"branch": "GITHUB_REF", "base": "GITHUB_EVENT_PATH (before)", "head": "GITHUB_SHA"}},
		},
		{
			name:  "github first push of a branch",
			vars:  "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=push GITHUB_REF=refs/heads/feature/a GITHUB_SHA=" + sha,
			event: `{"before":"` + zeros + `","repository":{"default_branch":"main"}}`,
			want: CI{Vendor: "github", Branch: "feature/a", Base: "origin/main", Head: sha, From: map[string]string{
				"branch": "GITHUB_REF", "base": "GITHUB_EVENT_PATH (repository.default_branch)", "head": "GITHUB_SHA"}},
		},
		{
			name:  "github first push of the default branch",
			vars:  "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=push GITHUB_REF=refs/heads/main",
			event: `{"before":"` + zeros + `","repository":{"default_branch":"main"}}`,
			want: CI{Vendor: "github", Branch: "main", Base: zeros, From: map[string]string{
				"branch": "GITHUB_REF", "base": "GITHUB_EVENT_PATH (before)"}},
		},
		{
			name: "github: who and where",
			vars: "GITHUB_ACTIONS=true GITHUB_REF=refs/tags/v1 GITHUB_ACTOR=ada GITHUB_SERVER_URL=https://git.example GITHUB_REPOSITORY=acme/live GITHUB_RUN_ID=7",
			want: CI{Vendor: "github", Who: "ada", Link: "https://git.example/acme/live/actions/runs/7", From: map[string]string{}},
		},
		{
			name: "gitlab: who and where",
			vars: "GITLAB_CI=true GITLAB_USER_LOGIN=ada CI_JOB_URL=https://git.example/acme/live/-/jobs/7",
			want: CI{Vendor: "gitlab", Who: "ada", Link: "https://git.example/acme/live/-/jobs/7", From: map[string]string{}},
		},
		{
			name: "azure: who and where",
			vars: "TF_BUILD=True BUILD_REQUESTEDFOR=Ada SYSTEM_COLLECTIONURI=https://dev.example/acme/ SYSTEM_TEAMPROJECTID=live BUILD_BUILDID=7",
			want: CI{Vendor: "azure", Who: "Ada", Link: "https://dev.example/acme/live/_build/results?buildId=7", From: map[string]string{}},
		},
		{
			name: "github tag",
			vars: "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=push GITHUB_REF=refs/tags/v1 GITHUB_SHA=" + sha,
			want: CI{Vendor: "github", Head: sha, From: map[string]string{"head": "GITHUB_SHA"}},
		},
		{
			name: "github pull request",
			vars: "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request GITHUB_REF=refs/pull/7/merge GITHUB_BASE_REF=staging GITHUB_HEAD_REF=x GITHUB_SHA=" + sha,
			want: CI{Vendor: "github", Branch: "staging", PullRequest: true, Base: "origin/staging", Head: sha, From: map[string]string{
				"branch": "GITHUB_BASE_REF", "base": "GITHUB_BASE_REF", "head": "GITHUB_SHA"}},
		},
		{
			name:  "github pull request target",
			vars:  "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request_target GITHUB_REF=refs/heads/main GITHUB_BASE_REF=main GITHUB_SHA=" + sha,
			event: `{"pull_request":{"head":{"sha":"` + before + `"}}}`,
			want: CI{Vendor: "github", Branch: "main", PullRequest: true, Base: "origin/main", Head: before, From: map[string]string{
				"branch": "GITHUB_BASE_REF", "base": "GITHUB_BASE_REF", "head": "GITHUB_EVENT_PATH (pull_request.head.sha)"}},
		},
		{
			name:  "github review",
			vars:  "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request_review GITHUB_REF=refs/pull/7/merge",
			event: `{"pull_request":{"base":{"ref":"main"}}}`,
			want: CI{Vendor: "github", Branch: "main", PullRequest: true, Base: "origin/main", From: map[string]string{
				"branch": "GITHUB_EVENT_PATH (pull_request.base.ref)", "base": "GITHUB_EVENT_PATH (pull_request.base.ref)"}},
		},
		{
			name:  "github merge queue",
			vars:  "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=merge_group GITHUB_REF=refs/heads/gh-readonly-queue/main/pr-1",
			event: `{"merge_group":{"base_ref":"refs/heads/main","base_sha":"` + before + `"}}`,
			want: CI{Vendor: "github", Branch: "main", PullRequest: true, Base: before, From: map[string]string{
				"branch": "GITHUB_EVENT_PATH (merge_group.base_ref)", "base": "GITHUB_EVENT_PATH (merge_group.base_sha)"}},
		},
		{
			name: "github without an event file",
			vars: "GITHUB_ACTIONS=true GITHUB_REF=refs/heads/main GITHUB_EVENT_PATH=/does/not/exist",
			want: CI{Vendor: "github", Branch: "main", From: map[string]string{"branch": "GITHUB_REF"}},
		},
		{
			name: "gitlab push",
			vars: "GITLAB_CI=true CI_PIPELINE_SOURCE=push CI_COMMIT_BRANCH=main CI_DEFAULT_BRANCH=main CI_COMMIT_SHA=" + sha + " CI_COMMIT_BEFORE_SHA=" + before,
			want: CI{Vendor: "gitlab", Branch: "main", Base: before, Head: sha, From: map[string]string{
				"branch": "CI_COMMIT_BRANCH", "base": "CI_COMMIT_BEFORE_SHA", "head": "CI_COMMIT_SHA"}},
		},
		{
			name: "gitlab first push of a branch",
			vars: "GITLAB_CI=true CI_PIPELINE_SOURCE=push CI_COMMIT_BRANCH=a CI_DEFAULT_BRANCH=main CI_COMMIT_BEFORE_SHA=" + zeros,
			want: CI{Vendor: "gitlab", Branch: "a", Base: "origin/main", From: map[string]string{
				"branch": "CI_COMMIT_BRANCH", "base": "CI_DEFAULT_BRANCH"}},
		},
		{
			name: "gitlab schedule",
			vars: "GITLAB_CI=true CI_PIPELINE_SOURCE=schedule CI_COMMIT_BRANCH=main CI_COMMIT_BEFORE_SHA=" + zeros,
			want: CI{Vendor: "gitlab", Branch: "main", From: map[string]string{"branch": "CI_COMMIT_BRANCH"}},
		},
		{
			name: "gitlab merge request",
			vars: "GITLAB_CI=true CI_PIPELINE_SOURCE=merge_request_event CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main CI_MERGE_REQUEST_DIFF_BASE_SHA=" + before + " CI_COMMIT_SHA=" + sha + " CI_COMMIT_BEFORE_SHA=" + zeros,
			want: CI{Vendor: "gitlab", Branch: "main", PullRequest: true, Base: before, Head: sha, From: map[string]string{
				"branch": "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "base": "CI_MERGE_REQUEST_DIFF_BASE_SHA", "head": "CI_COMMIT_SHA"}},
		},
		{
			name: "gitlab tag",
			vars: "GITLAB_CI=true CI_PIPELINE_SOURCE=push CI_COMMIT_TAG=v1 CI_COMMIT_REF_NAME=v1 CI_COMMIT_SHA=" + sha,
			want: CI{Vendor: "gitlab", Head: sha, From: map[string]string{"head": "CI_COMMIT_SHA"}},
		},
		{
			name: "azure push",
			vars: "TF_BUILD=True BUILD_REASON=IndividualCI BUILD_SOURCEBRANCH=refs/heads/release/1 BUILD_SOURCEVERSION=" + sha,
			want: CI{Vendor: "azure", Branch: "release/1", Head: sha, From: map[string]string{
				"branch": "BUILD_SOURCEBRANCH", "head": "BUILD_SOURCEVERSION"}},
		},
		{
			name: "azure pull request",
			vars: "TF_BUILD=True BUILD_REASON=PullRequest BUILD_SOURCEBRANCH=refs/pull/3/merge SYSTEM_PULLREQUEST_TARGETBRANCH=refs/heads/main",
			want: CI{Vendor: "azure", Branch: "main", PullRequest: true, Base: "origin/main", From: map[string]string{
				"branch": "SYSTEM_PULLREQUEST_TARGETBRANCH", "base": "SYSTEM_PULLREQUEST_TARGETBRANCH"}},
		},
		{
			name: "azure pull request from GitHub",
			vars: "TF_BUILD=True BUILD_REASON=PullRequest BUILD_SOURCEBRANCH=refs/pull/3/merge SYSTEM_PULLREQUEST_TARGETBRANCH=main",
			want: CI{Vendor: "azure", Branch: "main", PullRequest: true, Base: "origin/main", From: map[string]string{
				"branch": "SYSTEM_PULLREQUEST_TARGETBRANCH", "base": "SYSTEM_PULLREQUEST_TARGETBRANCH"}},
		},
		{
			name: "azure pull request without a target",
			vars: "TF_BUILD=True BUILD_REASON=PullRequest BUILD_SOURCEBRANCH=refs/pull/3/merge",
			want: CI{Vendor: "azure", PullRequest: true, From: map[string]string{}},
		},
		{name: "none", vars: "GITHUB_REF=refs/heads/main CI=true"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			vars := make(map[string]string)
			for pair := range strings.FieldsSeq(test.vars) {
				key, value, _ := strings.Cut(pair, "=")
				vars[key] = value
			}
			if test.event != "" {
				vars["GITHUB_EVENT_PATH"] = filepath.Join(t.TempDir(), "event.json")
				if err := os.WriteFile(vars["GITHUB_EVENT_PATH"], []byte(test.event), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, ok := FromCI(func(name string) string { return vars[name] })
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("differs from what was expected (-want +got):\n%s", diff)
			}
			if ok != (test.want.Vendor != "") {
				t.Errorf("ok is %v", ok)
			}
		})
	}
}

func TestBranchOf(t *testing.T) {
	for ref, want := range map[string]string{
		"main":                         "main",
		"feature/a":                    "feature/a",
		"refs/heads/main":              "main",
		"refs/heads/feature/a":         "feature/a",
		"refs/heads/refs/heads/odd":    "refs/heads/odd",
		"refs/remotes/origin/main":     "main",
		"origin/main":                  "main",
		"refs/tags/v1":                 "",
		"refs/pull/7/merge":            "",
		"refs/merge-requests/7/head":   "",
		"refs/remotes/upstream/branch": "",
		"HEAD":                         "",
		"":                             "",
	} {
		if got := BranchOf(ref); got != want {
			t.Errorf("BranchOf(%q) = %q, not %q", ref, got, want)
		}
	}
}

func TestEnvironmentOf(t *testing.T) {
	config := func(branches ...string) *stack.Config {
		c := &stack.Config{Environments: make(map[string]stack.Environment)}
		for _, pair := range branches {
			name, branch, _ := strings.Cut(pair, "=")
			c.Environments[name] = stack.Environment{Branch: branch}
		}
		return c
	}
	usual := config("production=main", "staging=staging", "development=*")
	tests := []struct {
		config       *stack.Config
		branch, want string
	}{
		{usual, "main", "production"},
		{usual, "staging", "staging"},
		{usual, "feature/a", "development"},
		{usual, "maintenance", "development"},
		{usual, "*", "development"},
		{usual, "", ""},
		{config("production=main", "nightly="), "feature/a", ""},
		{config("b=main", "a=main", "c=*"), "main", ""},
		{config("b=main", "a=main", "c=*"), "x", "c"},
		{config(), "main", ""},
	}
	for _, test := range tests {
		got, ok := EnvironmentOf(test.config, test.branch)
		if got != test.want || ok != (test.want != "") {
			t.Errorf("EnvironmentOf(%q) = %q, %v, not %q", test.branch, got, ok, test.want)
		}
	}
}
