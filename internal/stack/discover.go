package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// NoUnitsError says that a repository holds no unit at all.
type NoUnitsError struct {
	Patterns []string // the layers' paths that were looked for
}

// Error names the patterns that were looked for.
func (e *NoUnitsError) Error() string {
	return fmt.Sprintf("no unit found: no folder with .tf files matches %s; layers in %s says where units are",
		strings.Join(e.Patterns, ", "), ConfigFile)
}

// Discover finds all units of all environments. It reads only the folders that
// the layers' paths lead through. All that is wrong is told at once, joined,
// one line each; a repository without any unit is a *NoUnitsError.
func Discover(fsys fs.FS, cfg *Config) (*Tree, error) {
	tree, bare, err := DiscoverWithBare(fsys, cfg)
	for i, dir := range bare {
		bare[i] = dir + " but has no .tf file"
	}
	if err := errors.Join(err, joined(bare)); err != nil {
		return nil, err
	}
	return tree, nil
}

// DiscoverWithBare is Discover for comparing two states of a repository: a
// folder that a layer's path leads to and that has no .tf file (any more) is no
// error. These are listed: "FOLDER looks like a unit of layer NAME".
func DiscoverWithBare(fsys fs.FS, cfg *Config) (tree *Tree, bare []string, err error) {
	d := &discovery{fsys: fsys, cfg: cfg, folders: newFolders(fsys), files: map[string]bool{}}
	for i := range cfg.Layers {
		if err := d.layer(&cfg.Layers[i]); err != nil {
			return nil, nil, fmt.Errorf("layer %s: %w", cfg.Layers[i].Name, err)
		}
	}
	if len(d.units)+len(d.problems)+len(d.bare) == 0 {
		return nil, nil, noUnits(cfg)
	}
	d.share()
	tree, problems := newTree(cfg, d.units)
	return tree, d.bare, joined(append(d.problems, problems...))
}

func noUnits(cfg *Config) error {
	e := &NoUnitsError{}
	for _, layer := range cfg.Layers {
		e.Patterns = append(e.Patterns, layer.Path)
	}
	return e
}

// joined makes one error of all problems, each told once.
func joined(problems []string) error {
	const most = 50
	slices.Sort(problems)
	problems = slices.Compact(problems)
	var errs []error
	for i, p := range problems {
		if i == most {
			errs = append(errs, fmt.Errorf("and %d more", len(problems)-most))
			break
		}
		errs = append(errs, errors.New(p))
	}
	return errors.Join(errs...)
}

// discovery is the state of one Discover.
type discovery struct {
	fsys     fs.FS
	cfg      *Config
	folders  *folders
	files    map[string]bool // files that were asked for: whether they exist
	units    []*Unit
	bare     []string // folders without .tf files
	problems []string
}

func (d *discovery) problem(format string, args ...any) {
	d.problems = append(d.problems, fmt.Sprintf(format, args...))
}

// layer finds one layer's units.
func (d *discovery) layer(layer *Layer) error {
	plan, err := planLayer(layer, d.cfg)
	if err != nil {
		return err
	}
	before := len(d.units)
	d.descend(plan, 0, ".", names{layer: layer.Name})
	if len(d.units) == before && plan.literal() && d.folders.read(layer.Path).missing {
		d.problem("layer %s: there is no folder %s", layer.Name, layer.Path)
	}
	return nil
}

// descend follows the segments of a layer's path from one on, in a folder that
// the segments before it led to.
func (d *discovery) descend(plan *layerPlan, segment int, dir string, n names) {
	if segment == len(plan.segments) {
		d.candidate(plan, dir, n)
		return
	}
	t := plan.segments[segment]
	if text, ok := t.literal(); ok {
		d.descend(plan, segment+1, path.Join(dir, text), n)
		return
	}
	for _, folder := range d.folders.below(dir) {
		found := d.known(t.match(folder.name, n))
		switch {
		case len(found) == 0:
		case len(found) > 1:
			d.problem("%s: the name can be read as %s in more than one way: make the path of layer %s clearer",
				shown(path.Join(dir, folder.name)), layerSegment(plan, segment), plan.layer.Name)
		case folder.fault != nil && d.matters(folder.fault, found[0], n):
			d.problem("%s is a symbolic link that cannot be followed: %v", shown(path.Join(dir, folder.name)), cause(folder.fault))
		case folder.fault == nil:
			d.descend(plan, segment+1, path.Join(dir, folder.name), found[0])
		}
	}
}

// known keeps the readings whose environment exists. Where none does, the folder
// is of no environment, however it is read.
func (d *discovery) known(found []names) []names {
	if len(found) < 2 || found[0].env == "" {
		return found
	}
	var known []names
	for _, n := range found {
		if _, ok := d.cfg.Environments[n.env]; ok {
			known = append(known, n)
		}
	}
	if len(known) == 0 {
		return found[:1]
	}
	return known
}

// matters says whether a link that leads nowhere could have been a unit: one to
// nothing only where its name is an environment's, any other fault always.
func (d *discovery) matters(fault error, found, before names) bool {
	_, known := d.cfg.Environments[found.env]
	return !errors.Is(fault, fs.ErrNotExist) || known && before.env == ""
}

func layerSegment(plan *layerPlan, segment int) string {
	return strings.Split(plan.layer.Path, "/")[segment]
}

// cause is an error without the operation and the path around it.
func cause(err error) error {
	var wrapped *fs.PathError
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// shown quotes a path that has anything in it that a terminal or a reader could
// take for something else.
func shown(p string) string {
	for _, segment := range strings.Split(p, "/") {
		if segment != "." && !folderName(strings.TrimLeft(segment, "._")) {
			return fmt.Sprintf("%q", p)
		}
	}
	return p
}
