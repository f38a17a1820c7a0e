package msgpack

import (
	"encoding/binary"
	"math"
	"slices"
)

// container is a kind of value that holds others: the first bytes of its headers.
type container struct {
	short, mid, long byte // for up to 15 (a part of the byte), 65 535 and 2^32-1 elements
}

func arrays() container { return container{short: 0x90, mid: 0xdc, long: 0xdd} }
func maps() container   { return container{short: 0x80, mid: 0xde, long: 0xdf} }

// open makes room for the header of a container at the given depth, whose elements follow, and returns its place.
func (p *packer) open(depth int) (at int) {
	at = len(p.out)
	p.out = append(p.out, 0)
	if depth > maxDepth {
		p.exact = false
		p.out = append(p.out, 0, 0, 0, 0) // so that close does not move things once for every level
	}
	return at
}

// close writes the header of a container with n elements. A header that needs more than the one byte that open has left
// moves the elements; that happens at most maxDepth times to each.
func (p *packer) close(at, n, depth int, kind container) {
	switch {
	case depth > maxDepth:
		p.out[at] = kind.long
		binary.BigEndian.PutUint32(p.out[at+1:], uint32(n)) //nolint:gosec // there are not more elements than bytes of text
	case n < 16:
		p.out[at] = kind.short | byte(n) //nolint:gosec // checked
	case n <= math.MaxUint16:
		p.out = slices.Insert(p.out, at+1, 0, 0)
		p.out[at] = kind.mid
		binary.BigEndian.PutUint16(p.out[at+1:], uint16(n))
	default:
		p.out = slices.Insert(p.out, at+1, 0, 0, 0, 0)
		p.out[at] = kind.long
		binary.BigEndian.PutUint32(p.out[at+1:], uint32(n)) //nolint:gosec // there are not more elements than bytes of text
	}
}

// stringHeader returns the size of the header of a string.
func stringHeader(size int) int {
	switch {
	case size < 32:
		return 1
	case size <= math.MaxUint8:
		return 2
	case size <= math.MaxUint16:
		return 3
	default:
		return headerRoom
	}
}

// putStringHeader writes the header of a string into dst, which has the size that stringHeader returns.
func putStringHeader(dst []byte, size int) {
	switch len(dst) {
	case 1:
		dst[0] = 0xa0 | byte(size) //nolint:gosec // as stringHeader has found
	case 2:
		dst[0], dst[1] = 0xd9, byte(size) //nolint:gosec // as stringHeader has found
	case 3:
		dst[0] = 0xda
		binary.BigEndian.PutUint16(dst[1:], uint16(size)) //nolint:gosec // as stringHeader has found
	default:
		dst[0] = 0xdb
		binary.BigEndian.PutUint32(dst[1:], uint32(size)) //nolint:gosec // AppendJSON has checked the size of all
	}
}
