package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
)

// maxConfigSize bounds strata.yaml, so that no file can exhaust the reader.
const maxConfigSize = 128 << 10

// Load reads strata.yaml from the repository's root; without the file the
// defaults hold. A file with problems is a *ConfigError that lists all of them.
func Load(fsys fs.FS) (*Config, error) {
	data, err := fs.ReadFile(fsys, ConfigFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", ConfigFile, err)
	}
	return parseConfig(data)
}

// parseConfig reads the text of a strata.yaml.
func parseConfig(data []byte) (*Config, error) {
	schema, err := configSchema()
	if err != nil {
		return nil, err
	}
	doc := &document{file: ConfigFile, positions: map[string]Position{}}
	value := doc.read(data, schema)
	cfg, err := decode(value)
	if err != nil {
		doc.problem("", "%v", err)
	}
	if cfg != nil {
		doc.problems = append(doc.problems, check(cfg, doc)...)
	}
	if len(doc.problems) > 0 {
		return nil, &ConfigError{Problems: sortProblems(doc.problems)}
	}
	return cfg, nil
}

// decode lays the file's values over the defaults. A top-level key that is
// given replaces its default; but the three default environments and the
// settings of terraform, policy and scan keep theirs where a field is left out.
func decode(value map[string]any) (*Config, error) {
	defaults := Default()
	cfg := &Config{Terraform: defaults.Terraform, Policy: defaults.Policy, Scan: defaults.Scan}
	_, cfg.Policy.Given = value["policy"]
	scan, given := value["scan"].(map[string]any)
	cfg.Scan.Given = given
	_, cfg.Scan.Compliance.Given = scan[Compliance]
	environments, _ := value["environments"].(map[string]any)
	rest := maps.Clone(value)
	delete(rest, "environments")
	if err := transfer(rest, cfg); err != nil {
		return nil, err
	}
	if cfg.Version == 0 {
		cfg.Version = defaults.Version
	}
	if _, given := value["layers"]; !given {
		cfg.Layers = defaults.Layers
	}
	if _, given := value["backend"]; !given {
		cfg.Backend = defaults.Backend
	}
	if _, given := value["environments"]; !given {
		cfg.Environments = defaults.Environments
		return cfg, nil
	}
	cfg.Environments = map[string]Environment{}
	for _, name := range slices.Sorted(maps.Keys(environments)) {
		environment := defaults.Environments[name]
		if err := transfer(environments[name], &environment); err != nil {
			return nil, err
		}
		cfg.Environments[name] = environment
	}
	return cfg, nil
}

// transfer moves plain values into a struct by its JSON names.
func transfer(value, into any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
