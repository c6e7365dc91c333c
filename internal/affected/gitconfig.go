package affected

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/config"
)

// gitConfig holds git's settings by lower-case "section.key". Where one is set
// more than once the last counts, as it does for all that is read here.
type gitConfig map[string]string

func (c gitConfig) get(key string) string { return c[key] }

// boolean returns a setting that is true or false.
func (c gitConfig) boolean(key string, otherwise bool) bool {
	value, ok := c[key]
	if !ok {
		return otherwise
	}
	switch strings.ToLower(value) {
	case "", "true", "yes", "on":
		return true // a key without a value is true
	case "false", "no", "off":
		return false
	}
	if n, err := strconv.Atoi(value); err == nil {
		return n != 0
	}
	return otherwise
}

// readGitConfig reads the settings of the system, the user and the repository.
// Conditional includes (includeIf) are not followed.
func readGitConfig(common, gitDir string) (gitConfig, error) {
	c := make(gitConfig)
	for _, name := range userConfigs() {
		// What git itself does not need may be beyond us.
		_ = c.read(name, 0)
	}
	if err := c.read(filepath.Join(common, "config"), 0); err != nil {
		return nil, err
	}
	if c.boolean("extensions.worktreeconfig", false) {
		if err := c.read(filepath.Join(gitDir, "config.worktree"), 0); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// userConfigs lists the files beside the repository's own, the weakest first.
func userConfigs() []string {
	var names []string
	if no, _ := strconv.ParseBool(os.Getenv("GIT_CONFIG_NOSYSTEM")); !no {
		system := os.Getenv("GIT_CONFIG_SYSTEM")
		if system == "" {
			system = "/etc/gitconfig"
		}
		names = append(names, system)
	}
	if global, ok := os.LookupEnv("GIT_CONFIG_GLOBAL"); ok {
		return append(names, global)
	}
	names = append(names, filepath.Join(userConfigDir(), "git", "config"))
	if home, err := os.UserHomeDir(); err == nil {
		names = append(names, filepath.Join(home, ".gitconfig"))
	}
	return names
}

// userConfigDir is where git looks for a user's settings.
func userConfigDir() string {
	if dir := os.Getenv("XDG_CONFIG_HOME"); dir != "" {
		return dir
	}
	return expandHome("~/.config")
}

func expandHome(name string) string {
	rest, ok := strings.CutPrefix(name, "~/")
	if !ok {
		return name
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return name
	}
	return filepath.Join(home, filepath.FromSlash(rest))
}

func (c gitConfig) read(name string, depth int) error {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) || name == "" {
		return nil
	}
	if err != nil {
		return err
	}
	parsed := config.New()
	if err := config.NewDecoder(bytes.NewReader(text)).Decode(parsed); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	for _, section := range parsed.Sections {
		for _, option := range section.Options {
			key := strings.ToLower(section.Name + "." + option.Key)
			c[key] = option.Value
			if key != "include.path" || depth > 8 {
				continue
			}
			include := expandHome(option.Value)
			if !filepath.IsAbs(include) {
				include = filepath.Join(filepath.Dir(name), include)
			}
			if err := c.read(include, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
