package roomregistry

import (
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/actio-go/actio/wire"
)

// HistoryOptions bound what a registry remembers for sockets that come back. See Options.History.
type HistoryOptions struct {
	// Age is how long an event is remembered. 0 or less = DefaultHistoryAge.
	Age time.Duration
	// MaxBytes bounds what the remembered events take, as sent, with historyOverhead for each; the oldest go first. 0 or less =
	// DefaultHistoryBytes.
	MaxBytes int
	// Parser, if not nil, gives events the form in which clients read them.
	Parser wire.Parser
}

// Defaults of HistoryOptions.
const (
	DefaultHistoryAge   = 3 * time.Minute
	DefaultHistoryBytes = 64 << 20
)

// historyOverhead is what an event takes beside its bytes: its copy of the Broadcast, and its places in the lines.
const historyOverhead = 400

func (o HistoryOptions) withDefaults() HistoryOptions {
	if o.Age <= 0 {
		o.Age = DefaultHistoryAge
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultHistoryBytes
	}
	return o
}

// eventLog numbers the events in the order of the sequencer, tells their clients the numbers (offsets) and remembers the events
// for sockets that come back. It belongs to the sequencer, but for what is immutable or atomic.
//
// Each event has a number, also one that may be lost: official clients take whatever string is the last argument of an event for
// its offset, so an event without one would make them forget where they were. What may be lost is not remembered.
type eventLog struct {
	HistoryOptions
	epoch   string // immutable; tells the offsets of this registry from others
	last    uint64 // number of the last event
	gone    uint64 // number of the last event that was forgotten
	all     line
	lines   map[address]*line
	bytes   int
	scratch []byte

	dropped atomic.Uint64 // events forgotten over MaxBytes
}

// address is what an event was sent to: one line of the history. An event for several rooms is in several.
type address struct {
	namespace, name string
	kind            addressKind
}

type addressKind uint8

const (
	toAll addressKind = iota
	toRoom
	toUser
	toSocket
)

// record is one remembered event.
type record struct {
	broadcast *Broadcast
	at        time.Time
	bytes     int
}

func newEventLog(o HistoryOptions) *eventLog {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return &eventLog{
		HistoryOptions: o.withDefaults(), epoch: base64.RawURLEncoding.EncodeToString(b[:]), lines: make(map[address]*line),
	}
}

// appendOffset appends the offset of the event with a number: no character of it needs an escape in JSON.
func (h *eventLog) appendOffset(dst []byte, number uint64) []byte {
	dst = append(append(dst, h.epoch...), '.')
	return strconv.AppendUint(dst, number, 36)
}

// position reads an offset; false when it is none of this history.
func (h *eventLog) position(offset string) (uint64, bool) {
	epoch, digits, found := strings.Cut(offset, ".")
	if !found || epoch != h.epoch {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 36, 64)
	return number, err == nil && number != 0 // no event has it
}

// number returns b with the next number, and its offset as last argument. What is no event stays as it is.
func (h *eventLog) number(b *Broadcast) *Broadcast {
	var room [32]byte
	m := withOffset(&h.scratch, b.Message, b.Namespace, h.Parser, h.appendOffset(room[:0], h.last+1))
	if cap(h.scratch) > maxRunBytes {
		h.scratch = nil
	}
	if m == nil {
		return b
	}
	h.last++
	numbered := *b
	numbered.Message, numbered.position = m, h.last
	return &numbered
}

// WithOffset returns an event with one more argument, its offset: whoever remembers events in place of a registry gives each
// its own. No character of the offset may need an escape in JSON. The parser, if not nil, is that of the clients. The result is
// nil when m is no event.
func WithOffset(m *wire.Prepared, namespace string, parser wire.Parser, offset string) *wire.Prepared {
	return withOffset(new([]byte), m, namespace, parser, []byte(offset))
}

func withOffset(scratch *[]byte, m *wire.Prepared, namespace string, parser wire.Parser, offset []byte) *wire.Prepared {
	array, attachments, ok := m.Event()
	if !ok {
		return nil
	}
	*scratch = append(append((*scratch)[:0], array[:len(array)-1]...), `,"`...)
	*scratch = append(append(*scratch, offset...), `"]`...)
	stamped, err := wire.PrepareEvent(namespace, false, 0, *scratch, attachments)
	if err == nil {
		stamped, err = stamped.With(parser)
	}
	if err != nil {
		return nil // a namespace that no client can be in, or a parser that has changed its mind
	}
	return stamped
}

// remember keeps a numbered event for those who come back.
func (h *eventLog) remember(b *Broadcast, now time.Time) {
	r := &record{broadcast: b, at: now, bytes: b.Message.Size() + historyOverhead}
	h.all.push(r)
	h.bytes += r.bytes
	for a := range b.addresses {
		l := h.lines[a]
		if l == nil {
			l = new(line)
			h.lines[a] = l
		}
		l.push(r)
	}
	h.forget(now)
}

// forget drops what is too old or too much.
func (h *eventLog) forget(now time.Time) {
	for !h.all.empty() {
		r := h.all.first()
		over := h.bytes > h.MaxBytes
		if !over && now.Sub(r.at) <= h.Age {
			return
		}
		if over {
			h.dropped.Add(1)
		}
		h.all.pop()
		h.bytes -= r.bytes
		h.gone = r.broadcast.position
		for a := range r.broadcast.addresses {
			l := h.lines[a]
			if l.pop(); l.empty() {
				delete(h.lines, a)
			}
		}
	}
}

// addresses yields what b is sent to.
func (b *Broadcast) addresses(yield func(address) bool) {
	switch {
	case b.Socket != "":
		yield(address{b.Namespace, b.Socket, toSocket})
		return
	case len(b.Rooms) == 0 && b.User == "":
		yield(address{b.Namespace, "", toAll})
		return
	case b.User != "" && !yield(address{b.Namespace, b.User, toUser}):
		return
	}
	for _, room := range b.Rooms {
		if !yield(address{b.Namespace, room, toRoom}) {
			return
		}
	}
}

// line is a queue of records, oldest first.
type line struct {
	records []*record
	head    int
}

func (l *line) empty() bool    { return l.head == len(l.records) }
func (l *line) first() *record { return l.records[l.head] }

// push appends a record; what was taken makes room for it.
func (l *line) push(r *record) {
	if len(l.records) == cap(l.records) && l.head > len(l.records)/2 {
		n := copy(l.records, l.records[l.head:])
		clear(l.records[n:])
		l.records, l.head = l.records[:n], 0
	}
	l.records = append(l.records, r)
}

// pop drops the first record, and the memory of the queue when most of it is unused.
func (l *line) pop() {
	l.records[l.head] = nil
	l.head++
	if rest := len(l.records) - l.head; cap(l.records) > shrinkAbove && rest < cap(l.records)/(2*shrinkShare) {
		l.records, l.head = append(make([]*record, 0, 2*rest), l.records[l.head:]...), 0
	}
}
