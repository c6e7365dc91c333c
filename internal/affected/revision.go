package affected

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// What a RevisionError says is wrong.
var (
	// ErrZeroCommit: the id is all zeros. A CI vendor gives it as the commit
	// before the first push of a branch.
	ErrZeroCommit = errors.New("no commit before this one")
	// ErrUnknownCommit: there is no such revision, as after a force push.
	ErrUnknownCommit = errors.New("unknown revision")
	// ErrShallow: the clone does not reach as far back as is needed.
	ErrShallow = errors.New("the clone is shallow")
	// ErrNoMergeBase: two commits have no common ancestor.
	ErrNoMergeBase = errors.New("no merge base")
)

// RevisionError says that a revision, or two together, cannot be used, why, and
// what to do. Kind is one of the errors above (errors.Is finds it).
type RevisionError struct {
	Rev  string
	Kind error

	message string
}

func (e *RevisionError) Error() string { return e.message }
func (e *RevisionError) Unwrap() error { return e.Kind }

const fetchAll = "Fetch the whole history. GitHub Actions: actions/checkout with fetch-depth: 0. " +
	`GitLab CI: the variable GIT_DEPTH: "0". Azure Pipelines: a checkout step with fetchDepth: 0. ` +
	"By hand: git fetch --unshallow"

var (
	hexDigits = regexp.MustCompile(`^[0-9a-f]{4,40}$`)
	ancestry  = regexp.MustCompile(`^(.*?)((?:\^\{[a-z]*\}|\^[0-9]*|~[0-9]*)*)$`)
	oneStep   = regexp.MustCompile(`\^\{[a-z]*\}|\^[0-9]*|~[0-9]*`)
)

// Resolve returns the id of the commit that a revision names: an id (a short
// one too), a branch, a tag, origin/x, HEAD~2.
func (r *Repository) Resolve(rev string) (string, error) {
	id, err := r.resolve(rev)
	if err != nil {
		return "", err
	}
	return id.String(), nil
}

func (r *Repository) resolve(rev string) (plumbing.Hash, error) {
	parts := ancestry.FindStringSubmatch(rev)
	if parts == nil {
		return plumbing.ZeroHash, r.unknown(rev, rev)
	}
	name, steps := parts[1], oneStep.FindAllString(parts[2], -1)
	if name == "@" {
		name = "HEAD"
	}
	id, err := r.named(rev, name)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if id, err = r.peel(rev, id); err != nil {
		return plumbing.ZeroHash, err
	}
	for _, step := range steps {
		if id, err = r.step(rev, id, step); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	return id, nil
}

// named finds what a revision's name stands for.
func (r *Repository) named(rev, name string) (plumbing.Hash, error) {
	if len(name) >= 7 && strings.Trim(name, "0") == "" {
		return plumbing.ZeroHash, &RevisionError{Rev: rev, Kind: ErrZeroCommit, message: fmt.Sprintf(
			"%s is no commit: this is what a CI calls the commit before the first push of a branch. "+
				"Compare with the branch that it came from (--base origin/main)", rev)}
	}
	if len(name) == 40 && hexDigits.MatchString(name) {
		return plumbing.NewHash(name), nil
	}
	// The order is git's, but for a branch that only the remote has: after a CI's
	// checkout that is where branches are.
	for _, ref := range []string{"", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/", "refs/remotes/origin/"} {
		if ref == "" && name != "HEAD" && !strings.HasPrefix(name, "refs/") && !strings.HasSuffix(name, "_HEAD") {
			continue
		}
		found, ok, err := r.reference(ref + name)
		if err != nil || ok {
			return found, err
		}
	}
	if hexDigits.MatchString(name) {
		return r.short(rev, name)
	}
	return plumbing.ZeroHash, r.unknown(rev, name)
}

// short finds the commit whose id begins with some digits.
func (r *Repository) short(rev, digits string) (plumbing.Hash, error) {
	ids, err := r.objects.matching(digits)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	var commits []plumbing.Hash
	for _, id := range ids {
		found, err := r.objects.read(id)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if found.kind == plumbing.CommitObject || found.kind == plumbing.TagObject {
			commits = append(commits, id)
		}
	}
	switch len(commits) {
	case 0:
		return plumbing.ZeroHash, r.unknown(rev, digits)
	case 1:
		return commits[0], nil
	default:
		return plumbing.ZeroHash, &RevisionError{Rev: rev, Kind: ErrUnknownCommit, message: fmt.Sprintf(
			"%s may be %d commits, %s and %s among them: give more digits", rev, len(commits), commits[0], commits[1])}
	}
}

// reference returns what a ref points at, ok false where there is no such ref.
func (r *Repository) reference(name string) (id plumbing.Hash, ok bool, err error) {
	for range 10 {
		ref, err := r.refs.Ref(plumbing.ReferenceName(name))
		switch {
		case err != nil:
			// Names that no ref can have are no refs either.
			return plumbing.ZeroHash, false, nil
		case ref.Type() == plumbing.HashReference:
			return ref.Hash(), true, nil
		}
		name = ref.Target().String()
	}
	return plumbing.ZeroHash, false, fmt.Errorf("the ref %s leads to itself", name)
}

// peel returns the commit that an annotated tag leads to, or the commit itself.
func (r *Repository) peel(rev string, id plumbing.Hash) (plumbing.Hash, error) {
	for range 10 {
		found, err := r.objects.read(id)
		if errors.Is(err, errMissing) {
			return plumbing.ZeroHash, r.unknown(rev, id.String())
		}
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("read %s: %w", rev, err)
		}
		switch found.kind {
		case plumbing.CommitObject:
			return id, nil
		case plumbing.TagObject:
			line, _, _ := strings.Cut(string(found.data), "\n")
			id = plumbing.NewHash(strings.TrimPrefix(line, "object "))
		default:
			return plumbing.ZeroHash, &RevisionError{Rev: rev, Kind: ErrUnknownCommit,
				message: fmt.Sprintf("%s is a %s, not a commit", rev, found.kind)}
		}
	}
	return plumbing.ZeroHash, fmt.Errorf("%s is a tag of a tag of a tag, without end", rev)
}

// step goes back from a commit: ^, ^2, ~3.
func (r *Repository) step(rev string, id plumbing.Hash, step string) (plumbing.Hash, error) {
	if strings.HasPrefix(step, "^{") {
		if step == "^{}" || step == "^{commit}" {
			return id, nil
		}
		return plumbing.ZeroHash, r.unknown(rev, rev)
	}
	n := 1
	if len(step) > 1 {
		var err error
		if n, err = strconv.Atoi(step[1:]); err != nil {
			return plumbing.ZeroHash, r.unknown(rev, rev)
		}
	}
	generations, which := 1, n
	if step[0] == '~' {
		generations, which = n, 1
	}
	if which == 0 {
		return id, nil
	}
	for range generations {
		c, err := r.commit(id)
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("resolve %s: %w", rev, err)
		}
		if len(c.parents) >= which {
			id = c.parents[which-1]
			continue
		}
		if r.shallow[id] {
			return plumbing.ZeroHash, &RevisionError{Rev: rev, Kind: ErrShallow, message: fmt.Sprintf(
				"%s is not in this clone, which is shallow: it holds %s. %s", rev, r.depth(), fetchAll)}
		}
		return plumbing.ZeroHash, &RevisionError{Rev: rev, Kind: ErrUnknownCommit, message: fmt.Sprintf(
			"%s does not exist: %s has %d parents", rev, id, len(c.parents))}
	}
	return id, nil
}

// unknown says that there is no such revision, and what is likely the cause.
func (r *Repository) unknown(rev, name string) error {
	e := &RevisionError{Rev: rev, Kind: ErrUnknownCommit}
	branch, remote := strings.CutPrefix(name, "origin/")
	switch {
	case len(r.shallow) > 0:
		e.Kind = ErrShallow
		e.message = fmt.Sprintf("%s is not in this clone, which is shallow: it holds %s. %s", rev, r.depth(), fetchAll)
		if remote {
			e.message += "; and the branch: git fetch origin " + branch + ":refs/remotes/" + name
		}
	case hexDigits.MatchString(name):
		e.message = fmt.Sprintf("there is no commit %s in this repository: a force push has replaced it, or it was never fetched. "+
			"Compare with a branch instead (--base origin/main)", rev)
	case remote:
		e.message = fmt.Sprintf("there is no branch %s in this clone: fetch it with git fetch origin %s:refs/remotes/%s", rev, branch, name)
	default:
		e.message = fmt.Sprintf("there is no commit, branch or tag %s in this repository; a branch that was not fetched: "+
			"git fetch origin %s:refs/remotes/origin/%s", rev, name, name)
	}
	return e
}
