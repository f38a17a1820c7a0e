package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Open is the handshake: the data of the first packet of a session.
type Open struct {
	// SID is the id of the session.
	SID string
	// Upgrades are the transports that the client may upgrade to.
	Upgrades []string
	// PingInterval is the time from one ping of the server to the next. Milliseconds on the wire, rounded down.
	PingInterval time.Duration
	// PingTimeout is how long the server waits for a pong. Milliseconds on the wire, rounded down.
	PingTimeout time.Duration
	// MaxPayload is the number of bytes that one message, or one polling body, may have.
	MaxPayload int
}

// AppendOpen appends the JSON of the handshake, with exactly the five keys of the protocol.
func AppendOpen(dst []byte, o Open) []byte {
	dst = append(dst, `{"sid":`...)
	dst = appendQuoted(dst, o.SID)
	dst = append(dst, `,"upgrades":[`...)
	for i, u := range o.Upgrades {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, u)
	}
	dst = append(dst, `],"pingInterval":`...)
	dst = strconv.AppendInt(dst, o.PingInterval.Milliseconds(), 10)
	dst = append(dst, `,"pingTimeout":`...)
	dst = strconv.AppendInt(dst, o.PingTimeout.Milliseconds(), 10)
	dst = append(dst, `,"maxPayload":`...)
	dst = strconv.AppendInt(dst, int64(o.MaxPayload), 10)
	return append(dst, '}')
}

// DecodeOpen decodes the JSON of the handshake. Keys that the protocol does not know are ignored, and so is an absent
// maxPayload, which servers before Engine.IO 6.1 do not send. Everything else is required. The result aliases nothing.
// Errors: ErrOpen.
func DecodeOpen(data []byte) (Open, error) {
	var o struct {
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval float64  `json:"pingInterval"` // numbers of JavaScript need not be whole
		PingTimeout  float64  `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}
	if err := json.Unmarshal(data, &o); err != nil {
		return Open{}, fmt.Errorf("%w: %w", ErrOpen, err)
	}
	const most = float64(math.MaxInt64) / float64(time.Millisecond) / 2
	switch {
	case o.SID == "":
		return Open{}, fmt.Errorf("%w: no sid", ErrOpen)
	case o.PingInterval <= 0 || o.PingInterval > most:
		return Open{}, fmt.Errorf("%w: pingInterval out of range", ErrOpen)
	case o.PingTimeout <= 0 || o.PingTimeout > most:
		return Open{}, fmt.Errorf("%w: pingTimeout out of range", ErrOpen)
	case o.MaxPayload < 0:
		return Open{}, fmt.Errorf("%w: maxPayload out of range", ErrOpen)
	}
	return Open{
		SID:          o.SID,
		Upgrades:     o.Upgrades,
		PingInterval: time.Duration(o.PingInterval * float64(time.Millisecond)),
		PingTimeout:  time.Duration(o.PingTimeout * float64(time.Millisecond)),
		MaxPayload:   o.MaxPayload,
	}, nil
}

// appendQuoted appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD, as with encoding/json; HTML is not
// escaped.
func appendQuoted(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // the error reports what was replaced
	return dst
}
