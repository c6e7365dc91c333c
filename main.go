// Deploy a layered Terraform monorepo: plan, deploy and destroy its units in
// order, side by side where possible, every tool in a pinned container.
//
// In your repository: dagger call -m github.com/strata-tf/strata deploy --env staging --all
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/strata-tf/strata/internal/dagger"
	"github.com/strata-tf/strata/internal/pipeline"
)

// Strata deploys one repository.
type Strata struct {
	// +private
	Caller *dagger.Workspace // whose repository it is; nil where another is given
	// +private
	Root string // its root in the caller's git repository
	// +private
	Given *dagger.Directory // the other one
	// +private
	Source *dagger.Directory // what of that travels
	// +private
	Environment string
	// +private
	Names []string // of secrets for variables
	// +private
	Values []*dagger.Secret
	// +private
	Mounts []*Mount
	// +private
	Mirror *dagger.Directory
	// +private
	Images []string // tool, image, tool, image…
}

// Mount is something that every step of every unit gets.
type Mount struct {
	// +private
	Kind string // variable, secret, file or service
	// +private
	Name string
	// +private
	Text string
	// +private
	Secret *dagger.Secret
	// +private
	Service *dagger.Service
}

// excluded is what never travels to the engine: it is large, or it is local.
var excluded = []string{
	".git", "**/.terraform", "**/.strata", "**/*.tfstate", "**/*.tfstate.*", "**/node_modules",
}

// New takes the repository in which dagger is called.
// +cache="never"
func New(
	ctx context.Context,
	ws *dagger.Workspace,
	// Another repository: a folder, or a remote one such as github.com/acme/live@main
	// +optional
	// +ignore=[".git/config", ".git/hooks", "**/.terraform", "**/.strata", "**/*.tfstate", "**/*.tfstate.*"]
	source *dagger.Directory,
	// The environment, where a verb does not say one
	// +optional
	environment string,
) (*Strata, error) {
	s := &Strata{Environment: environment, Root: "/"}
	if source != nil {
		s.Given = source
		s.Source = source.Filter(dagger.DirectoryFilterOpts{Exclude: excluded})
		return s, nil
	}
	config, err := ws.FindUp(ctx, "strata.yaml")
	if err != nil {
		return nil, fmt.Errorf("look for strata.yaml: %w", err)
	}
	if config != "" {
		s.Root = path.Dir(config)
	}
	s.Caller = ws
	return s, nil
}

// source is what of the repository travels. A caller's is read when a verb asks
// for it: to name it is to upload it.
func (s *Strata) source() *dagger.Directory {
	if s.Source != nil {
		return s.Source
	}
	return s.Caller.Directory(s.Root, dagger.WorkspaceDirectoryOpts{Exclude: excluded, Gitignore: true})
}

// What chains before a verb is kept for one session at most, and not for days as
// the engine would: the secrets, services and folders that an earlier session's
// result names may be gone.

// WithSecret gives the layers that ask for it (secrets in strata.yaml) the value of a secret variable.
// +cache="session"
func (s *Strata) WithSecret(
	// The variable's name: db_password
	name string,
	// Its value: env:DB_PASSWORD, file:./password, cmd:"…", vault:…
	value *dagger.Secret,
) *Strata {
	c := *s
	c.Names = append(append([]string{}, s.Names...), name)
	c.Values = append(append([]*dagger.Secret{}, s.Values...), value)
	return &c
}

// mounted is s with one more thing for every step.
func mounted(s *Strata, m *Mount) *Strata {
	c := *s
	c.Mounts = append(append([]*Mount{}, s.Mounts...), m)
	return &c
}

// WithAwsCredentials gives every step the credentials of an AWS account.
// +cache="session"
func (s *Strata) WithAwsCredentials(
	// env:AWS_ACCESS_KEY_ID
	accessKeyID *dagger.Secret,
	// env:AWS_SECRET_ACCESS_KEY
	secretAccessKey *dagger.Secret,
	// env:AWS_SESSION_TOKEN, for temporary credentials
	// +optional
	sessionToken *dagger.Secret,
	// The default region
	// +optional
	region string,
) *Strata {
	s = s.WithSecretVariable("AWS_ACCESS_KEY_ID", accessKeyID).WithSecretVariable("AWS_SECRET_ACCESS_KEY", secretAccessKey)
	if sessionToken != nil {
		s = s.WithSecretVariable("AWS_SESSION_TOKEN", sessionToken)
	}
	if region != "" {
		s = s.WithVariable("AWS_REGION", region)
	}
	return s
}

// WithSecretVariable gives every step a secret environment variable, such as a provider's token.
// +cache="session"
func (s *Strata) WithSecretVariable(
	// The variable's name
	name string,
	// Its value
	value *dagger.Secret,
) *Strata {
	return mounted(s, &Mount{Kind: "secret", Name: name, Secret: value})
}

// WithVariable gives every step an environment variable.
// +cache="session"
func (s *Strata) WithVariable(
	// The variable's name
	name string,
	// Its value
	value string,
) *Strata {
	return mounted(s, &Mount{Kind: "variable", Name: name, Text: value})
}

// WithSecretFile mounts a secret file for every step, such as a kubeconfig or a key.
// +cache="session"
func (s *Strata) WithSecretFile(
	// Where the steps find it, absolute
	path string,
	// Its content
	content *dagger.Secret,
) *Strata {
	return mounted(s, &Mount{Kind: "file", Name: path, Secret: content})
}

// WithService binds a service for every step under a name: a local API, a database.
// +cache="session"
func (s *Strata) WithService(
	// The host name under which steps reach it
	name string,
	// The service
	service *dagger.Service,
) *Strata {
	return mounted(s, &Mount{Kind: "service", Name: name, Service: service})
}

// WithProviderMirror takes providers from a folder alone, in filesystem-mirror layout.
// +cache="session"
func (s *Strata) WithProviderMirror(
	// HOST/NAMESPACE/TYPE/VERSION/PLATFORM/…
	mirror *dagger.Directory,
) *Strata {
	c := *s
	c.Mirror = mirror
	return &c
}

// WithImage runs a tool in another image.
// +cache="session"
func (s *Strata) WithImage(
	// terraform, tofu, or a hook's program; alpine for the module's own commands, moto for the demo's AWS
	tool string,
	// The image with its exact tag, better with its digest
	image string,
) *Strata {
	c := *s
	c.Images = append(append([]string{}, s.Images...), tool, image)
	return &c
}

// base gives a container what every step gets.
func (s *Strata) base(c *dagger.Container) *dagger.Container {
	for _, m := range s.Mounts {
		switch m.Kind {
		case "variable":
			c = c.WithEnvVariable(m.Name, m.Text)
		case "secret":
			c = c.WithSecretVariable(m.Name, m.Secret)
		case "file":
			c = c.WithMountedSecret(m.Name, m.Secret)
		case "service":
			c = c.WithServiceBinding(m.Name, m.Service)
		}
	}
	return c
}

// want is what a verb is about, and what it needs here for it.
type want struct {
	environment, ref string

	history bool // git's objects
	files   int  // of the repository
}

// What of the repository's files is brought here.
const (
	codeFiles = iota // the content of Terraform's files, and the names of all
	allFiles         // the content of all
	noFiles          // none but strata.yaml
)

// options bring what Strata itself reads of the repository here and say where
// its steps run.
func (s *Strata) options(ctx context.Context, w want) (pipeline.Options, error) {
	var o pipeline.Options
	dir, err := os.MkdirTemp(".", "strata-")
	if err != nil {
		return o, err
	}
	e := newEngine(s, dir)
	secrets, err := s.secrets(ctx)
	if err != nil {
		return o, err
	}
	o.Secret = func(name string) (string, bool) { value, given := secrets[name]; return value, given }
	given, err := s.given(ctx)
	if err != nil {
		return o, err
	}
	o.Hide = given.hide
	if err := e.checkOut(ctx, w, &o); err != nil {
		return o, err
	}
	o.At = e.at
	o.OpenRecords = func(ctx context.Context, url string) (pipeline.Memory, error) {
		return openRecords(ctx, url, given.surroundings(ctx, s))
	}
	o.Words = words
	o.Source, o.Runner, o.Store, o.Out = e.files, e, &volume{engine: e}, dir
	o.Cache = o.Store // the engine's own, where no repository writes
	o.Image = s.chosen
	o.Environ = s.environ()
	o.Select.Environment, o.Ref = w.environment, w.ref
	if w.environment == "" && w.ref == "" {
		o.Select.Environment = s.Environment
	}
	return o, nil
}

// environ lists the variables that every step is given; what secret ones hold
// stays unsaid.
func (s *Strata) environ() []string {
	var environ []string
	for _, m := range s.Mounts {
		switch m.Kind {
		case "variable":
			environ = append(environ, m.Name+"="+m.Text)
		case "secret":
			environ = append(environ, m.Name+"=(secret)")
		}
	}
	return environ
}

// nonce is a value that no other call has.
func nonce() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// secrets reads the values of the secret variables, which Terraform takes from
// a private file.
func (s *Strata) secrets(ctx context.Context) (map[string]string, error) {
	values := make(map[string]string)
	for i, name := range s.Names {
		value, err := s.Values[i].Plaintext(ctx)
		if err != nil {
			return nil, fmt.Errorf("secret %s: %w", name, err)
		}
		values[name] = value
	}
	return values, nil
}

// given is what steps are given besides the secrets of variables.
type given struct {
	variables map[string]string
	files     map[string]string // by path
	hide      []string          // a tool that prints one of these must not be quoted
}

// given reads what steps are given besides the secrets of variables.
func (s *Strata) given(ctx context.Context) (*given, error) {
	g := &given{variables: make(map[string]string), files: make(map[string]string)}
	for _, m := range s.Mounts {
		if m.Kind == "variable" {
			g.variables[m.Name] = m.Text
		}
		if m.Secret == nil {
			continue
		}
		value, err := m.Secret.Plaintext(ctx)
		if err != nil {
			return nil, fmt.Errorf("secret %s: %w", m.Name, err)
		}
		if m.Kind == "file" {
			g.files[path.Clean(m.Name)] = value
			g.hide = append(g.hide, tokens(value)...)
			continue
		}
		g.variables[m.Name] = value
		g.hide = append(g.hide, value)
	}
	return g, nil
}

// tokens are the parts of a secret file that can be secret: all of it, where it
// is one word, else its long words, with and without what joins them in JSON,
// YAML and INI. Its other words are everybody's ("kind: Config").
func tokens(file string) []string {
	words := strings.Fields(file)
	if len(words) == 1 && !strings.ContainsAny(file, `"{}`) {
		return words
	}
	words = append(words, strings.FieldsFunc(file, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(`"',;:{}[]=`, r)
	})...)
	return slices.DeleteFunc(words, func(word string) bool { return len(word) < 16 })
}
