package client

import (
	"fmt"
	"log/slog"
	"runtime/debug"
)

// inbox is what waits to be told to the application, in order. While it is not empty one goroutine works on it; an idle inbox
// has none. All of it is under the mutex of the manager.
type inbox struct {
	jobs    []func()
	working bool
}

// tell calls a hook. It runs under the mutex.
func (m *Manager) tell(f func()) { m.put(&m.hooks, f) }

// put adds a job. It runs under the mutex.
func (m *Manager) put(b *inbox, job func()) {
	b.jobs = append(b.jobs, job)
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
		job := b.jobs[0]
		b.jobs[0] = nil
		b.jobs = b.jobs[1:]
		if m.readersIdle > 0 {
			m.room.Broadcast()
		}
		m.mutex.Unlock()
		m.guard(job)
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

// awaitRoom blocks the reader of a link until an inbox has room. There is always progress: while answers are awaited, it
// returns up to a second bound, and beyond that the waits fail. It runs under the mutex, which it gives up while it waits; it
// returns false when the link was let go meanwhile.
func (l *link) awaitRoom(b *inbox) bool {
	m := l.manager
	for m.link == l && len(b.jobs) >= m.options.InboxEvents {
		if len(m.waits) > 0 {
			if len(b.jobs) < m.options.InboxEventsHard {
				return true
			}
			for w := range m.waits {
				delete(m.waits, w)
				w.fail(ErrInboxFull)
			}
			continue
		}
		m.readersIdle++
		m.room.Wait()
		m.readersIdle--
	}
	return m.link == l
}
