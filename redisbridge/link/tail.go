package link

import (
	"bufio"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/actio-go/actio/redisbridge/format"
)

// errNoOwner is why a reader connects anew: another node than that of its connection serves the stream.
var errNoOwner = errors.New("redisbridge: the stream is served by another node now")

// tail reads a stream to its end, and what is added there, on a connection of its own, which waits in Redis. What it has read
// last survives the connection: the next one goes on behind it.
type tail struct {
	s    *streams
	name string

	found bool           // the end of the stream was looked up: last counts
	last  format.EntryID // written while subscriber.receiving is held
}

// run is the reader's goroutine.
func (t *tail) run() {
	l := t.s.l
	pauses := backoff{bound: l.o.MaxBackoff}
	for again := false; ; {
		pauses.begin()
		session, err := t.open()
		if err == nil {
			if again {
				l.reconnects.Add(1)
			}
			again = true
			t.s.note(t, nil)
			err = t.read(session, &pauses)
			session.close()
		}
		if l.isClosing() {
			return
		}
		t.s.note(t, err)
		if !l.pause(pauses.take()) {
			return
		}
	}
}

// open connects to the node that serves the stream, and finds its place there.
func (t *tail) open() (*session, error) {
	l := t.s.l
	if l.topology != nil {
		if err := l.topology.refresh(l.topology.seen()); err != nil {
			return nil, err
		}
	}
	addr, err := l.route(StreamPart, format.Shard, t.name)
	if err != nil {
		return nil, err
	}
	session, err := l.connect(StreamPart.String(), addr, false)
	if err != nil {
		return nil, err
	}
	if err := t.find(session); err != nil {
		session.close()
		return nil, l.closedOr(t.redirected(addr, err))
	}
	return session, nil
}

// redirected takes note of what a node says of another.
func (t *tail) redirected(addr string, err error) error {
	if l := t.s.l; l.topology != nil && hasReplyPrefix(err, "MOVED ") {
		l.topology.redirect(addr, err)
		return fmt.Errorf("%w: %w", errNoOwner, err)
	}
	return err
}

// find looks where the stream ends, from where on it is read. It is asked again after a break: one that ends before what was read
// has lost its end with a master, or all of it with a server that keeps nothing, and goes on with ids that were seen already if
// the clock of the new server is behind.
func (t *tail) find(session *session) error {
	l := t.s.l
	t.seek()
	entries, err := session.cmd.XRevRangeN(l.ctx, t.name, "+", "-", 1).Result()
	if err != nil {
		return err
	}
	var end format.EntryID
	if len(entries) > 0 {
		var ok bool
		if end, ok = format.ParseEntryID(entries[0].ID); !ok {
			return fmt.Errorf("%w: id %q", errUnexpected, entries[0].ID)
		}
	}
	l.subscriber.receiving.Lock()
	defer l.subscriber.receiving.Unlock()
	back := t.found && end.Compare(t.last) < 0
	if !t.found || back {
		t.found, t.last = true, end
	}
	if found := l.o.Streams.Found; found != nil {
		l.guard(func() { found(t.name, t.last, back) })
	}
	return nil
}

// seek says that the end is about to be looked for.
func (t *tail) seek() {
	l := t.s.l
	if l.o.Streams.Seek == nil {
		return
	}
	l.subscriber.receiving.Lock()
	defer l.subscriber.receiving.Unlock()
	l.guard(func() { l.o.Streams.Seek(t.name) })
}

// read hands over what is added, until the connection breaks.
func (t *tail) read(session *session, pauses *backoff) error {
	l := t.s.l
	o := l.o.Streams
	in := entryReader{reader{bufio.NewReaderSize(session.conn, newsBuffer)}}
	var command []byte
	for {
		if err := session.conn.SetDeadline(time.Now().Add(o.Block + l.o.CommandTimeout)); err != nil {
			return l.closedOr(err)
		}
		command = t.appendRead(command[:0], o)
		if _, err := session.conn.Write(command); err != nil {
			return l.closedOr(err)
		}
		if err := in.answer(t.take); err != nil {
			return l.closedOr(t.redirected(session.addr, err))
		}
		pauses.reset()
	}
}

// appendRead appends the command that reads on, and waits if there is nothing.
func (t *tail) appendRead(b []byte, o *Streams) []byte {
	b = append(b, "*8\r\n$5\r\nXREAD\r\n$5\r\nCOUNT\r\n"...)
	b = appendText(b, strconv.Itoa(o.ReadCount))
	b = append(b, "$5\r\nBLOCK\r\n"...)
	b = appendText(b, strconv.FormatInt(max(o.Block.Milliseconds(), 1), 10)) // 0 would be for ever
	b = append(b, "$7\r\nSTREAMS\r\n"...)
	b = appendText(b, t.name)
	return appendText(b, t.last.String())
}

// take hands one entry over.
func (t *tail) take(e *format.Entry) error {
	id, ok := format.ParseEntryID(e.ID)
	if !ok {
		return fmt.Errorf("%w: id %q", errUnexpected, e.ID)
	}
	l := t.s.l
	l.subscriber.received.Add(1)
	l.subscriber.receiving.Lock()
	defer l.subscriber.receiving.Unlock()
	t.last = id // first: what the callee does with it is not done twice, whatever happens
	l.guard(func() { l.o.Streams.Entry(t.name, e) })
	return nil
}
