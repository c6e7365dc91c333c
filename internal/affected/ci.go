package affected

import (
	"encoding/json"
	"os"
	"strings"
)

// CI is what the variables of a CI vendor say about a run.
type CI struct {
	Vendor string // github, gitlab or azure
	// Branch is the branch that the run is for: of a pull request, or of an entry
	// in a merge queue, the target. It is "" for a tag.
	Branch      string
	PullRequest bool // a pull request or a merge queue: nothing may be deployed
	// Base is the revision to compare with, "" where the vendor names none. For a
	// pull request it is the target branch or the merge base, else what the branch
	// was before the push. All zeros where that does not exist.
	Base string
	Head string // the commit that the run is for
	Who  string // started the run, "" where the vendor does not say
	Link string // to where the run can be watched
	// From says where each came from: "branch", "base" and "head" to a variable.
	From map[string]string
}

// FromCI reads the variables of GitHub Actions, GitLab CI and Azure Pipelines.
// ok is false where none of them runs.
func FromCI(getenv func(string) string) (ci CI, ok bool) {
	v := ciVariables{getenv: getenv, CI: CI{From: make(map[string]string)}}
	switch {
	case truth(getenv("GITHUB_ACTIONS")):
		v.Vendor = "github"
		v.github()
	case truth(getenv("GITLAB_CI")):
		v.Vendor = "gitlab"
		v.gitlab()
	case truth(getenv("TF_BUILD")):
		v.Vendor = "azure"
		v.azure()
	default:
		return CI{}, false
	}
	return v.CI, true
}

func truth(value string) bool { return strings.EqualFold(value, "true") || value == "1" }

type ciVariables struct {
	CI
	getenv func(string) string
}

// first sets a field from the first variable that is set.
func (v *ciVariables) first(field *string, what string, names ...string) bool {
	for _, name := range names {
		if value := v.getenv(name); value != "" {
			*field, v.From[what] = value, name
			return true
		}
	}
	return false
}

// target makes the run one for a pull request to a branch.
func (v *ciVariables) target(names ...string) bool {
	if !v.first(&v.Branch, "branch", names...) {
		return false
	}
	if branch := BranchOf(v.Branch); branch != "" {
		v.Branch = branch
	}
	v.PullRequest = true
	v.Base, v.From["base"] = "origin/"+v.Branch, v.From["branch"]
	return true
}

// pushed sets the branch of a run that is not for a pull request.
func (v *ciVariables) pushed(names ...string) {
	if v.first(&v.Branch, "branch", names...) {
		if v.Branch = BranchOf(v.Branch); v.Branch == "" {
			delete(v.From, "branch")
		}
	}
}

// before sets the base to what a branch was before a push; of a branch that is
// new, to the default branch.
func (v *ciVariables) before(commit, from, defaultBranch, defaultFrom string) {
	if commit == "" {
		return
	}
	v.Base, v.From["base"] = commit, from
	if strings.Trim(commit, "0") == "" && defaultBranch != "" && v.Branch != "" && v.Branch != defaultBranch {
		v.Base, v.From["base"] = "origin/"+defaultBranch, defaultFrom
	}
}

func (v *ciVariables) github() {
	v.Who = v.getenv("GITHUB_ACTOR")
	if repository, run := v.getenv("GITHUB_REPOSITORY"), v.getenv("GITHUB_RUN_ID"); repository != "" && run != "" {
		v.Link = v.getenv("GITHUB_SERVER_URL") + "/" + repository + "/actions/runs/" + run
	}
	v.first(&v.Head, "head", "GITHUB_SHA")
	event := v.githubEvent()
	const file = "GITHUB_EVENT_PATH"
	if v.target("GITHUB_BASE_REF") {
		if sha := event.PullRequest.Head.SHA; sha != "" && v.getenv("GITHUB_EVENT_NAME") == "pull_request_target" {
			// There GITHUB_SHA is the target's.
			v.Head, v.From["head"] = sha, file+" (pull_request.head.sha)"
		}
		return
	}
	if queue := event.MergeGroup; v.getenv("GITHUB_EVENT_NAME") == "merge_group" {
		v.PullRequest = true
		if v.Branch = BranchOf(queue.BaseRef); v.Branch != "" {
			v.From["branch"] = file + " (merge_group.base_ref)"
		}
		if v.Base = queue.BaseSHA; v.Base != "" {
			v.From["base"] = file + " (merge_group.base_sha)"
		}
		return
	}
	if pull := event.PullRequest; strings.HasPrefix(v.getenv("GITHUB_REF"), "refs/pull/") {
		// A review of a pull request, say.
		v.PullRequest = true
		if v.Branch = pull.Base.Ref; v.Branch != "" {
			v.From["branch"] = file + " (pull_request.base.ref)"
			v.Base, v.From["base"] = "origin/"+v.Branch, v.From["branch"]
		}
		return
	}
	v.pushed("GITHUB_REF")
	v.before(event.Before, file+" (before)", event.Repository.DefaultBranch, file+" (repository.default_branch)")
}

// githubEvent is the part of GitHub's event file that counts here.
type githubEvent struct {
	Before     string
	Repository struct {
		DefaultBranch string `json:"default_branch"`
	}
	PullRequest struct {
		Head struct{ SHA string }
		Base struct{ Ref string }
	} `json:"pull_request"`
	MergeGroup struct {
		BaseRef string `json:"base_ref"`
		BaseSHA string `json:"base_sha"`
	} `json:"merge_group"`
}

// githubEvent reads the event file. What cannot be read says nothing.
func (v *ciVariables) githubEvent() (event githubEvent) {
	if text, err := os.ReadFile(v.getenv("GITHUB_EVENT_PATH")); err == nil {
		_ = json.Unmarshal(text, &event)
	}
	return event
}

func (v *ciVariables) gitlab() {
	v.Who, v.Link = v.getenv("GITLAB_USER_LOGIN"), v.getenv("CI_JOB_URL")
	v.first(&v.Head, "head", "CI_COMMIT_SHA")
	if v.target("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME") {
		// GitLab does not fetch the target branch, but tells the merge base.
		v.first(&v.Base, "base", "CI_MERGE_REQUEST_DIFF_BASE_SHA", "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA")
		return
	}
	v.pushed("CI_COMMIT_BRANCH")
	if source := v.getenv("CI_PIPELINE_SOURCE"); source != "" && source != "push" {
		return // GitLab gives zeros to what no push started
	}
	v.before(v.getenv("CI_COMMIT_BEFORE_SHA"), "CI_COMMIT_BEFORE_SHA", v.getenv("CI_DEFAULT_BRANCH"), "CI_DEFAULT_BRANCH")
}

func (v *ciVariables) azure() {
	v.Who = v.getenv("BUILD_REQUESTEDFOR")
	if project, build := v.getenv("SYSTEM_TEAMPROJECTID"), v.getenv("BUILD_BUILDID"); project != "" && build != "" {
		v.Link = v.getenv("SYSTEM_COLLECTIONURI") + project + "/_build/results?buildId=" + build
	}
	v.first(&v.Head, "head", "BUILD_SOURCEVERSION")
	if !v.target("SYSTEM_PULLREQUEST_TARGETBRANCH") {
		// Azure does not tell what a branch was before.
		v.pushed("BUILD_SOURCEBRANCH")
		v.PullRequest = v.getenv("BUILD_REASON") == "PullRequest"
	}
}
