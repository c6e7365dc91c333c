// Package terraform knows Terraform and OpenTofu: the arguments of their
// commands, their JSON streams, their plans, and what their errors mean. It
// runs nothing: that is the runner's.
package terraform

import (
	"time"
)

// Each command without a stream of its own says -no-color: its errors are read
// and shown, and would come as a coloured box.

// InitOptions are what init may be told.
type InitOptions struct {
	BackendConfig string            // a file, in the tool's eyes; empty for none
	BackendValues map[string]string // single backend settings
	LockReadOnly  bool              // a lock file is committed: do not change it
}

// InitArgs returns the arguments of init. It never says -reconfigure: a backend
// that was changed is for a person to migrate, since an apply against an empty
// new state would make everything a second time.
func InitArgs(o InitOptions) []string {
	args := []string{"init", "-input=false", "-no-color"}
	if o.LockReadOnly {
		args = append(args, "-lockfile=readonly")
	}
	return append(args, BackendArgs(o.BackendConfig, o.BackendValues)...)
}

// BackendArgs returns the part of init's arguments that says where the state
// is.
func BackendArgs(config string, values map[string]string) []string {
	var args []string
	if config != "" {
		args = append(args, "-backend-config="+config)
	}
	for _, name := range sortedKeys(values) {
		args = append(args, "-backend-config="+name+"="+values[name])
	}
	return args
}

// PlanOptions are what plan may be told.
type PlanOptions struct {
	Out         string
	Destroy     bool
	NoLock      bool // for one that is looked at and never applied: it is in nobody's way
	LockTimeout time.Duration
	VarFiles    []string
	Targets     []string
	Replace     []string
}

// PlanArgs returns the arguments of plan. Its exit code alone says whether there
// is something to apply: 0 for no, PlanChanges for yes. Counts never do, since a
// plan that only moves, forgets or changes outputs has none.
func PlanArgs(o PlanOptions) []string {
	lock := "-lock-timeout=" + o.LockTimeout.String()
	if o.NoLock {
		lock = "-lock=false"
	}
	args := []string{"plan", "-json", "-input=false", "-detailed-exitcode", lock}
	if o.Destroy {
		args = append(args, "-destroy")
	}
	args = append(args, "-out="+o.Out)
	for _, file := range o.VarFiles {
		args = append(args, "-var-file="+file)
	}
	for _, address := range o.Targets {
		args = append(args, "-target="+address)
	}
	for _, address := range o.Replace {
		args = append(args, "-replace="+address)
	}
	return args
}

// PlanChanges is the exit code with which plan says that something would
// change.
const PlanChanges = 2

// ApplyArgs returns the arguments that apply the saved plan. A plan holds the
// values of all variables but the ephemeral ones: varFiles give these again.
func ApplyArgs(plan string, lockTimeout time.Duration, varFiles ...string) []string {
	args := []string{"apply", "-json", "-input=false", "-lock-timeout=" + lockTimeout.String()}
	for _, file := range varFiles {
		args = append(args, "-var-file="+file)
	}
	return append(args, plan)
}

// ShowArgs returns the arguments that print the saved plan as JSON.
func ShowArgs(plan string) []string { return []string{"show", "-json", "-no-color", plan} }

// ShowStateArgs returns the arguments that print the unit's state as JSON.
func ShowStateArgs() []string { return []string{"show", "-json", "-no-color"} }

// ShowTextArgs returns the arguments that print the saved plan for people.
func ShowTextArgs(plan string) []string { return []string{"show", "-no-color", plan} }

// OutputArgs returns the arguments that print the state's outputs, sensitive
// ones included.
func OutputArgs() []string { return []string{"output", "-json", "-no-color"} }

// WorkspaceArgs returns the arguments that select a workspace, made where it
// does not exist.
func WorkspaceArgs(name string) []string {
	return []string{"workspace", "select", "-no-color", "-or-create=true", name}
}

// PushArgs returns the arguments that make the file the unit's state.
func PushArgs(file string, lockTimeout time.Duration) []string {
	return []string{"state", "push", "-no-color", "-lock-timeout=" + lockTimeout.String(), file}
}

// VersionArgs returns the arguments that print the version as JSON.
func VersionArgs() []string { return []string{"version", "-json", "-no-color"} }

// StateListArgs returns the arguments that list what the state holds.
func StateListArgs() []string { return []string{"state", "list", "-no-color"} }
