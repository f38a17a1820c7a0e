package connection

import "sync/atomic"

const tallyCells = 8

// Tally counts what is counted with every packet. One number would go from core to core with each: so there are several, of
// which a connection uses one, the connections of a registry shard the same.
type Tally struct{ cells [tallyCells]tallyCell }

type tallyCell struct {
	n atomic.Uint64
	_ [56]byte // a cache line of its own
}

// Add adds n to the number of a connection, or whoever has this stripe.
func (t *Tally) Add(stripe uint8, n int) {
	t.cells[stripe%tallyCells].n.Add(uint64(n)) //nolint:gosec // a count
}

// Load is the sum.
func (t *Tally) Load() (sum uint64) {
	for i := range t.cells {
		sum += t.cells[i].n.Load()
	}
	return sum
}
