package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	goversion "github.com/hashicorp/go-version"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/strata-tf/strata/internal/terraform"
)

// TestScript runs testdata/script: each file is a repository, what a person
// types in it, and what they get.
//
// Besides testscript's own commands there are
//
//	exits CODE COMMAND…     run, and end with this exit code
//	copy live|tfvars DIR    an example repository of testdata
//	snapshot DIR            remember every file of a folder …
//	untouched DIR           … which nothing has changed since
//	json FILE PATH REGEXP   a value of a document (units[ID].result) matches as a whole
//	schema FILE             a run's document is right, and alone in its file
//	hides SECRET PLACE…     no form of the secret in file SECRET is in these files, folders, stdout, stderr
//	order FILE A B…         these lines are in a file, in this order
//	mode OCTAL FILE…        files have these permissions
//	commit MESSAGE          commit all there is, in a git repository that is made where there is none
//	sub FILE OLD NEW        replace a text that a file holds once
//	ran UNIT=RESULT…        these units, and no others, are in the document on stdout
//	thing DIR NAME KEY=JSON…|gone|broken    change a thing of the provider disk as another client would
//
// the variables $TERRAFORM (the binary), $BIN (a PATH without it) and $DISK_MIRROR
// (what has the provider disk), and the conditions [terraform], [tofu], [disk],
// [root], [setpriv], and a scanner's or OPA's name.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		Setup:               scriptSetup,
		Condition:           scriptCondition,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scriptExits, "copy": scriptCopy, "snapshot": scriptSnapshot, "untouched": scriptUntouched,
			"json": scriptJSON, "schema": scriptSchema, "hides": scriptHides, "order": scriptOrder, "mode": scriptMode,
			"commit": scriptCommit, "sub": scriptSub, "ran": scriptRan, "thing": scriptThing,
		},
	})
}

func scriptSetup(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, ".home")
	env.Setenv("HOME", home)
	env.Setenv("TERRAFORM", terraformBinary())
	env.Setenv("DISK_MIRROR", os.Getenv("STRATA_TEST_DISK_MIRROR"))
	env.Setenv("NL", "\n")
	env.Vars = append(env.Vars, gitEnviron...)
	strata, err := exec.LookPath("strata")
	if err != nil {
		return err
	}
	env.Setenv("BIN", filepath.Dir(strata)) // holds nothing but the commands under test
	// A script may run a command as another user.
	for _, dir := range []string{filepath.Dir(filepath.Dir(strata)), filepath.Dir(env.WorkDir)} {
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	if name := os.Getenv("STRATA_BINARY"); name != "" {
		env.Setenv("STRATA_BINARY", name)
	} else if strings.HasPrefix(filepath.Base(terraformBinary()), "tofu") {
		env.Setenv("STRATA_BINARY", "tofu")
	}
	return os.Mkdir(home, 0o755)
}

func scriptCondition(cond string) (bool, error) {
	switch cond {
	case "terraform":
		return terraformBinary() != "", nil
	case "tofu":
		return strings.HasPrefix(filepath.Base(terraformBinary()), "tofu"), nil
	case "ephemeral":
		return ephemeralVariables()
	case "disk":
		mirror, err := diskMirror()
		return mirror != "", err
	case "opa", "tfsec", "trivy", "checkov", "terraform-compliance":
		_, err := exec.LookPath(cond)
		return err == nil, nil
	case "root":
		return os.Getuid() == 0, nil
	case "setpriv":
		_, err := exec.LookPath("setpriv")
		return err == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

// ephemeralVariables says whether Terraform knows these: 1.10, or OpenTofu 1.11.
func ephemeralVariables() (bool, error) {
	out, err := exec.Command(terraformBinary(), "version", "-json").Output()
	if err != nil {
		return false, err
	}
	v, err := terraform.ParseVersion(out)
	if err != nil {
		return false, err
	}
	first := "1.10.0"
	if strings.HasPrefix(filepath.Base(terraformBinary()), "tofu") {
		first = "1.11.0"
	}
	have, err := goversion.NewVersion(v.Number)
	return err == nil && have.GreaterThanOrEqual(goversion.Must(goversion.NewVersion(first))), err
}

func usage(ts *testscript.TestScript, neg, ok bool, words string) {
	if neg || !ok {
		ts.Fatalf("usage: %s", words)
	}
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) > 1, "exits CODE COMMAND…")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, not %d", code, want)
	}
}

func scriptCopy(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "copy live|tfvars DIR")
	ts.Check(copyExample(args[0], ts.MkAbs(args[1])))
}

// copyExample copies an example repository, without what a run has left there.
func copyExample(name, to string) error {
	from := filepath.Join("..", "..", "testdata", name)
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir() && (entry.Name() == ".terraform" || entry.Name() == ".strata"):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		case strings.Contains(entry.Name(), ".tfstate"):
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o644)
	})
}

// tree lists every file of a folder with its content, or where a link leads.
func tree(dir string) (map[string]string, error) {
	found := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		switch entry.Type() {
		case fs.ModeDir:
			found[rel] = "a folder"
		case fs.ModeSymlink:
			found[rel], err = os.Readlink(path)
		default:
			var data []byte
			data, err = os.ReadFile(path)
			found[rel] = string(data)
		}
		return err
	})
	return found, err
}

var (
	snapshotsMu sync.Mutex
	snapshots   = make(map[*testscript.TestScript]map[string]map[string]string) // by script and folder
)

func scriptSnapshot(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "snapshot DIR")
	found, err := tree(ts.MkAbs(args[0]))
	ts.Check(err)
	snapshotsMu.Lock()
	defer snapshotsMu.Unlock()
	if snapshots[ts] == nil {
		snapshots[ts] = make(map[string]map[string]string)
	}
	snapshots[ts][args[0]] = found
}

func scriptUntouched(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "untouched DIR")
	snapshotsMu.Lock()
	before, ok := snapshots[ts][args[0]]
	snapshotsMu.Unlock()
	if !ok {
		ts.Fatalf("no snapshot of %s", args[0])
	}
	now, err := tree(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if _, was := before[name]; !was {
			ts.Fatalf("%s is new in %s", name, args[0])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if now[name] != before[name] {
			ts.Fatalf("%s has changed in %s", name, args[0])
		}
	}
}

func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, false, len(args) == 3, "json FILE PATH REGEXP")
	var doc any
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	decoder.UseNumber() // large numbers stay what they are
	ts.Check(decoder.Decode(&doc))
	value, err := find(doc, args[1])
	if err != nil {
		if neg {
			return
		}
		ts.Fatalf("%s: %v", args[1], err)
	}
	text, isText := value.(string)
	if !isText {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		ts.Check(e.Encode(value))
		text = strings.TrimSpace(b.String())
	}
	pattern, err := regexp.Compile("(?s)^(?:" + args[2] + ")$")
	ts.Check(err)
	if pattern.MatchString(text) == neg {
		ts.Fatalf("%s is %s", args[1], text)
	}
}

// find follows a path such as units[ID].changes.add: a name in brackets picks
// from a list the object of which it is the id, address, path, place, tool or rule.
func find(value any, path string) (any, error) {
	for path != "" {
		var step string
		if rest, ok := strings.CutPrefix(path, "["); ok {
			end := strings.LastIndex(rest[:endOfKey(rest)], "]")
			if end < 0 {
				return nil, fmt.Errorf("no ] in %q", path)
			}
			step, path = rest[:end], strings.TrimPrefix(rest[end+1:], ".")
			list, ok := value.([]any)
			if !ok {
				return nil, fmt.Errorf("no list before [%s]", step)
			}
			if value, ok = pick(list, step); !ok {
				return nil, fmt.Errorf("no [%s]", step)
			}
			continue
		}
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		step, path = path[:end], strings.TrimPrefix(path[end:], ".")
		object, ok := value.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("no object that could have %s", step)
		}
		if value, ok = object[step]; !ok {
			return nil, fmt.Errorf("no %s", step)
		}
	}
	return value, nil
}

// endOfKey is where a key in brackets ends: before the next step.
func endOfKey(rest string) int {
	for i := range rest {
		if rest[i] == ']' && (i+1 == len(rest) || rest[i+1] == '.' || rest[i+1] == '[') {
			return i + 1
		}
	}
	return len(rest)
}

func pick(list []any, key string) (any, bool) {
	if i, err := strconv.Atoi(key); err == nil && i < len(list) {
		return list[i], true
	}
	for _, item := range list {
		object, ok := item.(map[string]any)
		if !ok {
			continue
		}
		for _, name := range []string{"id", "address", "path", "tool", "rule"} {
			if object[name] == key {
				return item, true
			}
		}
	}
	return nil, false
}

func scriptSchema(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "schema FILE")
	ts.Check(checkRunSchema([]byte(ts.ReadFile(args[0]))))
}

// checkRunSchema says whether data is one document, and nothing else, in the
// published form.
func checkRunSchema(data []byte) error {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "strata.run.schema.json"))
	if err != nil {
		return err
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		return err
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		return err
	}
	var doc any
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&doc); err != nil {
		return err
	}
	if rest, err := io.ReadAll(io.MultiReader(decoder.Buffered())); err != nil || len(bytes.TrimSpace(rest)) > 0 {
		return fmt.Errorf("something follows the document: %q", rest)
	}
	return resolved.Validate(doc)
}

func scriptHides(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) > 1, "hides SECRET PLACE…")
	forms := secretForms(strings.TrimSuffix(ts.ReadFile(args[0]), "\n"))
	seen := 0
	for _, place := range args[1:] {
		texts := map[string]string{place: ""}
		if place == "stdout" || place == "stderr" {
			texts[place] = ts.ReadFile(place)
		} else {
			info, err := os.Stat(ts.MkAbs(place))
			ts.Check(err)
			if info.IsDir() {
				texts, err = tree(ts.MkAbs(place))
				ts.Check(err)
			} else {
				texts[place] = ts.ReadFile(place)
			}
		}
		for name, text := range texts {
			seen += len(text)
			for _, form := range forms {
				if i := strings.Index(text, form); i >= 0 {
					ts.Fatalf("%s shows the secret as %q: …%s…", name, form, text[max(0, i-80):min(len(text), i+len(form)+20)])
				}
			}
		}
	}
	if seen == 0 {
		ts.Fatalf("nothing to look into")
	}
}

// secretForms are the ways in which a secret could be written.
func secretForms(secret string) []string {
	forms := []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret))}
	quoted, _ := json.Marshal(secret)
	forms = append(forms, string(quoted[1:len(quoted)-1]))
	for line := range strings.SplitSeq(secret, "\n") {
		if len(line) >= 8 {
			forms = append(forms, line)
		}
	}
	return forms
}

func scriptOrder(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) > 2, "order FILE LINE LINE…")
	lines := strings.Split(ts.ReadFile(args[0]), "\n")
	last := -1
	for _, want := range args[1:] {
		i := slices.Index(lines, want)
		if i < 0 {
			ts.Fatalf("%s has no line %q:\n%s", args[0], want, strings.Join(lines, "\n"))
		}
		if i <= last {
			ts.Fatalf("%s has %q too early:\n%s", args[0], want, strings.Join(lines, "\n"))
		}
		last = i
	}
}

func scriptMode(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) > 1, "mode OCTAL FILE…")
	want, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if info.Mode().Perm() != fs.FileMode(want) {
			ts.Fatalf("%s has mode %o", name, info.Mode().Perm())
		}
	}
}
