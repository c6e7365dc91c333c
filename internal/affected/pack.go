package affected

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// stored is what git stores under an id. Its data is shared: nobody writes it.
type stored struct {
	kind plumbing.ObjectType
	data []byte
}

// pack is a pack file with its index. go-git's own reader serves one goroutine
// at a time and keeps every index in memory; this one reads at offsets only.
type pack struct {
	name   string
	file   *os.File
	index  io.ReaderAt
	fanout [256]uint32
}

const (
	indexHeader = 8 + 256*4
	// smallIndex is what an index may have to be read into memory as a whole.
	smallIndex = 16 << 20
	// largeObject is what no object that is read may exceed: a broken pack must
	// not take all memory.
	largeObject = 1 << 30
)

func openPack(name string) (*pack, error) {
	p := &pack{name: name}
	index, err := os.Open(strings.TrimSuffix(name, ".pack") + ".idx")
	if err != nil {
		return nil, err
	}
	p.index = index
	if info, err := index.Stat(); err == nil && info.Size() <= smallIndex {
		data := make([]byte, info.Size())
		_, err := io.ReadFull(index, data)
		index.Close()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", index.Name(), err)
		}
		p.index = bytes.NewReader(data)
	}
	var head [indexHeader]byte
	if _, err := p.index.ReadAt(head[:], 0); err != nil {
		return nil, fmt.Errorf("read %s: %w", index.Name(), err)
	}
	if string(head[:4]) != "\377tOc" || binary.BigEndian.Uint32(head[4:]) != 2 {
		return nil, fmt.Errorf("%s is not a pack index of version 2: git repack -ad writes it anew", index.Name())
	}
	for i := range p.fanout {
		p.fanout[i] = binary.BigEndian.Uint32(head[8+4*i:])
	}
	p.file, err = os.Open(name)
	return p, err
}

// count is how many objects the pack holds.
func (p *pack) count() int64 { return int64(p.fanout[255]) }

// bucket returns the places of the ids that begin with a byte.
func (p *pack) bucket(first byte) (from, to int64) {
	if first > 0 {
		from = int64(p.fanout[first-1])
	}
	return from, int64(p.fanout[first])
}

// id returns the id at a place of the index.
func (p *pack) id(at int64) (id plumbing.Hash, err error) {
	_, err = p.index.ReadAt(id[:], indexHeader+20*at)
	return id, err
}

// search returns the first place within a bucket whose id is not below id.
func (p *pack) search(id plumbing.Hash) (at, end int64, err error) {
	low, end := p.bucket(id[0])
	high := end
	for low < high {
		middle := (low + high) / 2
		found, err := p.id(middle)
		if err != nil {
			return 0, 0, fmt.Errorf("read the index of %s: %w", p.name, err)
		}
		if bytes.Compare(found[:], id[:]) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, end, nil
}

// offset returns where an object lies in the pack, ok false where it does not.
func (p *pack) offset(id plumbing.Hash) (offset int64, ok bool, err error) {
	at, end, err := p.search(id)
	if err != nil || at == end {
		return 0, false, err
	}
	if found, err := p.id(at); err != nil || found != id {
		return 0, false, err
	}
	var b [8]byte
	table := indexHeader + 24*p.count()
	if _, err := p.index.ReadAt(b[:4], table+4*at); err != nil {
		return 0, false, fmt.Errorf("read the index of %s: %w", p.name, err)
	}
	short := binary.BigEndian.Uint32(b[:])
	if short>>31 == 0 {
		return int64(short), true, nil
	}
	if _, err := p.index.ReadAt(b[:], table+4*p.count()+8*int64(short&0x7fffffff)); err != nil {
		return 0, false, fmt.Errorf("read the index of %s: %w", p.name, err)
	}
	return int64(binary.BigEndian.Uint64(b[:])), true, nil
}

// spot is where an object lies.
type spot struct {
	pack   *pack
	offset int64
}

// read returns the object at an offset, its deltas applied. bases remembers the
// ones that others may be deltas of.
func (p *pack) read(offset int64, bases *memo[spot, stored]) (stored, error) {
	var (
		deltas  [][]byte
		offsets []int64
		result  stored
	)
	for {
		if found, ok := bases.get(spot{p, offset}); ok {
			result = found
			break
		}
		kind, base, data, err := p.entry(offset)
		if err != nil {
			return stored{}, fmt.Errorf("read %s at %d: %w", p.name, offset, err)
		}
		if kind != plumbing.OFSDeltaObject {
			result = stored{kind, data}
			bases.put(spot{p, offset}, result, len(data))
			break
		}
		deltas, offsets = append(deltas, data), append(offsets, offset)
		offset = base
	}
	for i := len(deltas) - 1; i >= 0; i-- {
		data, err := packfile.PatchDelta(result.data, deltas[i])
		if err != nil {
			return stored{}, fmt.Errorf("read %s at %d: %w", p.name, offsets[i], err)
		}
		result.data = data
		bases.put(spot{p, offsets[i]}, result, len(data))
	}
	return result, nil
}

// entry reads one entry of the pack. For a delta, of either kind, the type is
// OFSDeltaObject and base the offset of what it is a delta of.
func (p *pack) entry(offset int64) (kind plumbing.ObjectType, base int64, data []byte, err error) {
	r := inflaters.Get().(*inflater)
	defer inflaters.Put(r)
	r.start(p.file, offset)

	c, err := r.ReadByte()
	if err != nil {
		return 0, 0, nil, unexpected(err)
	}
	kind, size, shift := plumbing.ObjectType(c>>4&7), int64(c&15), 4
	for c&0x80 != 0 && shift < 60 {
		if c, err = r.ReadByte(); err != nil {
			return 0, 0, nil, unexpected(err)
		}
		size |= int64(c&0x7f) << shift
		shift += 7
	}
	switch kind {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
	case plumbing.OFSDeltaObject:
		back := int64(-1)
		for {
			if c, err = r.ReadByte(); err != nil {
				return 0, 0, nil, unexpected(err)
			}
			back = (back+1)<<7 | int64(c&0x7f)
			if c&0x80 == 0 {
				break
			}
		}
		if back <= 0 || back > offset {
			return 0, 0, nil, errors.New("a delta of nothing")
		}
		base = offset - back
	case plumbing.REFDeltaObject:
		var id plumbing.Hash
		if _, err := io.ReadFull(r, id[:]); err != nil {
			return 0, 0, nil, unexpected(err)
		}
		at, ok, err := p.offset(id)
		if err != nil || !ok {
			return 0, 0, nil, errors.Join(err, fmt.Errorf("a delta of %s, which is not in the pack", id))
		}
		kind, base = plumbing.OFSDeltaObject, at
	default:
		return 0, 0, nil, fmt.Errorf("an object of type %d", kind)
	}
	data, err = r.inflate(size)
	return kind, base, data, err
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// inflater reads compressed data from an offset of a file. Many are in use at
// once; each is used by one.
type inflater struct {
	file   io.ReaderAt
	offset int64
	buffer [4096]byte
	rest   []byte // of buffer
	zlib   io.ReadCloser
}

var inflaters = sync.Pool{New: func() any { return new(inflater) }}

func (r *inflater) start(file io.ReaderAt, offset int64) {
	r.file, r.offset, r.rest = file, offset, nil
}

func (r *inflater) fill() error {
	n, err := r.file.ReadAt(r.buffer[:], r.offset)
	if n == 0 {
		return err
	}
	r.offset += int64(n)
	r.rest = r.buffer[:n]
	return nil
}

func (r *inflater) ReadByte() (byte, error) {
	if len(r.rest) == 0 {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	c := r.rest[0]
	r.rest = r.rest[1:]
	return c, nil
}

func (r *inflater) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// open begins to inflate what follows.
func (r *inflater) open() (err error) {
	if r.zlib == nil {
		r.zlib, err = zlib.NewReader(r)
		return unexpected(err)
	}
	return unexpected(r.zlib.(zlib.Resetter).Reset(r, nil))
}

// inflate returns what follows, which has a known size.
func (r *inflater) inflate(size int64) ([]byte, error) {
	if size < 0 || size > largeObject {
		return nil, fmt.Errorf("an object of %d bytes", size)
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(r.zlib, data); err != nil {
		return nil, unexpected(err)
	}
	// The checksum is looked at where the data ends.
	var more [1]byte
	switch n, err := r.zlib.Read(more[:]); {
	case n > 0:
		return nil, errors.New("an object longer than its header says")
	case err != nil && err != io.EOF:
		return nil, unexpected(err)
	}
	return data, nil
}
