package wire

import (
	"bytes"
	"errors"
)

// PayloadSeparator stands between the packets of a polling payload: ASCII record separator.
const PayloadSeparator = 0x1e

// DecodePayload decodes the body of a polling request and yields its packets in order. It stops at the first packet
// that is malformed and returns the reason; the packets before it have been yielded. An error of yield stops it as well
// and is returned as it is.
//
// The data of text packets aliases body. Errors: ErrEngineType, ErrUTF8, ErrBase64, in a *DecodeError.
func DecodePayload(body []byte, yield func(EnginePacket) error) error {
	for start := 0; ; {
		end := len(body)
		if n := bytes.IndexByte(body[start:], PayloadSeparator); n >= 0 {
			end = start + n
		}
		p, err := DecodeEngineText(body[start:end:end])
		if err != nil {
			return shift(err, start)
		}
		if err := yield(p); err != nil {
			return err
		}
		if end == len(body) {
			return nil
		}
		start = end + 1
	}
}

// shift moves the offset of a fresh DecodeError by n bytes.
func shift(err error, n int) error {
	if e, ok := errors.AsType[*DecodeError](err); ok {
		e.Offset += n
	}
	return err
}

// AppendPayload appends the packets as the body of a polling response, separated by PayloadSeparator. Text data must not
// contain the separator; Socket.IO packets never do, as JSON escapes it.
func AppendPayload(dst []byte, packets ...EnginePacket) []byte {
	for i, p := range packets {
		if i > 0 {
			dst = append(dst, PayloadSeparator)
		}
		dst = AppendEngineText(dst, p)
	}
	return dst
}
