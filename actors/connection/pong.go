package connection

import "sync/atomic"

// pong is the answer to the last ping. The reader notes it, and the actor looks when the time for it is over: most sessions do
// nothing else for most of their time, and the reader's small stack need not grow for it. Only an actor that would have sent the
// next ping by now is told. The methods are for the actor, except came, which is for both.
type pong struct{ state atomic.Uint32 }

const (
	pongCame    uint32 = iota // or nothing was asked yet
	pongMissing               // it is not there yet
	pongAwaited               // nor is it, and the actor wants to be told
)

// expect is called before a ping is sent.
func (p *pong) expect() { p.state.Store(pongMissing) }

// came notes a pong, and reports whether the actor wants to be told. One that nobody asked for changes nothing.
func (p *pong) came() (tell bool) { return p.state.Swap(pongCame) == pongAwaited }

// missing tells whether the last ping has no answer.
func (p *pong) missing() bool { return p.state.Load() != pongCame }

// awaited is missing, and if so the actor will be told.
func (p *pong) awaited() bool {
	return p.state.CompareAndSwap(pongMissing, pongAwaited) || p.missing()
}
