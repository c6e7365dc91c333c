package affected

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
)

// odb is a repository's object store: packs, loose objects, and those of
// its alternates. It only reads, from any number of goroutines.
type odb struct {
	dirs  []string // objects folders, the repository's own first
	bases *memo[spot, stored]

	mu    sync.RWMutex
	packs []*pack
	ready bool // packs are known
}

// errMissing: an object that something refers to is not there.
var errMissing = errors.New("the object is not in the repository")

func openObjects(dir string) (*odb, error) {
	o := &odb{bases: newMemo[spot, stored](24 << 20)}
	return o, o.add(dir, 0)
}

// add adds an objects folder and the alternates that it names.
func (o *odb) add(dir string, depth int) error {
	if slices.Contains(o.dirs, dir) || depth > 5 {
		return nil
	}
	o.dirs = append(o.dirs, dir)
	name := filepath.Join(dir, "info", "alternates")
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '"' {
			if unquoted, err := strconv.Unquote(line); err == nil {
				line = unquoted
			}
		}
		alternate := filepath.FromSlash(line)
		if !filepath.IsAbs(alternate) {
			alternate = filepath.Join(dir, alternate)
		}
		if info, err := os.Stat(alternate); err != nil || !info.IsDir() {
			return fmt.Errorf("%s names %s, which is no folder here: the repository borrows objects from it "+
				"(git clone --reference or --shared); mount it too, or make the clone whole with git repack -ad", name, line)
		}
		if err := o.add(filepath.Clean(alternate), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// list opens the packs. Those already open stay.
func (o *odb) list(again bool) ([]*pack, error) {
	o.mu.RLock()
	packs, ready := o.packs, o.ready
	o.mu.RUnlock()
	if ready && !again {
		return packs, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	packs = slices.Clone(o.packs)
	for _, dir := range o.dirs {
		names, err := filepath.Glob(filepath.Join(escapeGlob(dir), "pack", "pack-*.idx"))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			name = strings.TrimSuffix(name, ".idx") + ".pack"
			if slices.ContainsFunc(packs, func(p *pack) bool { return p.name == name }) {
				continue
			}
			p, err := openPack(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue // git repacks meanwhile
			}
			if err != nil {
				return nil, err
			}
			packs = append(packs, p)
		}
	}
	o.packs, o.ready = packs, true
	return packs, nil
}

func escapeGlob(dir string) string {
	if filepath.Separator == '\\' {
		return dir
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

// read returns an object; errMissing where there is none.
func (o *odb) read(id plumbing.Hash) (stored, error) {
	found, err := o.lookup(id, false)
	if errors.Is(err, errMissing) {
		// git may have packed it since.
		found, err = o.lookup(id, true)
	}
	return found, err
}

func (o *odb) lookup(id plumbing.Hash, again bool) (stored, error) {
	packs, err := o.list(again)
	if err != nil {
		return stored{}, err
	}
	for _, p := range packs {
		offset, ok, err := p.offset(id)
		if err != nil {
			return stored{}, err
		}
		if ok {
			return p.read(offset, o.bases)
		}
	}
	hex := id.String()
	for _, dir := range o.dirs {
		found, err := readLoose(filepath.Join(dir, hex[:2], hex[2:]))
		if !errors.Is(err, fs.ErrNotExist) {
			return found, err
		}
	}
	return stored{}, fmt.Errorf("%s: %w", hex, errMissing)
}

// typed returns the data of an object that must be of a type.
func (o *odb) typed(id plumbing.Hash, kind plumbing.ObjectType) ([]byte, error) {
	found, err := o.read(id)
	if err != nil {
		return nil, fmt.Errorf("read %s %w", kind, err)
	}
	if found.kind != kind {
		return nil, fmt.Errorf("%s is a %s, not a %s", id, found.kind, kind)
	}
	return found.data, nil
}

func readLoose(name string) (stored, error) {
	file, err := os.Open(name)
	if err != nil {
		return stored{}, err
	}
	defer file.Close()
	r := inflaters.Get().(*inflater)
	defer inflaters.Put(r)
	r.start(file, 0)
	found, err := r.loose()
	if err != nil {
		return stored{}, fmt.Errorf("read %s: %w", name, err)
	}
	return found, nil
}

// loose reads a loose object: "blob 12\x00" and its data.
func (r *inflater) loose() (stored, error) {
	if err := r.open(); err != nil {
		return stored{}, err
	}
	buffered := bufio.NewReaderSize(r.zlib, 512)
	header, err := buffered.ReadSlice(0)
	if err != nil {
		return stored{}, unexpected(err)
	}
	word, digits, _ := bytes.Cut(header[:len(header)-1], []byte(" "))
	kind, err := plumbing.ParseObjectType(string(word))
	if err != nil {
		return stored{}, err
	}
	size, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil || size < 0 || size > largeObject {
		return stored{}, fmt.Errorf("an object of %s bytes", digits)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(buffered, data); err != nil {
		return stored{}, unexpected(err)
	}
	if _, err := buffered.ReadByte(); err != io.EOF {
		return stored{}, errors.Join(err, errors.New("an object that does not end where it should"))
	}
	return stored{kind, data}, nil
}

// matching lists the ids that begin with some hexadecimal digits.
func (o *odb) matching(digits string) ([]plumbing.Hash, error) {
	var low plumbing.Hash
	for i := range digits {
		n, err := strconv.ParseUint(digits[i:i+1], 16, 8)
		if err != nil {
			return nil, nil
		}
		low[i/2] |= byte(n) << (4 * (1 - i%2))
	}
	packs, err := o.list(false)
	if err != nil {
		return nil, err
	}
	var found []plumbing.Hash
	for _, p := range packs {
		at, end, err := p.search(low)
		if err != nil {
			return nil, err
		}
		for ; at < end; at++ {
			id, err := p.id(at)
			if err != nil {
				return nil, err
			}
			if !strings.HasPrefix(id.String(), digits) {
				break
			}
			found = append(found, id)
		}
	}
	for _, dir := range o.dirs {
		entries, err := os.ReadDir(filepath.Join(dir, digits[:2]))
		if err != nil {
			continue
		}
		for _, entry := range entries {
			if hex := digits[:2] + entry.Name(); len(hex) == 40 && strings.HasPrefix(hex, digits) {
				found = append(found, plumbing.NewHash(hex))
			}
		}
	}
	slices.SortFunc(found, func(a, b plumbing.Hash) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(found), nil
}

// close closes the packs.
func (o *odb) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var errs []error
	for _, p := range o.packs {
		errs = append(errs, p.file.Close())
		if c, ok := p.index.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	o.packs, o.ready = nil, false
	return errors.Join(errs...)
}
