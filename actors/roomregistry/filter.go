package roomregistry

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"
)

// filter is the set of hashes of the rooms that a shard has, for readers in any goroutine. Only the shard changes it. Two
// rooms of one hash are counted, so that a room is never missing.
type filter struct {
	public *atomic.Pointer[slots] // nil: nothing is certain
	slots  slots
	live   int              // hashes
	used   int              // slots that are not free, graves included
	more   map[uint64]int32 // rooms beyond the first of a hash
}

// slots is an open-addressed table of hashes, at most half full. A reader that looks for a hash meets it whatever the shard
// does meanwhile: what was deleted leaves a grave as long as something may lie behind it.
type slots []atomic.Uint64

const (
	slotFree  = 0
	slotGrave = 1
	hashFirst = 2 // the least hash

	minSlots    = 64
	roomySlots  = 4  // slots for each hash in a new table
	sparseSlots = 32 // slots for each hash from which a table is too large
)

// hashOf is the hash of a room. That of its namespace may be kept.
func hashOf(seed maphash.Seed, namespace uint64, room string) uint64 {
	return max(hashFirst, maphash.String(seed, room)^bits.RotateLeft64(namespace, 1))
}

// newFilter makes a filter of the hashes, one for each room, and publishes it.
func newFilter(public *atomic.Pointer[slots], hashes []uint64) *filter {
	f := &filter{public: public, slots: newSlots(len(hashes))}
	for _, h := range hashes {
		f.insert(h)
	}
	f.publish()
	return f
}

func newSlots(hashes int) slots {
	return make(slots, max(minSlots, 1<<bits.Len(uint(roomySlots*hashes))))
}

// mask takes a hash to the slot where the search for it begins; the length is a power of two.
func (s slots) mask() uint64 { return uint64(len(s) - 1) } //nolint:gosec // never empty

func (f *filter) publish() {
	s := f.slots
	f.public.Store(&s)
}

// has tells whether the hash is there. It may run while the shard changes the table.
func (s slots) has(h uint64) bool {
	mask := s.mask()
	for i := h & mask; ; i = (i + 1) & mask {
		switch s[i].Load() {
		case h:
			return true
		case slotFree:
			return false
		}
	}
}

// find returns the slot of the hash, or that where it should go.
func (s slots) find(h uint64) (at uint64, found bool) {
	mask := s.mask()
	room := false
	for i := h & mask; ; i = (i + 1) & mask {
		switch s[i].Load() {
		case h:
			return i, true
		case slotGrave:
			if !room {
				at, room = i, true
			}
		case slotFree:
			if !room {
				at = i
			}
			return at, false
		}
	}
}

// insert adds a room.
func (f *filter) insert(h uint64) {
	at, found := f.slots.find(h)
	if found {
		if f.more == nil {
			f.more = make(map[uint64]int32)
		}
		f.more[h]++
		return
	}
	if f.slots[at].Load() == slotFree {
		f.used++
	}
	f.slots[at].Store(h)
	f.live++
	if 2*f.used > len(f.slots) {
		f.resize()
	}
}

// remove takes a room out that was added.
func (f *filter) remove(h uint64) {
	if n := f.more[h]; n > 0 {
		if f.more[h] = n - 1; n == 1 {
			delete(f.more, h)
		}
		return
	}
	at, found := f.slots.find(h)
	if !found {
		return
	}
	f.live--
	f.bury(at)
	if len(f.slots) > minSlots && sparseSlots*f.live < len(f.slots) {
		f.resize()
	}
}

// bury frees a slot. With nothing behind it neither it nor the graves before it are needed.
func (f *filter) bury(at uint64) {
	mask := f.slots.mask()
	if f.slots[(at+1)&mask].Load() != slotFree {
		f.slots[at].Store(slotGrave)
		return
	}
	f.slots[at].Store(slotFree)
	f.used--
	for i := (at - 1) & mask; f.slots[i].Load() == slotGrave; i = (i - 1) & mask {
		f.slots[i].Store(slotFree)
		f.used--
	}
}

// resize makes a table of the right size, without graves, and publishes it: who reads the old one sees what was true then.
func (f *filter) resize() {
	old := f.slots
	f.slots, f.used = newSlots(f.live), f.live
	for i := range old {
		if h := old[i].Load(); h >= hashFirst {
			at, _ := f.slots.find(h)
			f.slots[at].Store(h)
		}
	}
	f.publish()
}
