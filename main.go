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
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/strata-tf/strata/internal/affected"
	"github.com/strata-tf/strata/internal/dagger"
	"github.com/strata-tf/strata/internal/pipeline"
)

// Strata deploys one repository.
type Strata struct {
	// +private
	Source *dagger.Directory
	// +private
	Git *dagger.Directory
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
	source *dagger.Directory,
	// The environment, where a verb does not say one
	// +optional
	environment string,
) (*Strata, error) {
	s := &Strata{Environment: environment}
	if source != nil {
		s.Source = source.Filter(dagger.DirectoryFilterOpts{Exclude: excluded})
		s.Git = source.Filter(dagger.DirectoryFilterOpts{Include: gitRefs})
		return s, nil
	}
	config, err := ws.FindUp(ctx, "strata.yaml")
	if err != nil {
		return nil, fmt.Errorf("look for strata.yaml: %w", err)
	}
	root := strings.TrimSuffix(strings.TrimSuffix(config, "strata.yaml"), "/")
	if root == "" {
		root = "/"
	}
	s.Source = ws.Directory(root, dagger.WorkspaceDirectoryOpts{Exclude: excluded, Gitignore: true})
	s.Git = ws.Directory("/", dagger.WorkspaceDirectoryOpts{Include: gitRefs})
	return s, nil
}

// gitRefs is the part of .git that says which commit is checked out. Its
// configuration, where CI jobs keep credentials, is no part of it.
var gitRefs = []string{".git/HEAD", ".git/packed-refs", ".git/refs"}

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

// options bring what Strata itself reads of the repository here and say where
// its steps run.
func (s *Strata) options(ctx context.Context, environment string) (pipeline.Options, error) {
	var o pipeline.Options
	dir, err := os.MkdirTemp(".", "strata-")
	if err != nil {
		return o, err
	}
	e := &engine{
		module: s, source: s.Source, scratch: dir,
		nonce: nonce(), plugins: make(map[string]*plugins),
	}
	if e.files, err = e.fetch(ctx, s.Source, filepath.Join(dir, "files")); err != nil {
		return o, err
	}
	secrets, err := s.secrets(ctx)
	if err != nil {
		return o, err
	}
	o.Secret = func(name string) (string, bool) { value, given := secrets[name]; return value, given }
	if o.Hide, err = s.hidden(ctx); err != nil {
		return o, err
	}
	if o.Commit, err = s.commit(ctx, filepath.Join(dir, "git")); err != nil {
		return o, err
	}
	o.Words = words
	o.Source, o.Runner, o.Store, o.Out = e.files, e, &volume{engine: e}, dir
	o.Environ = s.environ()
	o.Select.Environment = environment
	if environment == "" {
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

// hidden reads the secrets that steps are given besides those of variables: a
// tool that prints one must not be quoted.
func (s *Strata) hidden(ctx context.Context) ([]string, error) {
	var values []string
	for _, m := range s.Mounts {
		if m.Secret == nil {
			continue
		}
		value, err := m.Secret.Plaintext(ctx)
		if err != nil {
			return nil, fmt.Errorf("secret %s: %w", m.Name, err)
		}
		if m.Kind == "file" {
			values = append(values, tokens(value)...)
			continue
		}
		values = append(values, value)
	}
	return values, nil
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

// commit reads which commit is checked out.
func (s *Strata) commit(ctx context.Context, dir string) (string, error) {
	if _, err := s.Git.Export(ctx, dir); err != nil {
		return "", fmt.Errorf("read .git: %w", err)
	}
	// Without its objects it is no repository yet, for a library that looks.
	for _, name := range []string{"objects", "refs"} {
		if err := os.MkdirAll(filepath.Join(dir, ".git", name), 0o755); err != nil {
			return "", err
		}
	}
	return affected.Commit(dir)
}
