//go:build aliases

package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"go.opentelemetry.io/otel/trace"

	"dagger.io/dagger"
)

// scripted is a connection that answers the module's queries without an
// engine. It holds a small model of one: containers, folders, files, secrets,
// services and volumes. What a command does in a container is said by the test.
// A query for anything that the model does not know fails the test.
//
// As in an engine, all is lazy: an object is the chain of calls that makes it,
// evaluated when something asks for a value, and once; the same chain again is
// a hit in the cache.
type scripted struct {
	fail func(error) // called for what the model does not know

	// What the test says beforehand.
	run       func(context.Context, *execution) outcome
	serve     func(*execution) served
	host      map[string]files  // the caller's folders, by path
	workspace files             // the repository dagger is called in
	cwd       string            // the folder in it
	module    files             // the module's own source
	secrets   map[string]string // by address, such as env://NAME
	noImages  []string          // images that cannot be had
	noShell   []string          // images that have none
	images    map[string]files  // what images hold, as far as it is read
	answer    func(query string) error

	mu      sync.Mutex
	nodes   map[string]*node
	queries []string
	execs   []*execution
	printed []string // what the engine itself keeps: output that no script redirected
	volumes map[string]files
	started []string          // images of services
	running map[string]string // addresses of services, by id
	served  []*execution      // what services run
	killed  int               // services that were
	pulled  map[string]bool
}

// connect makes dag a client of a scripted engine for the time of a test.
func connect(t *testing.T) *scripted {
	t.Helper()
	e := &scripted{
		fail: func(err error) { t.Error(err) }, nodes: make(map[string]*node), host: make(map[string]files), secrets: make(map[string]string),
		volumes: make(map[string]files), running: make(map[string]string), pulled: make(map[string]bool), cwd: ".",
	}
	client, err := dagger.Connect(t.Context(), dagger.WithConn(e))
	if err != nil {
		t.Fatal(err)
	}
	dag = client
	// Functions make their folders where they run. It also keeps tests from
	// running side by side, which dag does not allow.
	t.Chdir(t.TempDir())
	t.Cleanup(func() { dag = nil })
	return e
}

func (e *scripted) Host() string { return "scripted" }

func (e *scripted) Close() error { return nil }

// Do answers one query.
func (e *scripted) Do(r *http.Request) (*http.Response, error) {
	var sent struct{ Query string }
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.queries = append(e.queries, sent.Query)
	e.mu.Unlock()
	var reply struct {
		Data   any   `json:"data"`
		Errors []any `json:"errors,omitempty"`
	}
	data, err := e.resolve(r.Context(), sent.Query)
	if gone := r.Context().Err(); gone != nil {
		return nil, gone
	}
	reply.Data = data
	if err != nil {
		reply.Errors = []any{graphqlError(err)}
	}
	body, err := json.Marshal(reply)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body)), Header: make(http.Header)}, nil
}

func graphqlError(err error) map[string]any {
	out := map[string]any{"message": err.Error()}
	var failed *execFailed
	if errors.As(err, &failed) {
		out["extensions"] = map[string]any{
			"_type": "EXEC_ERROR", "exitCode": failed.Code, "cmd": failed.Args, "stdout": failed.Stdout, "stderr": failed.Stderr,
		}
	}
	return out
}

// execFailed is a command that failed where none of its failures was expected.
type execFailed struct{ *execution }

func (f *execFailed) Error() string {
	return fmt.Sprintf("process %q did not complete successfully: exit code: %d", strings.Join(f.Args, " "), f.Code)
}

// unknown is a query beyond the model.
func (e *scripted) unknown(format string, args ...any) error {
	err := fmt.Errorf("the scripted engine does not know "+format, args...)
	e.fail(err)
	return err
}

// resolve follows a query's chain of selections to its value.
func (e *scripted) resolve(ctx context.Context, query string) (any, error) {
	if e.answer != nil {
		if err := e.answer(query); err != nil {
			return nil, err
		}
	}
	document, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		return nil, e.unknown("this query: %v: %s", err, query)
	}
	if len(document.Operations) != 1 {
		return nil, e.unknown("%d operations in a query: %s", len(document.Operations), query)
	}
	return e.follow(ctx, &node{typ: "Query"}, document.Operations[0].SelectionSet)
}

func (e *scripted) follow(ctx context.Context, at *node, selections ast.SelectionSet) (any, error) {
	if len(selections) != 1 {
		return nil, e.unknown("%d selections beside each other on %s", len(selections), at.typ)
	}
	switch s := selections[0].(type) {
	case *ast.InlineFragment:
		if s.TypeCondition != at.typ {
			return nil, e.unknown("a %s that is a %s", at.typ, s.TypeCondition)
		}
		return e.follow(ctx, at, s.SelectionSet)
	case *ast.Field:
		args, err := arguments(s)
		if err != nil {
			return nil, err
		}
		value, err := e.field(ctx, at, s.Name, args, s.SelectionSet)
		return map[string]any{s.Name: value}, err
	}
	return nil, e.unknown("a selection of kind %T", selections[0])
}

func arguments(f *ast.Field) (map[string]any, error) {
	args := make(map[string]any, len(f.Arguments))
	for _, a := range f.Arguments {
		value, err := a.Value.Value(nil)
		if err != nil {
			return nil, err
		}
		args[a.Name] = value
	}
	return args, nil
}

func (e *scripted) field(ctx context.Context, at *node, name string, args map[string]any, rest ast.SelectionSet) (any, error) {
	if at.typ == "Query" && name == "node" {
		found, err := e.node(args["id"])
		if err != nil {
			return nil, err
		}
		return e.follow(ctx, found, rest)
	}
	if name == "id" {
		return at.id, nil
	}
	field, ok := fields[at.typ+"."+name]
	if !ok {
		return nil, e.unknown("the field %s of %s", name, at.typ)
	}
	for arg := range args {
		if !slices.Contains(strings.Fields(field.args), arg) {
			return nil, e.unknown("the argument %q of %s.%s", arg, at.typ, name)
		}
	}
	next := e.intern(at, field.typ, name, args, field.value)
	if field.typ != "" {
		if len(rest) == 0 {
			return nil, e.unknown("the object %s.%s as a value", at.typ, name)
		}
		return e.follow(ctx, next, rest)
	}
	value, err := next.eval(ctx, e)
	if err != nil {
		return nil, err
	}
	if name == "sync" || name == "start" || name == "stop" {
		return at.id, nil
	}
	return value, nil
}

// node is an object: the chain of calls that makes it.
type node struct {
	typ    string // "" for a plain value
	parent *node
	name   string
	args   map[string]any
	id     string
	value  func(context.Context, *scripted, *node, any) (any, error)

	mu   sync.Mutex
	done bool
	made any
}

// intern returns the node of a chain, always the same one.
func (e *scripted) intern(parent *node, typ, name string, args map[string]any, value func(context.Context, *scripted, *node, any) (any, error)) *node {
	encoded, _ := json.Marshal(args) // with its keys in order
	sum := sha256.Sum256([]byte(parent.id + "\x00" + name + "\x00" + string(encoded)))
	id := fmt.Sprintf("%s:%s", cmp.Or(typ, "value"), hex.EncodeToString(sum[:16]))
	fresh := &node{typ: typ, parent: parent, name: name, args: args, id: id, value: value}
	if typ == "" {
		return fresh // values are asked for again each time
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if known := e.nodes[id]; known != nil {
		return known
	}
	e.nodes[id] = fresh
	return fresh
}

func (e *scripted) node(id any) (*node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	name, _ := id.(string)
	found := e.nodes[name]
	if found == nil {
		return nil, e.unknown("the id %v", id)
	}
	return found, nil
}

func (n *node) eval(ctx context.Context, e *scripted) (any, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.done {
		return n.made, nil
	}
	var of any
	if n.parent != nil && n.parent.value != nil {
		var err error
		if of, err = n.parent.eval(ctx, e); err != nil {
			return nil, err
		}
	}
	value, err := n.value(ctx, e, n, of)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err // failures are not kept
	}
	n.made, n.done = value, true
	return value, nil
}

func (n *node) text(name string) string {
	s, _ := n.args[name].(string)
	return s
}

func (n *node) list(name string) []string {
	var out []string
	values, _ := n.args[name].([]any)
	for _, v := range values {
		out = append(out, v.(string))
	}
	return out
}

// object evaluates the object that an argument names.
func object[T any](ctx context.Context, e *scripted, n *node, name string) (T, string, error) {
	var none T
	found, err := e.node(n.args[name])
	if err != nil {
		return none, "", err
	}
	value, err := found.eval(ctx, e)
	if err != nil {
		return none, "", err
	}
	typed, ok := value.(T)
	if !ok {
		return none, "", e.unknown("a %s as the argument %q of %s", found.typ, name, n.name)
	}
	return typed, found.id, nil
}

// files are a folder's, by path; a link to be has a target instead.
type files map[string]file

type file struct {
	data string
	mode int64
}

func tree(contents map[string]string) files {
	out := make(files, len(contents))
	for name, data := range contents {
		out[name] = file{data: data, mode: 0o644}
	}
	return out
}

// below returns the files of one of f's folders.
func (f files) below(dir string) files {
	dir = clean(dir)
	out := make(files)
	for name, content := range f {
		if dir == "." {
			out[name] = content
		} else if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
			out[rest] = content
		}
	}
	return out
}

// with returns f with a folder's files put at dir, instead of what is there
// where it is a mount.
func (f files) with(dir string, more files, instead bool) files {
	dir = clean(dir)
	out := make(files, len(f)+len(more))
	for name, content := range f {
		if !instead || !strings.HasPrefix(name, dir+"/") {
			out[name] = content
		}
	}
	for name, content := range more {
		out[path.Join(dir, name)] = content
	}
	return out
}

func (f files) has(name string) bool {
	name = clean(name)
	if _, ok := f[name]; ok || name == "." {
		return true
	}
	return slices.ContainsFunc(slices.Collect(maps.Keys(f)), func(n string) bool { return strings.HasPrefix(n, name+"/") })
}

// filter keeps what the patterns include and drops what they exclude. A
// pattern that matches a folder holds for all below it.
func (f files) filter(include, exclude []string) files {
	out := make(files)
	for name, content := range f {
		if (len(include) == 0 || matches(include, name)) && !matches(exclude, name) {
			out[name] = content
		}
	}
	return out
}

func matches(patterns []string, name string) bool {
	for _, pattern := range patterns {
		for at := name; at != "."; at = path.Dir(at) {
			if ok, _ := doublestar.Match(pattern, at); ok {
				return true
			}
		}
	}
	return false
}

// unignored is f as git sees it: without what its .gitignore files name.
func (f files) unignored() files {
	var patterns []string
	for line := range strings.Lines(f[".gitignore"].data) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			patterns = append(patterns, "**/"+strings.Trim(line, "/"))
		}
	}
	return f.filter(nil, patterns)
}

// glob lists the files and folders that match.
func (f files) glob(pattern string) []string {
	found := make(map[string]bool)
	for name := range f {
		for at, end := name, ""; at != "."; at, end = path.Dir(at), "/" {
			if ok, _ := doublestar.Match(pattern, at); ok {
				found[at+end] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (f files) export(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, content := range f {
		if err := exportFile(filepath.Join(dir, filepath.FromSlash(name)), content); err != nil {
			return err
		}
	}
	return nil
}

func exportFile(name string, content file) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(content.data), 0o600)
}

// diskFiles are the files below a folder of this machine.
func diskFiles(dir string) (files, error) {
	out := make(files)
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		out[name] = file{data: string(data), mode: 0o644}
		return err
	})
	return out, err
}

func clean(name string) string { return path.Clean("./" + strings.TrimPrefix(name, "/")) }

// box is a container.
type box struct {
	image    string
	env      map[string]string
	hidden   map[string]*secret // variables
	secrets  map[string]*secret // mounts
	caches   map[string]cache   // mounts
	services map[string]*service
	mounts   map[string]string // ids of folders, by path
	ports    []int
	user     string // "" for the image's
	workdir  string
	files    files
	last     *execution
}

type (
	secret  struct{ name, plaintext string }
	cache   struct{ key, sharing string }
	service struct {
		id         string
		box        *box
		args       []string
		entrypoint bool
	}
)

func (b *box) clone() *box {
	c := *b
	c.env, c.hidden, c.secrets = maps.Clone(b.env), maps.Clone(b.hidden), maps.Clone(b.secrets)
	c.caches, c.services, c.mounts = maps.Clone(b.caches), maps.Clone(b.services), maps.Clone(b.mounts)
	return &c // its files are replaced, never changed
}

// execution is one command that ran in a container.
type execution struct {
	Image     string
	Args      []string          // the whole argv
	Command   []string          // what is left of it without the hush script
	Hushed    bool              // whether that was there
	Env       map[string]string // plain variables
	SecretEnv map[string]string
	Secrets   map[string]string // mounted ones, by path
	Caches    map[string]cache
	Services  map[string]*service
	Mounts    map[string]string
	Workdir   string
	User      string
	Expect    string
	Redirects [2]string         // of its standard output and standard error
	Span      trace.SpanContext // the caller's
	outcome

	e     *scripted
	node  *node
	files files
	out   string // where the hush script writes to
	err   string
}

// served is what comes of starting a service: where it answers, or how its
// command has ended.
type served struct {
	Address string
	outcome
}

// outcome is what a command leaves behind.
type outcome struct {
	Code           int
	Stdout, Stderr string
	Files          map[string]string // written
	Removed        []string
}

// Name is the command's own.
func (x *execution) Name() string { return path.Base(x.Command[0]) }

// Path makes a command's argument absolute.
func (x *execution) Path(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(x.Workdir, name)
}

// Read reads a file as the command sees it.
func (x *execution) Read(name string) (string, bool) {
	name = x.Path(name)
	if text, ok := x.Secrets[name]; ok {
		return text, true
	}
	if volume, rest, ok := x.volume(name); ok {
		x.e.mu.Lock()
		defer x.e.mu.Unlock()
		f, ok := x.e.volumes[volume][rest]
		return f.data, ok
	}
	f, ok := x.files[clean(name)]
	return f.data, ok
}

// Below returns the files of a folder as the command sees them.
func (x *execution) Below(dir string) files {
	dir = x.Path(dir)
	out := x.files.below(dir)
	x.e.mu.Lock()
	defer x.e.mu.Unlock()
	for at, c := range x.Caches {
		if at == dir {
			maps.Copy(out, x.e.volumes[c.key])
		}
	}
	return out
}

func (x *execution) volume(name string) (key, rest string, ok bool) {
	for at, c := range x.Caches {
		if rest, ok := strings.CutPrefix(name, at+"/"); ok {
			return c.key, rest, true
		}
	}
	return "", "", false
}

// write puts a file where the command's next one finds it.
func (x *execution) write(name, data string) {
	name = x.Path(name)
	if key, rest, ok := x.volume(name); ok {
		x.e.mu.Lock()
		defer x.e.mu.Unlock()
		if x.e.volumes[key] == nil {
			x.e.volumes[key] = make(files)
		}
		x.e.volumes[key][rest] = file{data: data, mode: 0o644}
		return
	}
	x.files[clean(name)] = file{data: data, mode: 0o644}
}

func (x *execution) remove(name string) {
	name = x.Path(name)
	if key, rest, ok := x.volume(name); ok {
		x.e.mu.Lock()
		defer x.e.mu.Unlock()
		delete(x.e.volumes[key], rest)
		return
	}
	delete(x.files, clean(name))
}

// execution is what a container's command finds.
func (e *scripted) execution(ctx context.Context, n *node, b *box, args []string) (*execution, error) {
	if b.image == "" {
		return nil, errors.New("exec in a container without an image")
	}
	x := &execution{
		Image: b.image, Args: args, Env: maps.Clone(b.env), Workdir: cmp.Or(b.workdir, "/"), User: b.user,
		Secrets: make(map[string]string), SecretEnv: make(map[string]string), Caches: maps.Clone(b.caches),
		Services: maps.Clone(b.services), Mounts: maps.Clone(b.mounts), Expect: n.text("expect"),
		Span: trace.SpanContextFromContext(ctx), e: e, node: n, files: maps.Clone(b.files),
	}
	for at, s := range b.secrets {
		x.Secrets[at] = s.plaintext
	}
	for name, s := range b.hidden {
		x.SecretEnv[name] = s.plaintext
	}
	x.Redirects = [2]string{n.text("redirectStdout"), n.text("redirectStderr")}
	return x, x.unhush()
}

// leave puts what a command leaves behind where it belongs.
func (x *execution) leave() {
	for name, data := range x.Files {
		x.write(name, data)
	}
	for _, name := range x.Removed {
		x.remove(name)
	}
	if x.Hushed {
		x.write(x.out, x.Stdout)
		x.write(x.err, x.Stderr)
	} else {
		x.e.mu.Lock()
		x.e.printed = append(x.e.printed, x.Stdout, x.Stderr)
		x.e.mu.Unlock()
	}
	for i, text := range []string{x.Stdout, x.Stderr} {
		if x.Redirects[i] != "" {
			x.write(x.Redirects[i], text)
		}
	}
}

// exec runs a command: the node is a container's withExec.
func (e *scripted) exec(ctx context.Context, n *node, b *box) (*box, error) {
	x, err := e.execution(ctx, n, b, n.list("args"))
	if err != nil {
		return nil, err
	}
	x.outcome = e.run(ctx, x)
	e.mu.Lock()
	e.execs = append(e.execs, x)
	e.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	x.leave()
	if x.Code != 0 && x.Expect != "ANY" {
		return nil, x.failure()
	}
	after := b.clone()
	after.files, after.last = x.files, x
	return after, nil
}

// failure is the engine's error for a command. Of what it printed the engine has
// only what no script redirected.
func (x *execution) failure() error {
	told := *x
	if x.Hushed {
		told.Stdout, told.Stderr = "", ""
	}
	return &execFailed{&told}
}

// start starts a service, once until it is stopped.
func (e *scripted) start(ctx context.Context, n *node, s *service) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, runs := e.running[s.id]; runs {
		return nil
	}
	e.started = append(e.started, s.box.image)
	if len(s.args) == 0 {
		e.running[s.id] = s.box.image + ".internal"
		return nil
	}
	if e.serve == nil {
		return e.unknown("a service that runs %q", s.args)
	}
	if len(s.box.ports) != 1 {
		return e.unknown("a service with the ports %v", s.box.ports)
	}
	x, err := e.execution(ctx, n, s.box, s.args)
	if err != nil {
		return err
	}
	e.served = append(e.served, x)
	e.mu.Unlock()
	result := e.serve(x)
	x.outcome = result.outcome
	x.leave()
	e.mu.Lock()
	if result.Address == "" {
		return x.failure()
	}
	e.running[s.id] = result.Address
	return nil
}

// unhush does what the hush script does.
func (x *execution) unhush() error {
	x.Command = x.Args
	if len(x.Args) == 0 {
		return errors.New("exec without a command")
	}
	if x.Args[0] != hushFile {
		return nil
	}
	if !x.files.has("/bin/sh") {
		return fmt.Errorf("exec %s: no such file or directory", hushFile)
	}
	script := x.files[clean(hushFile)]
	if script.data != hush || script.mode != 0o755 || len(x.Args) < 4 {
		return fmt.Errorf("%s is not the script, or is not executable (mode %o), or has no command", hushFile, script.mode)
	}
	x.Hushed, x.out, x.err, x.Command = true, x.Args[1], x.Args[2], x.Args[3:]
	return nil
}

// ran lists the commands that ran, of one name where it is not empty.
func (e *scripted) ran(name string) []*execution {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []*execution
	for _, x := range e.execs {
		if name == "" || x.Name() == name {
			out = append(out, x)
		}
	}
	return out
}

// sent returns every query so far but those that hand a secret over.
func (e *scripted) sent() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var b strings.Builder
	for _, q := range e.queries {
		if !strings.Contains(q, "{setSecret(") {
			b.WriteString(q + "\n")
		}
	}
	return b.String()
}
