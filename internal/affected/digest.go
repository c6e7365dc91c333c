package affected

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/strata-tf/strata/internal/stack"
)

// Digest is the unit's closure digest in a snapshot: one hash over the paths
// and ids of its inputs and over its part of the configuration. Two snapshots
// in which it is the same plan the unit the same way, as far as the repository
// decides.
func (in *Inputs) Digest(u *stack.Unit, s *Snapshot) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", effective(u, in.backend))
	for _, m := range in.matches(s.Names, nil) {
		fmt.Fprintf(h, "%q %s\n", s.Names[m.at], s.entries[m.at].id())
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
