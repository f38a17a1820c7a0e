package connection

import "sync"

// gate is the back-pressure between the reader of a session and the handlers of its events. The reader enters with each
// message before it hands it on and stops there while too much is unfinished, so that the pressure reaches the client
// through TCP; whoever finishes a message leaves.
//
// While somebody waits for an acknowledgement of this client the gate opens up to a second, harder bound: the
// acknowledgement may lie behind events that wait for that very handler. At the hard bound the waits fail instead
// (ErrInboxFull) and the soft bound holds again. So there is always progress, never a deadlock.
type gate struct {
	soft, hard           int // unfinished messages
	softBytes, hardBytes int // unfinished bytes

	mu       sync.Mutex
	messages int
	bytes    int
	waits    int
	closed   bool
	paused   bool          // a reader stands at the gate
	stalls   uint64        // how often a reader had to stop; tells whether a pong may be late for our own sake
	changed  chan struct{} // made by who waits, closed by who changes something
	overflow chan struct{} // closed when the hard bound was hit while acknowledgements were awaited
}

// enter blocks while the gate is full. It reports false when the session ended meanwhile.
func (g *gate) enter(size int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.closed && !g.admits() {
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
	g.waits--
	if g.waits == 0 {
		g.overflow = nil
	}
	g.mu.Unlock()
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
