package affected

import (
	"strings"

	"github.com/strata-tf/strata/internal/stack"
)

// BranchOf returns the branch that a ref names: main, refs/heads/main and
// refs/remotes/origin/main are all main. It is "" for a tag and for a pull
// request, which have none: a pull request's branch is its target.
func BranchOf(ref string) string {
	for _, prefix := range []string{"refs/heads/", "refs/remotes/origin/"} {
		if branch, ok := strings.CutPrefix(ref, prefix); ok {
			return branch
		}
	}
	if ref == "HEAD" || strings.HasPrefix(ref, "refs/") {
		return ""
	}
	return strings.TrimPrefix(ref, "origin/")
}

// EnvironmentOf returns the environment that a branch deploys to: the one that
// names the branch, else the one for any other branch ("*"). ok is false where
// there is none, where several name it (nothing tells which one is meant), and
// for the branch "".
func EnvironmentOf(cfg *stack.Config, branch string) (name string, ok bool) {
	if branch == "" {
		return "", false
	}
	for _, wanted := range []string{branch, "*"} {
		found := 0
		for candidate, environment := range cfg.Environments {
			if environment.Branch == wanted {
				name = candidate
				found++
			}
		}
		switch found {
		case 0:
		case 1:
			return name, true
		default:
			return "", false
		}
	}
	return "", false
}
