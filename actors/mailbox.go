package actors

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

const (
	inlineMessages = 16  // how many a sender handles at most before a goroutine takes over
	yieldAfter     = 256 // messages that a goroutine of the actor handles before it lets others run
)

// Inline makes an actor run in the goroutine of whoever finds it idle: a send then costs no wake-up. That goroutine
// handles at most 16 messages, those included that others send meanwhile, and hands the actor to a goroutine of its own
// when more wait. A send to an actor that is running only queues. System messages (Started, Stopping, Stopped, Watch,
// Terminated and so on) always run in a goroutine of the actor's own; see the package comment.
//
// Receive must neither block nor wait. Use one Props, and so one option, for all actors of a kind: they share the memory
// in which messages wait, and an idle actor holds none.
func Inline() actor.PropsOption { return mailboxes(&kind{inline: true}) }

// InlineFromStart is Inline for actors whose Started does next to nothing, and neither stops the actor nor spawns another: it too
// runs in the goroutine of who spawns the actor, before the parent knows of it. That saves a goroutine for each.
func InlineFromStart() actor.PropsOption { return mailboxes(&kind{inline: true, swift: true}) }

// Queued makes an actor run in a goroutine of its own, which is started when a message arrives and ends when none is
// left. It yields now and then. Receive may take its time.
func Queued() actor.PropsOption { return mailboxes(&kind{}) }

// Light makes a Queued actor that handles light messages in the goroutine of whoever finds it idle, one for each send: they
// cost no wake-up when little is going on, and the actor has its own goroutine when much is. For a light message, light
// returns what Receive gets in that case in place of it, so that it knows; for others nil. Whoever sends a light one must not
// hold a lock that Receive takes for it. Receive may take its time over the others only.
func Light(light func(message any) any) actor.PropsOption { return mailboxes(&kind{light: light}) }

func mailboxes(k *kind) actor.PropsOption {
	return actor.WithMailbox(func() actor.Mailbox {
		// Owned by the spawn until Start.
		return &mailbox{kind: k, running: true}
	})
}

// kind is what the mailboxes of one Props have in common.
type kind struct {
	inline   bool
	swift    bool                  // Started does not wait for a goroutine
	light    func(message any) any // nil: nothing is light
	segments segments
}

// immediate returns what an idle actor handles in the sender's goroutine in place of a message; nil: nothing.
func (k *kind) immediate(message any) any {
	switch {
	case k.inline:
		return message
	case k.light != nil:
		return k.light(message)
	default:
		return nil
	}
}

// most is how many messages a sender handles at most.
func (k *kind) most() int {
	if k.inline {
		return inlineMessages
	}
	return 1
}

// mailbox queues the messages of one actor and has them handled by one goroutine at a time, the owner.
//
// Ownership: running says that there is an owner. Whoever sets it, under mu, becomes the owner. The owner clears it only
// under mu and only when nothing is to be done, or passes it on by starting a goroutine that owns from its first
// instruction. A post checks running under the same mu as it queues. So a message either finds an owner that has yet to
// look under mu, or makes one: no wake-up is lost, and there are never two owners.
//
// Order: the owner takes all waiting user messages at once into batch, which travels with the ownership, and takes the
// next ones when batch is empty. A sender runs its own message at once only when there is no owner, and then nothing
// waits.
type mailbox struct {
	mu        sync.Mutex
	running   bool        // under mu
	suspended bool        // written by the owner under mu
	urgent    atomic.Bool // system is not empty; changed under mu
	batchSize int32       // under mu: how many messages batch was given
	user      queue       // under mu
	system    queue       // under mu
	batch     queue       // the owner's
	invoker   actor.MessageInvoker
	kind      *kind
	run       func() // work, bound once
}

// RegisterHandlers takes the actor. The dispatcher is not used.
func (m *mailbox) RegisterHandlers(invoker actor.MessageInvoker, _ actor.Dispatcher) {
	m.invoker = invoker
}

// Start ends the spawn: what has been posted until now, Started first, is handled in a goroutine of the actor.
func (m *mailbox) Start() {
	m.run = m.work
	if m.kind.swift {
		m.startInline()
		return
	}
	m.handOver()
}

// startInline handles Started in the goroutine of who spawns the actor, and leaves everything else to another.
func (m *mailbox) startInline() {
	var message any
	done := false
	defer m.settle(&message, &done)
	message = m.takeSystem()
	m.handleSystem(message)
	done = true
	if !m.release() {
		m.handOver()
	}
}

// PostUserMessage queues the message, or handles it now if the actor is idle and of a kind that does so.
func (m *mailbox) PostUserMessage(message any) {
	m.mu.Lock()
	if m.running || m.suspended {
		m.user.push(&m.kind.segments, message)
		m.mu.Unlock()
		return
	}
	m.running = true
	if now := m.kind.immediate(message); now != nil {
		m.mu.Unlock()
		m.workInline(now)
		return
	}
	m.user.push(&m.kind.segments, message)
	m.mu.Unlock()
	m.handOver()
}

// PostSystemMessage queues the message, for a goroutine of the actor.
func (m *mailbox) PostSystemMessage(message any) {
	m.mu.Lock()
	m.system.push(&m.kind.segments, message)
	m.urgent.Store(true)
	idle := !m.running
	m.running = true
	m.mu.Unlock()
	if idle {
		m.handOver()
	}
}

// UserMessageCount returns how many user messages wait; those that the owner has taken count until it has handled the
// last of them.
func (m *mailbox) UserMessageCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int(m.user.n + m.batchSize)
}

// handOver passes the ownership to a goroutine of the actor.
func (m *mailbox) handOver() { go m.run() }

// work is the actor's own goroutine: it owns the actor until nothing is to be done.
func (m *mailbox) work() {
	var message any
	done := false
	defer m.settle(&message, &done)
	for i := 1; ; i++ {
		if i%yieldAfter == 0 {
			runtime.Gosched()
		}
		if m.urgent.Load() {
			message = m.takeSystem()
			m.handleSystem(message)
			continue
		}
		var ok bool
		if message, ok = m.take(); ok {
			m.invoker.InvokeUserMessage(message)
		} else if m.release() {
			done = true
			return
		}
	}
}

// workInline owns the actor for a few messages in the goroutine of a sender.
func (m *mailbox) workInline(message any) {
	done := false
	defer m.settle(&message, &done)
	for i := 1; ; i++ {
		m.invoker.InvokeUserMessage(message)
		if m.batch.n == 0 && m.release() {
			done = true
			return
		}
		if i >= m.kind.most() || m.urgent.Load() {
			break
		}
		message, _ = m.take()
	}
	done = true
	m.handOver()
}

// take returns the next user message of the batch, unless the actor is suspended.
func (m *mailbox) take() (any, bool) {
	if m.suspended {
		return nil, false
	}
	return m.batch.pop(&m.kind.segments)
}

// release gives up the ownership and returns true, or returns false because there is something to do: a system message,
// or a batch that it has filled.
func (m *mailbox) release() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.system.n > 0 {
		return false
	}
	if !m.suspended {
		m.batch, m.user = m.user, queue{}
		m.batchSize = m.batch.n
		if m.batch.n > 0 {
			return false
		}
	}
	m.running = false
	return true
}

func (m *mailbox) takeSystem() any {
	m.mu.Lock()
	defer m.mu.Unlock()
	message, _ := m.system.pop(&m.kind.segments)
	m.urgent.Store(m.system.n > 0)
	return message
}

func (m *mailbox) handleSystem(message any) {
	switch message.(type) {
	case *actor.SuspendMailbox:
		m.suspend(true)
	case *actor.ResumeMailbox:
		m.suspend(false)
	default:
		m.invoker.InvokeSystemMessage(message)
	}
}

func (m *mailbox) suspend(suspended bool) {
	m.mu.Lock()
	m.suspended = suspended
	m.mu.Unlock()
}

// settle ends work and workInline. When they did not end by themselves, the handler of message panicked, which the
// supervision hears of, or ended the goroutine; a fresh goroutine takes over in both cases, whatever happens here.
func (m *mailbox) settle(message *any, done *bool) {
	if *done {
		return
	}
	defer m.handOver()
	if reason := recover(); reason != nil {
		m.invoker.EscalateFailure(reason, *message)
	}
}
