package accuracy

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// trace is what Terraform looked at in the repository while it initialized and
// planned one unit. Paths are relative to the repository's root. One that does
// not exist is there too: Terraform asked for it.
type trace struct {
	opened map[string]bool // files that it read, or tried to
	named  map[string]bool // names that it asked for without reading (fileexists, matches of a fileset)
	listed map[string]bool // folders that it listed
	failed string          // what Terraform said, where it failed
}

// inputs are all names that the result depends on.
func (t *trace) inputs() []string {
	return slices.Sorted(maps.Keys(union(t.opened, t.named)))
}

func union(a, b map[string]bool) map[string]bool {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func (t *trace) plus(other *trace) *trace {
	return &trace{opened: union(t.opened, other.opened), named: union(t.named, other.named),
		listed: union(t.listed, other.listed), failed: t.failed}
}

func (t *trace) same(other *trace) bool {
	return maps.Equal(t.opened, other.opened) && maps.Equal(t.named, other.named)
}

const syscalls = "open,openat,stat,newfstatat,statx,readlink,readlinkat,getdents64"

// terraformBinary is the Terraform that make tools settled on.
func terraformBinary() string { return cmp.Or(os.Getenv("STRATA_BINARY"), "terraform") }

// tracer runs Terraform under strace.
type tracer struct {
	scratch string // for data folders and logs
	mirror  string // providers that units may install, "" for none
}

// unit runs init and plan for a unit and returns what they looked at.
func (r *tracer) unit(root string, u unit) (*trace, error) {
	dir, err := os.MkdirTemp(r.scratch, "unit-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	defer removeNew(filepath.Join(root, u.path, ".terraform.lock.hcl"))()
	t := &trace{opened: map[string]bool{}, named: map[string]bool{}, listed: map[string]bool{}}
	for i, args := range [][]string{u.initArgs(root), u.planArgs(root)} {
		log := filepath.Join(dir, strconv.Itoa(i))
		said, err := r.run(root, u, dir, log, args)
		if err != nil {
			return nil, err
		}
		if t.failed == "" {
			t.failed = said
		}
		if err := t.parse(log, root, u.path); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// removeNew returns what removes a file that does not exist yet.
func removeNew(name string) func() {
	if _, err := os.Lstat(name); err == nil {
		return func() {}
	}
	return func() { os.Remove(name) }
}

// run runs one command; said is its error message where it fails.
func (r *tracer) run(root string, u unit, data, log string, args []string) (said string, err error) {
	strace := []string{"-f", "--seccomp-bpf", "-qq", "-y", "-s", "4096", "-e", "signal=none", "-e", "trace=" + syscalls, "-o", log, terraformBinary()}
	command := exec.Command("strace", append(strace, args...)...)
	command.Dir = filepath.Join(root, filepath.FromSlash(u.path))
	command.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + r.scratch, "TF_DATA_DIR=" + filepath.Join(data, "data"),
		"TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "GOGC=400", "TF_CLI_CONFIG_FILE=" + filepath.Join(r.scratch, "terraform.rc"),
	}, u.environ()...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err = command.Run()
	if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() == 1 {
		return out.String(), nil
	}
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out.String())
	}
	return "", nil
}

var call = regexp.MustCompile(`^(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed>)`)

// parse adds what a log of strace tells. Calls of other threads may stand
// between the two halves of one.
func (t *trace) parse(log, root, cwd string) error {
	file, err := os.Open(log)
	if err != nil {
		return err
	}
	defer file.Close()
	pending := map[string]string{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		match := call.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		pid := match[1]
		if start, ok := strings.CutSuffix(line, "<unfinished ...>"); ok {
			pending[pid] = start
			continue
		}
		if _, end, ok := strings.Cut(line, " resumed>"); ok {
			line = pending[pid] + end
			delete(pending, pid)
		}
		t.line(match[2], line, root, cwd)
	}
	return lines.Err()
}

var (
	quoted = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	folder = regexp.MustCompile(`\((?:\d+|AT_FDCWD)<((?:[^>\\]|\\.)*)>`)
)

// line adds one finished call.
func (t *trace) line(name, line, root, cwd string) {
	if name == "getdents64" {
		if match := folder.FindStringSubmatch(line); match != nil {
			t.note(t.listed, unescape(match[1]), root, cwd)
		}
		return
	}
	match := quoted.FindStringSubmatch(line)
	if match == nil || match[1] == "" {
		return
	}
	file := unescape(match[1])
	switch {
	case name == "open" || name == "openat":
		if strings.Contains(line, "O_CREAT") || strings.Contains(line, "O_WRONLY") {
			return
		}
		if isFolder(line) {
			return // listed next
		}
		t.note(t.opened, file, root, cwd)
	case name == "readlink" || name == "readlinkat":
		t.note(t.named, file, root, cwd)
	case strings.Contains(line, "AT_SYMLINK_NOFOLLOW") || name == "lstat":
		// Go asks this of every entry of a folder that it lists: these exist.
		if strings.Contains(line, "ENOENT") {
			t.note(t.named, file, root, cwd)
		}
	case strings.Contains(line, "S_IFDIR"):
	default:
		t.note(t.named, file, root, cwd)
	}
}

var descriptor = regexp.MustCompile(`\) += \d+<((?:[^>\\]|\\.)*)>$`)

// isFolder says whether what was opened is a folder.
func isFolder(line string) bool {
	match := descriptor.FindStringSubmatch(line)
	if match == nil {
		return false
	}
	info, err := os.Stat(unescape(match[1]))
	return err == nil && info.IsDir()
}

// note remembers a name if it is one of the repository that people write.
func (t *trace) note(into map[string]bool, name, root, cwd string) {
	if !path.IsAbs(name) {
		name = path.Join(root, cwd, name)
	}
	name = path.Clean(name)
	rel, ok := strings.CutPrefix(name, root+"/")
	if name == root {
		rel, ok = ".", true
	}
	if ok && !written(rel) && !isTest(rel) {
		into[rel] = true
	}
}

// isTest says whether a file is a test, or the folder of tests: init looks at
// them, and no plan depends on them.
func isTest(name string) bool {
	return strings.HasSuffix(name, ".tftest.hcl") || strings.HasSuffix(name, ".tftest.json") || path.Base(name) == "tests"
}

// written says whether Terraform itself writes a file of the name.
func written(name string) bool {
	base, whole := path.Base(name), "/"+name+"/"
	return strings.Contains(whole, "/.terraform/") || strings.Contains(whole, "/terraform.tfstate.d/") ||
		strings.Contains(whole, "/terraform.d/") || strings.HasSuffix(base, ".tfstate") || strings.Contains(base, ".tfstate.")
}

// unescape undoes strace's quoting.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		if digits := octal(text[i:]); digits > 0 {
			n, _ := strconv.ParseUint(text[i:i+digits], 8, 8)
			b.WriteByte(byte(n))
			i += digits - 1
			continue
		}
		if special := strings.IndexByte("abtnvfr", text[i]); special >= 0 {
			b.WriteByte("\a\b\t\n\v\f\r"[special])
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func octal(text string) int {
	n := 0
	for n < 3 && n < len(text) && '0' <= text[n] && text[n] <= '7' {
		n++
	}
	return n
}
