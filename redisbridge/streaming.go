package redisbridge

import (
	"errors"
	"runtime/debug"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
)

// streaming says which streams the link is to read; nil: none.
func (b *Bridge) streaming() *link.Streams {
	if b.entries == nil {
		return nil
	}
	o := b.options.Streams
	s := &link.Streams{
		Names: b.entries.Streams(), Entry: handler{b}.entry, MaxLen: o.MaxLen, ReadCount: o.ReadCount, Block: o.BlockTime,
	}
	if b.Echoes() {
		s.Seek, s.Found = b.echo.seek, handler{b}.found
	}
	return s
}

// found takes note of where a stream is read on. Those that will not be read any more are handed out here.
func (h handler) found(stream string, last format.EntryID, back bool) {
	if back {
		h.past.lose(stream)
	}
	for _, one := range h.echo.found(stream, last, back) {
		h.alone(one)
		h.echo.settle(one)
	}
}

// Echoes reports whether a Broadcast that is emitted comes back: Emit hands it to the sockets of this instance, too, when it is
// read from the stream, with its offset. So it is with Options.Recovery: the clients of all instances get the same events in
// the order of the stream, and what the last offset of a client says that it has got it has got.
func (b *Bridge) Echoes() bool { return b.options.Recovery > 0 }

// entry takes an entry of a stream. It runs as Received does, and never beside it.
func (h handler) entry(stream string, e *format.Entry) {
	defer func() {
		if r := recover(); r != nil {
			h.sys.Report("redis bridge: entry", r, debug.Stack())
		}
	}()
	if h.life.Err() != nil {
		return
	}
	h.count.received.Add(1)
	if h.Echoes() {
		for _, one := range h.echo.before(stream, e.ID) {
			h.alone(one)
		}
		defer func() {
			for _, one := range h.echo.read(stream, e.ID) {
				h.alone(one)
				h.echo.settle(one)
			}
		}()
	}
	m, err := h.entries.DecodeEntry(e)
	if h.past.open.Load() > 0 {
		h.past.note(stream, e, m)
	}
	switch {
	case err == nil:
		if m.Sender == h.uid {
			h.count.echoes.Add(1)
			h.echo.own(stream, e.ID)
			if m.Kind == format.Broadcast {
				h.deliver(m)
				return
			}
		}
		h.take(m)
	case errors.Is(err, format.ErrOwn):
		h.count.echoes.Add(1)
	case errors.Is(err, format.ErrUnknown):
		h.count.unknown.Add(1)
	default:
		h.malformed(err)
	}
}

// withOffset appends the offset to the event of a broadcast that clients can recover, as its last argument.
func (b *Bridge) withOffset(m *format.Message, array []byte) []byte {
	if !b.Echoes() || m.Offset == "" || m.Flags.Volatile {
		return array
	}
	return appendOffset(array, m.Offset)
}

// appendOffset returns a JSON array, which has an element, with the offset behind the others.
func appendOffset(array []byte, offset string) []byte {
	out := make([]byte, 0, len(array)+len(offset)+len(`,""`))
	out = append(out, array...)
	for out[len(out)-1] != ']' {
		out = out[:len(out)-1] // white space
	}
	out = append(out[:len(out)-1], `,"`...)
	out = append(out, offset...)
	return append(out, `"]`...)
}
