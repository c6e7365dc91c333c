package stack

import (
	"fmt"
	"strings"
)

// GlobalRegion is the region of a unit whose layer's path has no {region}.
const GlobalRegion = "global"

// Unit is one Terraform root module with one state.
type Unit struct {
	Layer       string
	Instance    string // empty where the layer's path has no {instance}
	Region      string // GlobalRegion where the layer's path has no {region}
	Environment string
	Path        string // its folder: slash path relative to the repository's root

	Needs     []string       // ids of the units that must be done before, sorted
	Inputs    map[string]Ref // variable -> output of a need, as configured
	Secrets   []string       // variables given as secrets
	VarFiles  []string       // slash paths relative to the repository's root
	Backend   Backend        // placeholders filled in
	Watch     []string       // globs of further files it depends on, placeholders filled in
	Workspace string         // Terraform workspace to select, if any
	Shared    bool           // other units use the same folder
	Module    *Module        // what its folder declares
}

// Ref names an output of another unit.
type Ref struct {
	Unit   string // the unit's id
	Output string
}

// String writes the reference: the unit's id and the output's name.
func (r Ref) String() string { return r.Unit + " " + r.Output }

// ID is layer[/instance]@region:environment.
func (u *Unit) ID() string { return ID(u.Layer, u.Instance, u.Region, u.Environment) }

// ID builds a unit's id from its parts.
func ID(layer, instance, region, environment string) string {
	var b strings.Builder
	b.WriteString(layer)
	if instance != "" {
		b.WriteString("/" + instance)
	}
	b.WriteString("@" + region + ":" + environment)
	return b.String()
}

// CutID takes the environment off a unit's id.
func CutID(id string) (rest, environment string, ok bool) {
	i := strings.LastIndexByte(id, ':')
	if i < 0 {
		return id, "", false
	}
	return id[:i], id[i+1:], true
}

// CheckEnvironmentName refuses a name that cannot be a part of a unit's id, or of
// a key in the store.
func CheckEnvironmentName(environment string) error {
	if environment == "" || strings.ContainsAny(environment, "/\\:@+") || environment[0] == '.' {
		return fmt.Errorf("%q is no name of an environment", environment)
	}
	return nil
}

// DataDir is the unit's Terraform data folder, relative to the repository's
// root. A unit that has its folder to itself uses Terraform's own default, so
// that plain terraform commands work there too.
func (u *Unit) DataDir() string {
	if !u.Shared {
		return u.Path + "/.terraform"
	}
	return u.Path + "/.terraform/strata/" + u.Slug()
}

// Slug is the unit's id as the name of a file or folder, on any system.
func (u *Unit) Slug() string { return Slug(u.ID()) }

// Slug is Unit.Slug of a unit that may have no folder any more.
func Slug(id string) string { return strings.NewReplacer("/", "+", ":", "@").Replace(id) }
