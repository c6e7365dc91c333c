//go:build engine

package enginetest

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// repo is a user's git repository, with its states in a bucket of its own.
type repo struct {
	dir, bucket string
	environ     []string // of the commands
	chain       []string // what is chained before a verb
}

const dbPassword = `pw "quoted" <&> for-the-tests`

// newRepo makes a repository of files, by path. Backend configurations for the
// three environments are among them; terraform blocks are the units' own.
func newRepo(t testing.TB, files map[string]string) *repo {
	t.Helper()
	r := &repo{dir: t.TempDir(), bucket: "strata-" + random()}
	s3.must(t, http.MethodPut, "/"+r.bucket, nil)
	r.environ = []string{
		"AWS_ACCESS_KEY_ID=" + goodKey, "AWS_SECRET_ACCESS_KEY=engine-test-secret", "AWS_REGION=us-east-1",
		fmt.Sprintf("AWS_ENDPOINT_URL_S3=http://127.0.0.1:%d", s3.port), "STRATA_SECRET_DB_PASSWORD=" + dbPassword,
	}
	r.chain = append(withImages(),
		"with-service", "--name", "s3", "--service", fmt.Sprintf("tcp://127.0.0.1:%d", s3.port),
		"with-variable", "--name", "AWS_ENDPOINT_URL_S3", "--value", fmt.Sprintf("http://s3:%d", s3.port),
		"with-aws-credentials", "--access-key-id", "env:AWS_ACCESS_KEY_ID", "--secret-access-key", "env:AWS_SECRET_ACCESS_KEY", "--region", "us-east-1",
	)
	for name, text := range files {
		if !strings.HasPrefix(name, ".git/") {
			r.write(t, name, text)
		}
	}
	for _, env := range []string{"production", "staging", "development"} {
		r.write(t, "shared/backend-configs/"+env+".hcl", fmt.Sprintf(`bucket                      = %q
region                      = "us-east-1"
use_lockfile                = true
use_path_style              = true
skip_credentials_validation = true
skip_requesting_account_id  = true
skip_metadata_api_check     = true
`, r.bucket))
	}
	r.git(t, "init", "-q", "-b", "main")
	r.git(t, "remote", "add", "origin", "https://git.example.com/"+r.bucket+".git")
	r.git(t, "add", "-A")
	r.commit(t)
	return r
}

// live is the example monorepo with its states in S3. Clients have a secret.
func live(t testing.TB) *repo {
	t.Helper()
	root := filepath.Join(moduleDir, "testdata", "live")
	files := make(map[string]string)
	err := filepath.WalkDir(root, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(root, name)
		rel = filepath.ToSlash(rel)
		files[rel] = string(data)
		if path.Base(rel) == "versions.tf" && strings.HasPrefix(rel, "regions/") {
			files[path.Dir(rel)+"/backend.tf"] = backend(path.Dir(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r := newRepo(t, files)
	r.chain = append(r.chain, "with-secret", "--name", "db_password", "--value", "env:STRATA_SECRET_DB_PASSWORD")
	return r
}

// backend is the backend block of the unit in a folder.
func backend(dir string) string {
	return fmt.Sprintf("terraform {\n  backend \"s3\" {\n    key = %q\n  }\n}\n", stateKey(dir))
}

func stateKey(dir string) string { return dir + "/terraform.tfstate" }

// Folders of units in the default layout.
const (
	foundation   = "regions/us-east-1/layers/01-foundation/staging"
	platform     = "regions/us-east-1/layers/02-platform/staging"
	databases    = "regions/us-east-1/layers/03-databases/staging"
	applications = "regions/us-east-1/layers/04-applications/staging"
)

func client(name string) string { return "regions/us-east-1/clients/" + name + "/staging" }

// unit is the files of one unit in dir.
func unit(dir, code string) map[string]string {
	return map[string]string{dir + "/main.tf": code, dir + "/backend.tf": backend(dir)}
}

func (r *repo) write(t testing.TB, name, text string) {
	t.Helper()
	file := filepath.Join(r.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (r *repo) read(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (r *repo) git(t testing.TB, args ...string) string {
	t.Helper()
	args = append([]string{"-c", "user.name=tests", "-c", "user.email=tests@example.com"}, args...)
	return strings.TrimSpace(r.command(t, "git", args...).ok(t, 0).stdout)
}

func (r *repo) commit(t testing.TB) { r.git(t, "commit", "-q", "--allow-empty", "-m", "change") }

func random() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
