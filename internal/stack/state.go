package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"
)

// state says where a unit's state is, as far as that tells states apart.
type state struct {
	backend   string
	workspace string
	parts     []string // name=value of the settings that tell states apart
}

func (s state) key() string {
	return s.backend + "\x00" + s.workspace + "\x00" + strings.Join(s.parts, "\x00")
}

// String describes the state for people.
func (s state) String() string {
	text := s.backend + " backend, " + strings.Join(s.parts, ", ")
	if s.workspace != defaultWorkspace {
		text += ", workspace " + s.workspace
	}
	return text
}

// remedy says what to change.
func (s state) remedy() string {
	switch s.backend {
	case localBackend:
		return `set workspace: "{env}" for the layer in strata.yaml, or a path in the backend "local" block`
	case "gcs", "cos", "oss":
		return `give each its own prefix, for example backend values prefix: "{layer}/{region}/{instance}/{env}" in strata.yaml`
	}
	return `give each its own place, for example backend values key: "{layer}/{region}/{instance}/{env}.tfstate" in strata.yaml`
}

// StateID tells the unit's state from any other, of other repositories too; its
// module must be read. It is "" where that cannot be told.
func StateID(fsys fs.FS, u *Unit) string {
	s := &stateFinder{fsys: fsys, resolver: newResolver(fsys), files: map[string]settings{}}
	st, ok := s.find(u)
	if !ok {
		return ""
	}
	sum := sha256.Sum256([]byte(st.key()))
	return hex.EncodeToString(sum[:6])
}

// LocalState is the file that holds the unit's state, where that is a local one:
// absolute, or from the repository's root. Its module must be read.
func LocalState(fsys fs.FS, u *Unit) (name string, ok bool) {
	s := &stateFinder{fsys: fsys, resolver: newResolver(fsys), files: map[string]settings{}}
	st, found := s.find(u)
	if !found || st.backend != localBackend {
		return "", false
	}
	name = strings.TrimPrefix(st.parts[0], "path=")
	if st.workspace != defaultWorkspace {
		name = path.Join(name, st.workspace, "terraform.tfstate")
	}
	return name, true
}

const (
	localBackend     = "local"
	defaultWorkspace = "default"
)

// settings are a backend's settings from all places, merged. A value that is
// not known before Terraform runs is in dynamic.
type settings struct {
	values  map[string]string
	dynamic map[string]bool
}

// stateFinder works out where units' states are.
type stateFinder struct {
	fsys     fs.FS
	resolver *resolver
	files    map[string]settings // backend configuration files
	problems []string
}

// find says where a unit's state is; false where that cannot be known.
func (s *stateFinder) find(u *Unit) (state, bool) {
	if u.Module == nil || u.Module.Cloud != nil {
		return state{}, false
	}
	backend := localBackend
	merged := settings{values: map[string]string{}, dynamic: map[string]bool{}}
	if block := u.Module.Backend; block != nil {
		backend = block.Type
		maps.Copy(merged.values, block.Settings)
		for _, name := range block.Dynamic {
			merged.dynamic[name] = true
		}
		// Without a backend block Terraform ignores what init is told.
		merged.add(s.file(u.Backend.Config))
		merged.add(settings{values: u.Backend.Values})
	}
	workspace := u.Workspace
	if workspace == "" {
		workspace = defaultWorkspace
	}
	st := state{backend: backend, workspace: workspace}
	if backend == localBackend {
		return s.local(st, u, merged)
	}
	telling, decisive := stateSettings(backend)
	if len(telling) == 0 {
		return state{}, false
	}
	for _, name := range telling {
		value, given := merged.values[name]
		if merged.dynamic[name] || name == decisive && !given {
			return state{}, false
		}
		if given {
			st.parts = append(st.parts, name+"="+value)
		}
	}
	return st, true
}

// add lays further settings over those before.
func (s *settings) add(more settings) {
	for name, value := range more.values {
		s.values[name] = value
		delete(s.dynamic, name)
	}
	for name := range more.dynamic {
		delete(s.values, name)
		s.dynamic[name] = true
	}
}

// local is a state file: in the unit's real folder, or where path says.
func (s *stateFinder) local(st state, u *Unit, merged settings) (state, bool) {
	name, decisive := "path", "terraform.tfstate"
	if st.workspace != defaultWorkspace {
		name, decisive = "workspace_dir", "terraform.tfstate.d"
	}
	if merged.dynamic[name] {
		return state{}, false
	}
	if given := merged.values[name]; given != "" {
		decisive = given
	}
	if !path.IsAbs(decisive) {
		decisive = path.Join(s.resolver.real(u.Path), decisive)
	}
	st.parts = []string{"path=" + decisive}
	return st, true
}

// stateSettings lists the settings of a backend that tell states apart, and the
// one without which nothing can be said. Unknown backends have none.
func stateSettings(backend string) (telling []string, decisive string) {
	switch backend {
	case "s3":
		return []string{"bucket", "key", "workspace_key_prefix", "endpoint"}, "key"
	case "azurerm":
		return []string{"storage_account_name", "container_name", "key"}, "key"
	case "gcs":
		return []string{"bucket", "prefix"}, "bucket"
	case "cos", "oss":
		return []string{"bucket", "prefix", "key"}, "bucket"
	case "http":
		return []string{"address"}, "address"
	case "consul":
		return []string{"address", "datacenter", "path"}, "path"
	case "kubernetes":
		return []string{"config_path", "config_context", "host", "namespace", "secret_suffix"}, "secret_suffix"
	case "pg":
		return []string{"conn_str", "schema_name"}, "conn_str"
	}
	return nil, ""
}

// file reads a backend configuration file, once.
func (s *stateFinder) file(name string) settings {
	if name == "" {
		return settings{}
	}
	if known, ok := s.files[name]; ok {
		return known
	}
	read := s.readFile(name)
	s.files[name] = read
	return read
}

func (s *stateFinder) readFile(name string) settings {
	text, err := fs.ReadFile(s.fsys, name)
	if err != nil {
		s.problems = append(s.problems, fmt.Sprintf("%s cannot be read: %v", shown(name), cause(err)))
		return settings{}
	}
	body, diags := parseHCL(text, name)
	for _, problem := range diagnosed(diags, name) {
		s.problems = append(s.problems, problem.String())
	}
	read := settings{values: map[string]string{}}
	attrs, _ := body.JustAttributes()
	for attr, expr := range attrs {
		if text, ok := constant(expr); ok {
			read.values[attr] = text
		}
	}
	return read
}
