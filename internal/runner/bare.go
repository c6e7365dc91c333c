package runner

import (
	"runtime"
	"slices"
	"strings"
)

// bareNames are the variables that a bare step is given of the runner's
// environment, where they are set: what finds programs and files and makes text
// readable. None of them holds a credential. A * ends a name that others begin
// with.
var bareNames = []string{
	"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TMP", "TEMP",
	"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR",
	"LANG", "LANGUAGE", "LC_*", "TZ",
	"SSL_CERT_FILE", "SSL_CERT_DIR",
	// A program in Python begins with its interpreter's path, which finds the rest
	// but for these. CI vendors' interpreters need LD_LIBRARY_PATH.
	"VIRTUAL_ENV", "PYENV_ROOT", "PYENV_VERSION", "PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE", "LD_LIBRARY_PATH",
	// Windows starts little without these.
	"SystemRoot", "SystemDrive", "ComSpec", "PATHEXT", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "USERPROFILE",
}

// bare returns what of an environment a step without credentials is given.
func bare(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return !slices.ContainsFunc(bareNames, func(known string) bool { return names(known, name) })
	})
}

// names says whether known, one of bareNames, is the variable's name. Windows
// does not tell upper from lower case.
func names(known, name string) bool {
	if runtime.GOOS == "windows" {
		known, name = strings.ToUpper(known), strings.ToUpper(name)
	}
	if prefix, open := strings.CutSuffix(known, "*"); open {
		return strings.HasPrefix(name, prefix)
	}
	return known == name
}
