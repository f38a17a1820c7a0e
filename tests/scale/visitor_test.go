package scale

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// visitor is a client without a goroutine: bytes of the server go in, its answers come out. It opens a websocket, joins the
// default namespace, authenticates, answers heartbeats and counts what it hears. It keeps next to nothing, so that what is
// measured beside it is the server. One goroutine at a time may use it.
type visitor struct {
	crowd          *crowd
	rest           []byte        // what is incomplete: nil most of the time
	last           time.Duration // when it came, then when the last ping did
	pings          uint16
	appPings       uint16
	upgraded, away bool
}

func newVisitor(c *crowd) visitor { return visitor{crowd: c, last: time.Since(c.began)} }

// hello is what a visitor says first: the request of a browser.
func hello(host string) []byte {
	return []byte("GET /io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: " + host + "\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
		"Accept: */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
		"Pragma: no-cache\r\nCache-Control: no-cache\r\nSec-Fetch-Mode: websocket\r\n" +
		"Upgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
}

// hear takes what the server has written and appends to out what the visitor answers.
func (v *visitor) hear(in, out []byte) []byte {
	if v.rest != nil {
		in = append(v.rest, in...)
		v.rest = nil
	}
	if !v.upgraded {
		end := bytes.Index(in, []byte("\r\n\r\n"))
		if end < 0 {
			v.rest = slices.Clone(in)
			return out
		}
		if !bytes.HasPrefix(in, []byte("HTTP/1.1 101 ")) {
			v.crowd.lose(fmt.Errorf("the upgrade was answered by %q", in))
			v.away = true
			return out
		}
		v.upgraded = true
		in = in[end+len("\r\n\r\n"):]
	}
	for !v.away {
		opcode, payload, rest, ok := cutFrame(in)
		if !ok {
			break
		}
		in = rest
		out = v.frame(opcode, payload, out)
	}
	if len(in) > 0 {
		v.rest = slices.Clone(in)
	}
	return out
}

// The opcodes that a server may use here.
const (
	opText  = 1
	opClose = 8
)

// cutFrame takes one unfragmented frame of a server off.
func cutFrame(in []byte) (opcode byte, payload, rest []byte, ok bool) {
	if len(in) < 2 {
		return 0, nil, in, false
	}
	length, head := int(in[1]), 2
	if length == 126 {
		if len(in) < 4 {
			return 0, nil, in, false
		}
		length, head = int(binary.BigEndian.Uint16(in[2:])), 4
	}
	if len(in) < head+length {
		return 0, nil, in, false
	}
	return in[0] & 0x0f, in[head : head+length], in[head+length:], true
}

// say appends one masked frame; the mask is zero, which leaves the text as it is.
func say(out []byte, opcode byte, text string) []byte {
	return append(append(out, 0x80|opcode, 0x80|byte(len(text)), 0, 0, 0, 0), text...)
}

// frame handles one frame and appends the answer to it.
func (v *visitor) frame(opcode byte, payload, out []byte) []byte {
	switch {
	case opcode == opClose:
		v.leave(fmt.Errorf("the server has closed a connection: %q", payload))
		return say(out, opClose, string(payload))
	case opcode != opText:
		v.crowd.lose(fmt.Errorf("a frame with opcode %d: %q", opcode, payload))
		return out
	case string(payload) == "2":
		v.pinged()
		return say(out, opText, "3")
	case bytes.HasPrefix(payload, []byte("0{")):
		return say(out, opText, "40")
	case bytes.HasPrefix(payload, []byte("40{")):
		return say(out, opText, `42["authenticate"]`)
	}
	v.event(payload)
	return out
}

func (v *visitor) event(payload []byte) {
	switch {
	case bytes.HasPrefix(payload, []byte(`42["authenticated",`)):
	case bytes.HasPrefix(payload, []byte(`42["ping",`)):
		v.appPinged()
	case string(payload) == `42["news","for all"]`:
		v.crowd.count(&v.crowd.news, v.crowd.informed)
	default:
		v.crowd.lose(fmt.Errorf("unexpected: %q", payload))
	}
}

// pinged notes a heartbeat of Engine.IO.
func (v *visitor) pinged() {
	now := time.Since(v.crowd.began)
	if v.pings > 0 {
		lengthen(&v.crowd.silence, now-v.last)
	}
	v.last = now
	v.pings++
	v.crowd.pings.Add(1)
	v.crowd.pinged()
	v.beaten(v.pings, v.appPings)
}

// appPinged notes a heartbeat of the application. The first is the end of the welcome.
func (v *visitor) appPinged() {
	if v.appPings == 0 {
		lengthen(&v.crowd.entry, time.Since(v.crowd.began)-v.last)
		<-v.crowd.door
	}
	v.appPings++
	v.crowd.appPings.Add(1)
	v.crowd.pinged()
	v.beaten(v.appPings, v.pings)
}

// beaten counts the visitor when it has its last missing heartbeat: one more of this kind, so many of the other.
func (v *visitor) beaten(this, other uint16) {
	if this == beats() && other >= beats() {
		v.crowd.count(&v.crowd.steadyCount, v.crowd.steady)
	}
}

// leave notes that the connection has ended; why is nil when the server will say so itself. Idempotent.
func (v *visitor) leave(why error) {
	if v.away {
		return
	}
	v.away = true
	if why != nil {
		v.crowd.lose(why)
	}
	v.crowd.count(&v.crowd.left, v.crowd.gone)
}
