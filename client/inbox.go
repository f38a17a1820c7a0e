package client

import (
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/actio-go/actio/client/internal/engine"
)

// inbox is what waits to be told to the application, in order. While it is not empty one goroutine works on it; an idle inbox
// has none. All of it is under the mutex of the manager.
type inbox struct {
	jobs    []job
	bytes   int // of all jobs
	working bool
}

type job struct {
	run  func()
	size int // in bytes, of an event of the server
}

// tell calls a hook. It runs under the mutex.
func (m *Manager) tell(f func()) { m.put(&m.hooks, 0, f) }

// put adds a job. It runs under the mutex.
func (m *Manager) put(b *inbox, size int, run func()) {
	b.jobs = append(b.jobs, job{run: run, size: size})
	b.bytes += size
	if !b.working {
		b.working = true
		m.start(func() { m.work(b) })
	}
}

func (m *Manager) work(b *inbox) {
	done := false
	defer func() {
		if !done { // a handler called runtime.Goexit
			m.start(func() { m.work(b) })
		}
	}()
	for {
		m.mutex.Lock()
		if len(b.jobs) == 0 {
			b.jobs, b.working = nil, false
			m.mutex.Unlock()
			done = true
			return
		}
		next := b.jobs[0]
		b.jobs[0] = job{}
		b.jobs = b.jobs[1:]
		b.bytes -= next.size
		if m.readersIdle > 0 {
			m.room.Broadcast()
		}
		dropped := m.aborted && next.size > 0 // an event of the server, when Close has no more time
		m.mutex.Unlock()
		if !dropped {
			m.guard(next.run)
		}
	}
}

// guard runs a function of the application: whatever it does, the client goes on.
func (m *Manager) guard(f func()) {
	defer func() {
		if r := recover(); r != nil {
			m.options.Logger.Error("handler panicked",
				slog.String("panic", fmt.Sprint(r)), slog.String("stack", string(debug.Stack())))
		}
	}()
	f()
}

// wait is somebody who waits for an answer of the server.
type wait struct {
	fail func(error) // runs under the mutex, must not block
}

// await notes that an answer is awaited: meanwhile the connection is read on although an inbox is full. It runs under the
// mutex.
func (m *Manager) await(w *wait) {
	m.waits[w] = struct{}{}
	m.room.Broadcast()
}

// awaitRoom blocks the reader of a session until the inbox has room. There is always progress: while answers are awaited, it
// returns up to a second bound, and beyond that the waits fail. It runs under the mutex, which it gives up while it waits; it
// returns false when the connection of the socket, or the session, has ended meanwhile.
func (s *Socket) awaitRoom(session *engine.Session) bool {
	m := s.manager
	connects := s.connects
	for s.connected && s.connects == connects && !session.Ended() {
		switch o := &m.options; {
		case s.inbox.below(o.InboxEvents, o.InboxBytes):
			return true
		case len(m.waits) == 0:
			m.readersIdle++
			m.room.Wait()
			m.readersIdle--
		case s.inbox.below(o.InboxEventsHard, o.InboxBytesHard):
			return true
		default:
			for w := range m.waits {
				delete(m.waits, w)
				w.fail(ErrInboxFull)
			}
		}
	}
	return false
}

// below tells whether there is room for one more.
func (b *inbox) below(events, bytes int) bool { return len(b.jobs) < events && b.bytes < bytes }
