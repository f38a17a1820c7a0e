package msgpack

import (
	"encoding/binary"
	"time"
)

// The types of extension that notepack.io knows.
const (
	notepackType  = 0    // of its first versions: undefined, Date and ArrayBuffer, told apart by the first byte
	timestampType = 0xff // of the MessagePack specification, where it is -1
)

// The first bytes of extensions.
const (
	ext8    = 0xc7 // the size of the data in one byte
	ext16   = 0xc8
	ext32   = 0xc9
	fixext1 = 0xd4 // one byte of data; two, four, eight and sixteen follow
	fixext4 = 0xd6
	fixext8 = 0xd7
)

// extension reads a value of an extension type.
func (u *unpacker) extension() error {
	first := u.data[0]
	kind, data, rest, err := cutExtension(u.data)
	if err != nil {
		return err
	}
	switch {
	case kind == notepackType && first == fixext1:
		u.out = append(u.out, "null"...)
	case kind == notepackType && first == fixext8:
		u.date(int64(binary.BigEndian.Uint64(data))) //nolint:gosec // it is signed
	case kind == notepackType && first <= ext32:
		if err := u.attach(data); err != nil {
			return err
		}
	case kind == timestampType && first == fixext4:
		u.date(int64(binary.BigEndian.Uint32(data)) * 1000)
	case kind == timestampType && first == fixext8:
		both := binary.BigEndian.Uint64(data)
		u.timestamp(int64(both&(1<<34-1)), int64(both>>34))
	case kind == timestampType && first == ext8 && len(data) == 12:
		seconds := int64(binary.BigEndian.Uint64(data[4:])) //nolint:gosec // it is signed
		u.timestamp(seconds, int64(binary.BigEndian.Uint32(data)))
	default:
		return errExtension
	}
	u.data = rest
	return nil
}

// cutExtension splits an extension off, data that begins with one of their first bytes.
func cutExtension(data []byte) (kind byte, content, rest []byte, err error) {
	var size, header int
	switch first := data[0]; first {
	case ext8, ext16, ext32:
		width := 1 << (first - ext8)
		if header = 2 + width; len(data) < header {
			return 0, nil, nil, errTruncated
		}
		var number [4]byte
		copy(number[4-width:], data[1:])
		n := binary.BigEndian.Uint32(number[:])
		if int64(n) > int64(len(data)-header) {
			return 0, nil, nil, errTruncated
		}
		size = int(n)
	default:
		header, size = 2, 1<<(first-fixext1)
		if len(data) < header+size {
			return 0, nil, nil, errTruncated
		}
	}
	return data[header-1], data[header : header+size], data[header+size:], nil
}

// timestamp appends the date of a time since 1970. As with JavaScript what is less than a millisecond is cut off towards
// 1970.
func (u *unpacker) timestamp(seconds, nanoseconds int64) {
	const most = maxDate/1000 + 5 // with all nanoseconds of 32 bit
	if seconds < -most || seconds > most {
		u.out = append(u.out, "null"...)
		return
	}
	ms := seconds*1000 + nanoseconds/1e6
	if ms < 0 && nanoseconds%1e6 != 0 {
		ms++
	}
	u.date(ms)
}

// maxDate is how many milliseconds before and after 1970 JavaScript has dates for.
const maxDate = 8_640_000_000_000_000

// date appends a date as toISOString of JavaScript writes it, or null, as its JSON has it, where that has none.
func (u *unpacker) date(ms int64) {
	if ms < -maxDate || ms > maxDate {
		u.out = append(u.out, "null"...)
		return
	}
	t := time.UnixMilli(ms).UTC()
	u.out = append(u.out, '"')
	switch year := t.Year(); {
	case year > 9999:
		u.out = appendSix(append(u.out, '+'), year)
	case year < 0:
		u.out = appendSix(append(u.out, '-'), -year)
	default:
		u.out = t.AppendFormat(u.out, "2006")
	}
	u.out = t.AppendFormat(u.out, "-01-02T15:04:05.000Z")
	u.out = append(u.out, '"')
}

// appendSix appends six digits of a year.
func appendSix(dst []byte, year int) []byte {
	for unit := 100_000; unit > 0; unit /= 10 {
		dst = append(dst, '0'+byte(year/unit%10)) //nolint:gosec // a digit
	}
	return dst
}
