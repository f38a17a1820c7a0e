package format

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

// EntryID is the id of an entry of a stream: milliseconds, and a number among those of one millisecond. Ids grow. The zero value
// comes before all.
type EntryID struct{ Milliseconds, Sequence uint64 }

// ParseEntryID reads an id, as Redis writes it or as a client claims to have got it; false when it is none.
func ParseEntryID(text string) (id EntryID, ok bool) {
	before, after, found := strings.Cut(text, "-")
	if !found {
		return EntryID{}, false
	}
	ms, err := strconv.ParseUint(before, 10, 64)
	if err != nil {
		return EntryID{}, false
	}
	seq, err := strconv.ParseUint(after, 10, 64)
	if err != nil {
		return EntryID{}, false
	}
	return EntryID{ms, seq}, true
}

// String writes it as Redis does.
func (id EntryID) String() string {
	return strconv.FormatUint(id.Milliseconds, 10) + "-" + strconv.FormatUint(id.Sequence, 10)
}

// Compare is negative when id comes before other.
func (id EntryID) Compare(other EntryID) int {
	if c := cmp.Compare(id.Milliseconds, other.Milliseconds); c != 0 {
		return c
	}
	return cmp.Compare(id.Sequence, other.Sequence)
}

// Next is the smallest id after this one. Ranges that leave out their ends need Redis 6.2.
func (id EntryID) Next() EntryID {
	if id.Sequence == math.MaxUint64 {
		return EntryID{id.Milliseconds + 1, 0}
	}
	return EntryID{id.Milliseconds, id.Sequence + 1}
}

// Prev is the largest id before this one; the zero value has none and is its own.
func (id EntryID) Prev() EntryID {
	switch {
	case id.Sequence > 0:
		return EntryID{id.Milliseconds, id.Sequence - 1}
	case id.Milliseconds > 0:
		return EntryID{id.Milliseconds - 1, math.MaxUint64}
	default:
		return id
	}
}
