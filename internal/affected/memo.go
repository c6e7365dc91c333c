package affected

import "sync"

// memo remembers what was read, up to a number of bytes. It keeps two
// generations: when the younger one is full the older one is forgotten.
type memo[K comparable, V any] struct {
	limit int // of bytes, for each generation

	mu         sync.Mutex
	young, old map[K]V
	size       int // of young
}

func newMemo[K comparable, V any](limit int) *memo[K, V] {
	return &memo[K, V]{limit: limit / 2, young: make(map[K]V)}
}

func (m *memo[K, V]) get(key K) (value V, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if value, ok = m.young[key]; ok {
		return value, true
	}
	value, ok = m.old[key]
	return value, ok
}

// put remembers a value of some bytes, unless it alone would take much room.
func (m *memo[K, V]) put(key K, value V, size int) {
	if size > m.limit/8 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.size+size > m.limit {
		m.old, m.young, m.size = m.young, make(map[K]V), 0
	}
	m.young[key] = value
	m.size += size
}
