package connection

import "sync"

// gate is the back-pressure between the reader of a session and the handlers of its events. The reader enters with each
// message before it hands it on and stops there while too much is unfinished, so that the pressure reaches the client
// through TCP; whoever finishes a message leaves.
//
// While somebody waits for an acknowledgement of this client the gate opens up to a second, harder bound: the
// acknowledgement may lie behind events that wait for that very handler. At the hard bound the waits fail instead
// (ErrInboxFull) and the soft bound holds again. So there is always progress, never a deadlock.
//
// What an Ask awaits is kept here, each acknowledgement counting as somebody who waits. Whoever takes one out, under the
// lock, decides its fate, and tells the ask after it has given up the lock.
type gate struct {
	*bounds
	mu       sync.Mutex
	messages int
	bytes    int
	waits    int32
	closed   bool
	paused   bool               // a reader stands at the gate
	stalls   uint64             // how often a reader had to stop; tells whether a pong may be late for our own sake
	changed  chan struct{}      // made by who waits, closed by who changes something
	overflow chan struct{}      // closed when the hard bound was hit while acknowledgements were awaited
	asked    map[askedOf]*asked // what Asks await of all sockets of the session; nil when there is nothing
}

// bounds are those of all gates of a server.
type bounds struct {
	soft, hard           int // unfinished messages
	softBytes, hardBytes int // unfinished bytes
}

// askedOf names an acknowledgement that an Ask awaits.
type askedOf struct {
	socket *Socket
	id     uint64
}

// enter blocks while the gate is full. It reports false when the session ended meanwhile.
func (g *gate) enter(size int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.closed && !g.admits() {
		if failed := g.overflown(); len(failed) > 0 {
			g.fail(failed)
			continue
		}
		if !g.paused {
			g.paused = true
			g.stalls++
		}
		g.wait()
	}
	g.paused = false
	if g.closed {
		return false
	}
	g.messages++
	g.bytes += size
	return true
}

// hold counts work that the client caused without a message that could wait: the callbacks of a socket's life. It never
// blocks; whoever finishes the work leaves.
func (g *gate) hold() {
	g.mu.Lock()
	g.messages++
	g.mu.Unlock()
}

func (g *gate) admits() bool {
	if g.messages < g.soft && g.bytes < g.softBytes {
		return true
	}
	if g.waits == 0 {
		return false
	}
	if g.messages < g.hard && g.bytes < g.hardBytes {
		return true
	}
	if g.overflow != nil {
		close(g.overflow)
		g.overflow = nil
	}
	return false
}

// overflown takes out what Asks await, if the hard bound is what keeps the reader.
func (g *gate) overflown() (failed []*asked) {
	if g.messages < g.hard && g.bytes < g.hardBytes {
		return nil
	}
	for key, e := range g.asked {
		failed = append(failed, e)
		g.remove(key, e)
	}
	return failed
}

// fail tells those who asked, without the lock.
func (g *gate) fail(failed []*asked) {
	g.mu.Unlock()
	defer g.mu.Lock()
	for _, e := range failed {
		e.socket.session.env.Counters.AcksOverflown.Add(1)
		e.settle(ackResult{err: ErrInboxFull})
	}
}

// wait gives up the lock until something changed.
func (g *gate) wait() {
	if g.changed == nil {
		g.changed = make(chan struct{})
	}
	changed := g.changed
	g.mu.Unlock()
	<-changed
	g.mu.Lock()
}

func (g *gate) notify() {
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}

// leave takes one finished message out.
func (g *gate) leave(size int) {
	g.mu.Lock()
	g.messages--
	g.bytes -= size
	g.notify()
	g.mu.Unlock()
}

// await registers somebody who waits for an acknowledgement. The channel is closed when the wait must fail.
func (g *gate) await() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waits++
	if g.overflow == nil {
		g.overflow = make(chan struct{})
	}
	g.notify()
	return g.overflow
}

func (g *gate) awaited() {
	g.mu.Lock()
	g.unwait()
	g.mu.Unlock()
}

func (g *gate) unwait() {
	g.waits--
	if g.waits == 0 {
		g.overflow = nil
	}
}

// expect is await for an Ask. It reports false when the socket has ended.
func (g *gate) expect(e *asked) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || e.socket.Closed() { // else ended is still to come, and will find it
		return false
	}
	if g.asked == nil {
		g.asked = make(map[askedOf]*asked)
	}
	g.asked[askedOf{e.socket, e.ask.id}] = e
	g.waits++
	g.notify()
	return true
}

// sent says that the client is being asked: from now on it may answer.
func (g *gate) sent(s *Socket, id uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if e := g.asked[askedOf{s, id}]; e != nil && !e.sent {
		e.sent = true
		s.asked.Add(1)
	}
}

// acked takes out what the client answers; nil when nobody asked it.
func (g *gate) acked(s *Socket, id uint64) *asked {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := askedOf{s, id}
	e := g.asked[key]
	if e == nil || !e.sent {
		return nil
	}
	g.remove(key, e)
	return e
}

// take takes out what an Ask awaits; nil when it is decided already.
func (g *gate) take(s *Socket, id uint64) *asked {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := askedOf{s, id}
	e := g.asked[key]
	if e != nil {
		g.remove(key, e)
	}
	return e
}

// ended takes out what a socket owes that has ended; of all sockets if it is nil.
func (g *gate) ended(s *Socket) (all []*asked) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, e := range g.asked {
		if s == nil || key.socket == s {
			all = append(all, e)
			g.remove(key, e)
		}
	}
	return all
}

func (g *gate) remove(key askedOf, e *asked) {
	delete(g.asked, key)
	if len(g.asked) == 0 {
		g.asked = nil
	}
	if e.sent {
		key.socket.asked.Add(-1)
	}
	g.unwait()
}

// quiet returns a channel that is closed at the next change, or nil when nothing is unfinished, an acknowledgement is
// awaited or the session ended: when the answer to a POST need not wait any longer.
func (g *gate) quiet() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.messages == 0 || g.waits > 0 || g.closed {
		return nil
	}
	if g.changed == nil {
		g.changed = make(chan struct{})
	}
	return g.changed
}

// stalled tells whether a reader stands at the gate now, and how often one had to.
func (g *gate) stalled() (now bool, times uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.paused, g.stalls
}

// close lets everybody through for the last time. Idempotent.
func (g *gate) close() {
	g.mu.Lock()
	g.closed = true
	g.notify()
	g.mu.Unlock()
}
