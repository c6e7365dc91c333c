package accuracy

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestRepositories compares strata with references found by regular
// expressions, on the latest commits of the repositories that
// STRATA_ACCURACY_REPOS names (clones, separated by colons). A repository
// without strata.yaml needs one beside the clone, named CLONE.strata.yaml.
// STRATA_ACCURACY_COMMITS says how many (200), STRATA_ACCURACY_REV the newest of
// them (HEAD). Differences are printed, for a person to explain: none is a failure by itself.
func TestRepositories(t *testing.T) {
	repos := os.Getenv("STRATA_ACCURACY_REPOS")
	if repos == "" {
		t.Skip("skipped: STRATA_ACCURACY_REPOS names no clones of public repositories")
	}
	count := 200
	if text := os.Getenv("STRATA_ACCURACY_COMMITS"); text != "" {
		var err error
		count, err = strconv.Atoi(text)
		must(err)
	}
	p := newProduct(t)
	for _, repo := range filepath.SplitList(repos) {
		t.Run(filepath.Base(repo), func(t *testing.T) {
			r := openHistory(t, repo)
			r.compare(t, p, count)
		})
	}
}

// history is a public repository's.
type history struct {
	tree   *tree
	config string
	units  []*regexp.Regexp  // folders of units, from the configuration's paths
	texts  map[string]string // blob -> text without comments
	files  map[string]entry  // of the commit that is looked at

	ask     io.WriteCloser // git cat-file --batch
	answers *bufio.Reader
}

// entry is a file of a commit. Nothing is checked out: snapshots of public
// repositories may lack large files.
type entry struct{ mode, blob string }

func (h *history) list(commit string) {
	h.files = map[string]entry{}
	for line := range strings.SplitSeq(h.tree.git("ls-tree", "-r", "-z", commit), "\x00") {
		if about, name, ok := strings.Cut(line, "\t"); ok {
			fields := strings.Fields(about)
			h.files[name] = entry{fields[0], fields[2]}
		}
	}
}

// blob asks a git process that stays.
func (h *history) blob(id string) string {
	if h.ask == nil {
		batch := exec.Command("git", "cat-file", "--batch")
		batch.Dir = h.tree.dir
		var err error
		h.ask, err = batch.StdinPipe()
		must(err)
		out, err := batch.StdoutPipe()
		must(err)
		h.answers = bufio.NewReader(out)
		must(batch.Start()) // ends with the test's pipe
	}
	fmt.Fprintln(h.ask, id)
	header, err := h.answers.ReadString('\n')
	must(err)
	fields := strings.Fields(header)
	if len(fields) != 3 {
		return "" // not in the snapshot
	}
	size, err := strconv.Atoi(fields[2])
	must(err)
	text := make([]byte, size+1)
	_, err = io.ReadFull(h.answers, text)
	must(err)
	return string(text[:size])
}

// read returns a file's text without comments, and where a link leads.
func (h *history) read(name string) (text, target string) {
	e, ok := h.files[name]
	if !ok {
		return "", ""
	}
	text, ok = h.texts[e.blob]
	if !ok {
		text = h.blob(e.blob)
		if e.mode != "120000" {
			text = comments.ReplaceAllString(text, "")
		}
		h.texts[e.blob] = text
	}
	if e.mode != "120000" {
		return text, ""
	}
	target = path.Join(path.Dir(name), text)
	text, _ = h.read(target)
	return text, target
}

var (
	layerPath   = regexp.MustCompile(`\bpath: *(?:"([^"\n]+)"|([^"\s,]+))`)
	placeholder = regexp.MustCompile(`\\\{[a-z]+\\\}`)
)

func openHistory(t *testing.T, repo string) *history {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone")
	gitIn(repo, "clone", "--quiet", "--shared", "--no-checkout", repo, dir)
	h := &history{tree: &tree{dir: dir}, texts: map[string]string{}}
	config, err := os.ReadFile(repo + ".strata.yaml")
	if err != nil {
		h.config = gitIn(repo, "show", "HEAD:strata.yaml")
	}
	h.config += string(config)
	for _, match := range layerPath.FindAllStringSubmatch(h.config, -1) {
		pattern := placeholder.ReplaceAllString(regexp.QuoteMeta(match[1]+match[2]), `[^/]+`)
		h.units = append(h.units, regexp.MustCompile("^"+pattern+"$"))
	}
	return h
}

// compare goes through the latest commits, oldest first.
func (h *history) compare(t *testing.T, p product, count int) {
	commits := strings.Fields(h.tree.git("log", "--first-parent", "--reverse", "--format=%H", fmt.Sprintf("-%d", count+1),
		cmp.Or(os.Getenv("STRATA_ACCURACY_REV"), "HEAD")))
	var before map[string]*references
	var base string
	var looked, affected, same, missed, needless, either, refused int
	for i, commit := range commits {
		h.list(commit)
		after := h.references()
		head := h.withConfig(commit, base)
		if i > 0 {
			changed := h.tree.changed(base, head)
			h.tree.git("update-ref", "--no-deref", "HEAD", head)
			said, err := p.affected(h.tree.dir, base, false)
			if err != nil {
				refused++
				t.Logf("%.10s: %v", commit, err)
				before, base = after, head
				continue
			}
			selected := map[string][]string{}
			for id, reasons := range said.units {
				selected[said.paths[id]] = reasons
			}
			looked++
			differences := 0
			for _, dir := range sortedKeys(after) {
				v, why := judgeReferences(before[dir], after[dir], changed)
				reasons, is := selected[dir]
				if v == must_ {
					affected++
				}
				switch {
				case v == must_ && !is:
					missed++
					differences++
					t.Logf("%.10s: %s: not selected, although: %s", commit, dir, why)
				case v == no && is:
					needless++
					differences++
					t.Logf("%.10s: %s: selected: %s", commit, dir, some(reasons))
				case v == may && is:
					either++
				}
			}
			if differences == 0 {
				same++
			}
		}
		before, base = after, head
	}
	t.Logf("%d commits, %d the same; %d affected, %d not selected, %d selected only by strata, %d where regular expressions cannot tell; strata refuses %d more commits",
		looked, same, affected, missed, needless, either, refused)
}

// withConfig makes a commit with the same files and strata.yaml, after base.
func (h *history) withConfig(commit, base string) string {
	h.tree.write("strata.yaml", h.config)
	h.tree.git("read-tree", commit)
	h.tree.git("update-index", "--add", "strata.yaml")
	written := strings.TrimSpace(h.tree.git("write-tree", "--missing-ok"))
	args := []string{"commit-tree", "-m", commit, written}
	if base != "" {
		args = append(args, "-p", base)
	}
	return strings.TrimSpace(h.tree.git(args...))
}

// references is what regular expressions find in a unit and its modules.
type references struct {
	dirs   map[string]bool   // folders whose .tf files count
	sure   map[string]bool   // files that are named
	unsure map[string]string // beginnings of paths that may be named -> why
}

func (r *references) look(name string) (v verdict, why string) {
	dir, base := path.Dir(name), path.Base(name)
	switch {
	case r.sure[name]:
		return must_, name + " is named"
	case r.dirs[dir] && (strings.HasSuffix(base, ".tf") || strings.HasSuffix(base, ".tf.json")) && !strings.HasPrefix(base, "."):
		return must_, name + " is a module's"
	}
	for prefix, text := range r.unsure {
		if strings.HasPrefix(name, prefix) {
			return may, text
		}
	}
	if r.dirs[dir] && alongside.MatchString(base) {
		return may, "may be read"
	}
	return no, ""
}

func judgeReferences(before, after *references, changed []string) (v verdict, why string) {
	if before == nil {
		return must_, "new"
	}
	for _, name := range changed {
		for _, r := range []*references{before, after} {
			if found, reason := r.look(name); found > v {
				v, why = found, reason
			}
		}
	}
	return v, why
}

// references finds those of every unit of the tree.
func (h *history) references() map[string]*references {
	folders := map[string][]string{} // folder -> its Terraform files
	for name := range h.files {
		base := path.Base(name)
		if (strings.HasSuffix(base, ".tf") || strings.HasSuffix(base, ".tf.json")) && !strings.HasPrefix(base, ".") {
			folders[path.Dir(name)] = append(folders[path.Dir(name)], name)
		}
	}
	found := map[string]*references{}
	for dir := range folders {
		if !slices.ContainsFunc(h.units, func(re *regexp.Regexp) bool { return re.MatchString(dir) }) {
			continue
		}
		r := &references{dirs: map[string]bool{}, sure: map[string]bool{}, unsure: map[string]string{}}
		for _, name := range []string{".terraform.lock.hcl", "terraform.tfvars", "terraform.tfvars.json"} {
			r.sure[path.Join(dir, name)] = true
		}
		h.follow(r, dir, dir, folders)
		found[dir] = r
	}
	return found
}

var (
	alongside = regexp.MustCompile(`\.auto\.tfvars(\.json)?$|^\.(terraform|opentofu)-version$|\.tftest\.hcl$`)
	comments  = regexp.MustCompile(`(?m)^\s*(#|//).*$|(?s:/\*.*?\*/)`)
	sources   = regexp.MustCompile(`\bsource"?\s*[=:]\s*"(\.{1,2}/[^"]*|\.{1,2})"`)
	functions = regexp.MustCompile(`\b(file|filebase64|filebase64sha256|filebase64sha512|filemd5|filesha1|filesha256|filesha512|fileexists|templatefile|fileset)\(\s*(\\?"[^"]*\\?"|[^",)]+)`)
	rooted    = regexp.MustCompile(`"\$\{path\.(?:module|root|cwd)\}/?[^"]*"`)
	archived  = regexp.MustCompile(`\b(?:source_file|source_dir|source|filename|template_file|chart)\s*=\s*("[^"]*")`)
)

// follow reads a module's files and goes on to the modules that it calls.
func (h *history) follow(r *references, unit, dir string, folders map[string][]string) {
	if r.dirs[dir] {
		return
	}
	r.dirs[dir] = true
	for _, name := range folders[dir] {
		text, target := h.read(name)
		if target != "" {
			r.sure[target] = true
		}
		for _, match := range sources.FindAllStringSubmatch(text, -1) {
			h.follow(r, unit, path.Join(dir, match[1]), folders)
		}
		for _, match := range functions.FindAllStringSubmatch(text, -1) {
			r.argument(match[1], strings.Trim(match[2], `\`), unit, dir)
		}
		for _, match := range rooted.FindAllString(text, -1) {
			r.literal(match, unit, dir, true)
		}
		for _, match := range archived.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(match[1], `"./`) || strings.HasPrefix(match[1], `"${path.`) {
				r.literal(match[1], unit, dir, true)
			}
		}
	}
}

// argument adds the first argument of a function of files.
func (r *references) argument(function, text, unit, dir string) {
	if !strings.HasPrefix(text, `"`) {
		// An expression: anything in the two folders.
		r.below(unit, "expression in "+dir)
		r.below(dir, "expression in "+dir)
		return
	}
	r.literal(text, unit, dir, function == "fileset")
}

// literal adds a quoted path; loose says that what is below it may count, and
// nothing must.
func (r *references) literal(text, unit, dir string, loose bool) {
	text = strings.Trim(text, `"\`)
	at := unit
	if rest, ok := strings.CutPrefix(text, "${path.module}"); ok {
		at, text = dir, strings.TrimPrefix(rest, "/")
	} else if rest, ok := strings.CutPrefix(text, "${path.root}"); ok {
		text = strings.TrimPrefix(rest, "/")
	} else if rest, ok := strings.CutPrefix(text, "${path.cwd}"); ok {
		text = strings.TrimPrefix(rest, "/")
	}
	if before, _, found := strings.Cut(text, "${"); found {
		prefix := path.Join(at, before)
		if strings.HasSuffix(before, "/") || before == "" {
			prefix += "/"
		}
		r.unsure[prefix] = text
		if before == "" {
			r.below(unit, text)
		}
		return
	}
	name := path.Join(at, text)
	if loose {
		if name != unit && name != dir {
			r.unsure[name] = text
		}
		return
	}
	r.sure[name] = true
}

func (r *references) below(dir, why string) {
	r.unsure[dir+"/"] = why
}
