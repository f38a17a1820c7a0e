package connection

import (
	"net"

	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// Flags are what a packet asks of the outgoing queue.
type Flags uint8

// The flags.
const (
	FlagNone     Flags = 0
	FlagVolatile Flags = 1 << (iota - 1) // dropped when it cannot be written now
	FlagCompress                         // deflated where the client negotiated it
	FlagKeep                             // never dropped by DropOldest: awaits or is an acknowledgement, or is no event
)

// outgoing is one entry of a queue: a shared prepared packet, or a control frame of the websocket.
type outgoing struct {
	message *wire.Prepared
	frame   []byte // control frame; message is nil
	flags   Flags
}

func (o *outgoing) bytes(d *wire.Deflater) []byte {
	switch {
	case o.message == nil:
		return o.frame
	case d != nil && o.flags&FlagCompress != 0:
		return o.message.Deflated(d)
	default:
		return o.message.WebSocket()
	}
}

// entryBytes is what an entry costs beside its packet's bytes: the entry itself, and the packet's head if nobody shares it.
const entryBytes = 128

func (o *outgoing) size() int {
	if o.message == nil {
		return len(o.frame) + entryBytes
	}
	return o.message.Size() + entryBytes
}

// lane is the way out to the client: the queue, and the transport that it drains into. It is bounded by its owner, who
// looks at bytes after each append. Only the actor touches it: a temporary writer has its batch and the websocket.
type lane struct {
	ws *transport.WebSocket // nil: polling

	queue   []outgoing
	room    [1]outgoing // of a queue that has never more: most of the time
	head    int         // entries before it are written
	offset  int         // bytes of the head that are written
	bytes   int         // of all entries that are not wholly written, and of the writer's batch
	inHands int         // what the batch that the temporary writer has counts for
	batched int         // and its bytes
	written int         // bytes that left without the temporary writer
	writing bool
	done    bool // nothing more is written

	straight bool // prepared bytes may be written as they are
	dialect  dialect
}

const (
	gatherEntries = 64        // entries that one write joins
	gatherBytes   = 64 << 10  // and their bytes
	batchBytes    = 256 << 10 // what a temporary writer takes at a time
)

func (l *lane) empty() bool { return l.head == len(l.queue) && !l.writing }

func (l *lane) append(o outgoing) {
	if l.done {
		return
	}
	if l.dialect != usual {
		o.message = l.translate(o.message)
	}
	// A client that is always a little behind never empties the queue: what is written makes room for what comes.
	if len(l.queue) == cap(l.queue) && l.head > len(l.queue)/2 {
		n := copy(l.queue, l.queue[l.head:])
		clear(l.queue[n:])
		l.queue, l.head = l.queue[:n], 0
	}
	if l.queue == nil {
		l.queue = l.room[:0]
	}
	l.queue = append(l.queue, o)
	l.bytes += o.size()
}

// flush writes what it can without blocking. It reports true when the rest needs the temporary writer.
func (l *lane) flush() (blocked bool, err error) {
	for !l.writing && l.head < len(l.queue) {
		if !l.ws.HasRaw() {
			return true, nil
		}
		p := l.gather()
		n, err := l.ws.TryWrite(p)
		if err != nil {
			return false, err
		}
		l.advance(n)
		if n < len(p) {
			return true, nil
		}
	}
	return false, nil
}

// gather returns the next bytes to write: the head's own when it stands alone, else a copy of several entries, so that
// they travel with one system call.
func (l *lane) gather() []byte {
	d := l.ws.Deflate()
	first := l.queue[l.head].bytes(d)[l.offset:]
	if l.head+1 == len(l.queue) || len(first) >= gatherBytes {
		return first
	}
	joined := append(make([]byte, 0, min(l.bytes, gatherBytes)), first...)
	for i := l.head + 1; i < len(l.queue) && i < l.head+gatherEntries; i++ {
		b := l.queue[i].bytes(d)
		if len(joined)+len(b) > gatherBytes {
			break
		}
		joined = append(joined, b...)
	}
	return joined
}

// advance takes n written bytes off the queue.
func (l *lane) advance(n int) {
	d := l.ws.Deflate()
	l.written += n
	for n > 0 {
		o := &l.queue[l.head]
		rest := len(o.bytes(d)) - l.offset
		if n < rest {
			l.offset += n
			return
		}
		n -= rest
		l.drop()
	}
}

// drop forgets the head.
func (l *lane) drop() {
	l.bytes -= l.queue[l.head].size()
	l.queue[l.head] = outgoing{}
	l.head++
	l.offset = 0
	if l.head == len(l.queue) {
		l.queue, l.head, l.room[0] = nil, 0, outgoing{}
	}
}

// batch takes entries out for the temporary writer. Until settled they count as pending.
func (l *lane) batch() net.Buffers {
	var bufs net.Buffers
	d := l.ws.Deflate()
	taken := 0
	for l.head < len(l.queue) && taken < batchBytes {
		b := l.queue[l.head].bytes(d)[l.offset:]
		bufs = append(bufs, b)
		taken += len(b)
		size := l.queue[l.head].size()
		l.drop()
		l.bytes += size
		l.inHands += size
	}
	l.writing = true
	l.batched = taken
	return bufs
}

// settled is called when the temporary writer has finished its batch.
func (l *lane) settled() {
	l.bytes -= l.inHands
	l.inHands = 0
	l.writing = false
}

// clear forgets everything: the transport is gone.
func (l *lane) clear() {
	l.queue, l.head, l.offset, l.done, l.room[0] = nil, 0, 0, true, outgoing{}
	l.bytes = l.inHands
}

// payload takes the whole queue out as one polling payload.
func (l *lane) payload() []byte {
	n := 0
	for i := l.head; i < len(l.queue); i++ {
		if m := l.queue[i].message; m != nil {
			n += m.PayloadSize() + 1
		}
	}
	body := make([]byte, 0, n)
	for l.head < len(l.queue) {
		if m := l.queue[l.head].message; m != nil {
			if len(body) > 0 {
				body = append(body, wire.PayloadSeparator)
			}
			body = m.AppendPayload(body)
		}
		l.drop()
	}
	return body
}

// shed drops queued entries that the policy gives up, oldest first, until at most bound bytes are pending. Entries that were
// begun stay. It looks at no more entries than it has to: it runs for each packet that a client over its bound is sent, in
// the goroutine of whoever sends.
func (l *lane) shed(bound int, expendable func(Flags) bool) (dropped int) {
	i := l.head
	for ; i < len(l.queue) && l.bytes > bound; i++ {
		o := &l.queue[i]
		begun := i == l.head && l.offset > 0
		if begun || o.message == nil || !expendable(o.flags) {
			continue
		}
		l.bytes -= o.size()
		*o = outgoing{}
		dropped++
	}
	if dropped == 0 {
		return 0
	}
	head := i // what stays of the entries before i moves up to it
	for i--; i >= l.head; i-- {
		if o := l.queue[i]; o.message != nil || o.frame != nil {
			head--
			l.queue[i] = outgoing{}
			l.queue[head] = o
		}
	}
	if l.head = head; l.head == len(l.queue) {
		l.queue, l.head, l.room[0] = nil, 0, outgoing{}
	}
	return dropped
}

// adopt takes over what another lane had queued, in front of nothing: the lane must have written all its own.
func (l *lane) adopt(from *lane) {
	for i := from.head; i < len(from.queue); i++ {
		l.append(from.queue[i])
	}
	from.clear()
}
