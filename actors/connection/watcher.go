package connection

import (
	"sync"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/wire"
)

// watcher tells the application what goes out to a socket. What it tells it decodes on a worker; the actor does no more than
// put a pointer to what it sends anyway into a bounded queue. A nil watcher sees nothing.
type watcher struct {
	socket  *Socket
	workers *actors.Workers
	tell    func(name string, args wire.Args)

	mu      sync.Mutex
	seen    []*wire.Prepared
	bytes   int // of seen, and of what is being told
	running bool
	over    bool // nothing more is told
}

// watchSocket begins or ends the watching of what goes out to a socket.
func (c *connection) watchSocket(m *watchSocket) {
	s := c.own(m.socket)
	if s == nil {
		return
	}
	x := s.more()
	x.watcher.end()
	x.watcher = nil
	if m.tell != nil {
		x.watcher = &watcher{socket: m.socket, workers: c.env.System.Workers(), tell: m.tell}
	}
}

// saw takes note of what goes out, unless too much waits already.
func (w *watcher) saw(messages ...*wire.Prepared) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	env := w.socket.session.env
	for _, m := range messages {
		if w.bytes > 0 && w.bytes+m.Size() > env.Options.QueueBytes {
			env.Counters.OutgoingUnseen.Add(1)
			continue
		}
		w.seen = append(w.seen, m)
		w.bytes += m.Size()
	}
	if len(w.seen) > 0 && !w.running {
		w.running = w.workers.Run(w)
	}
}

// end has nothing more told, not even what was seen.
func (w *watcher) end() {
	if w == nil {
		return
	}
	w.mu.Lock()
	w.seen, w.over = nil, true
	w.mu.Unlock()
}

// Run is called by a worker.
func (w *watcher) Run() {
	finished := false
	defer func() {
		if r := recover(); r != nil {
			w.socket.panicked("outgoing event callback", r)
		}
		if !finished { // the rest is for another worker
			w.again()
		}
	}()
	for m := w.next(nil); m != nil; m = w.next(m) {
		if name, args, ok := eventOf(m); ok {
			w.tell(name, args)
		}
	}
	finished = true
}

// next takes the oldest out, after another was told; nil when there is none, and then it runs no more.
func (w *watcher) next(told *wire.Prepared) *wire.Prepared {
	w.mu.Lock()
	defer w.mu.Unlock()
	if told != nil {
		w.bytes -= told.Size()
	}
	if len(w.seen) == 0 || w.over {
		w.seen, w.running = nil, false
		return nil
	}
	m := w.seen[0]
	w.seen[0] = nil
	w.seen = w.seen[1:]
	return m
}

func (w *watcher) again() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bytes = 0
	for _, m := range w.seen {
		w.bytes += m.Size()
	}
	w.running = len(w.seen) > 0 && w.workers.Run(w)
}

// eventOf decodes an event that this server has encoded; ok is false for other packets.
func eventOf(m *wire.Prepared) (name string, args wire.Args, ok bool) {
	array, attachments, ok := m.Event()
	if !ok {
		return "", wire.Args{}, false
	}
	head := wire.Packet{Type: wire.Event, Data: array, Attachments: len(attachments)}
	if attachments != nil {
		head.Type = wire.BinaryEvent
	}
	name, args, err := wire.ParseEvent(wire.Complete{Packet: head, Attachments: attachments})
	return name, args, err == nil
}
