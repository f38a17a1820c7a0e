package roomregistry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a registry with peers for connections.
type world struct {
	t   testing.TB
	ctx context.Context
	sys *actors.System
	*Registry
}

// newWorld starts a registry that stops with the test and must leave nothing behind.
func newWorld(t testing.TB, o Options) *world {
	t.Helper()
	sys := actors.NewSystem(actors.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	w := &world{t: t, ctx: ctx, sys: sys, Registry: Start(sys, o)}
	t.Cleanup(func() {
		defer cancel()
		require.NoError(t, w.Stop(ctx))
		require.NoError(t, sys.Close(ctx))
		require.Empty(t, sys.Clock().Armed())
	})
	return w
}

// peer plays a connection with one socket. It writes down what it gets as text: as a process, in the goroutine of the
// sender, so that what was posted was seen, or as an actor.
type peer struct {
	w       *world
	pid     *actor.PID
	address actors.Address
	shard   *Shard
	member  *Member
	got     chan string
	// on, if not nil, sees every message first.
	on func(m any)
}

// Receive makes the peer an actor.
func (p *peer) Receive(ctx actor.Context) { p.handle(ctx.Message()) }

// SendUserMessage makes the peer a process, like the two methods after it.
func (p *peer) SendUserMessage(_ *actor.PID, m any) { p.handle(m) }

func (p *peer) SendSystemMessage(*actor.PID, any) {}

func (p *peer) Stop(*actor.PID) {}

func (p *peer) handle(m any) {
	if p.on != nil {
		p.on(m)
	}
	switch m := m.(type) {
	case *Delivery:
		for _, text := range texts(m) {
			p.got <- text
		}
	case string:
		p.got <- m
	case *Rebuild:
		p.got <- fmt.Sprintf("rebuild %d %d", m.Shard.Index(), m.Epoch)
	}
}

func texts(d *Delivery) []string {
	all := make([]string, len(d.Messages))
	for i, m := range d.Messages {
		all[i] = string(m.WebSocket()[3:]) // after the frame header of two bytes and the packet type
	}
	return all
}

func (w *world) newPeer(id string) *peer {
	return &peer{w: w, shard: w.Shard(id), got: make(chan string, 1<<15)}
}

func (p *peer) at(pid *actor.PID, id string) *peer {
	p.pid, p.address = pid, p.w.sys.Address(pid)
	p.member = &Member{Process: p.address.Process(), Namespace: "/", SocketID: id}
	return p
}

// peer makes a connection, as a process, whose socket is not attached.
func (w *world) peer(id string, on func(any)) *peer {
	p := w.newPeer(id)
	p.on = on
	pid, _ := w.sys.Actors().ProcessRegistry.Add(p, w.sys.Name("peer"))
	return p.at(pid, id)
}

// join attaches a new peer to rooms.
func (w *world) join(id string, rooms ...string) *peer {
	w.t.Helper()
	p := w.peer(id, nil)
	p.send(&Attach{Member: p.member})
	p.joins(rooms...)
	return p
}

// joinActor is join with a peer that is an actor.
func (w *world) joinActor(id string, rooms ...string) *peer {
	w.t.Helper()
	p := w.newPeer(id)
	p.at(w.sys.Spawn(actor.PropsFromProducer(func() actor.Actor { return p }, actors.Inline()), "peer"), id)
	w.t.Cleanup(func() { require.NoError(w.t, w.sys.Stop(w.ctx, p.pid)) })
	p.send(&Attach{Member: p.member})
	p.joins(rooms...)
	return p
}

func (p *peer) send(m any) { p.w.sys.Send(p.shard.PID(), m) }

// joins returns when the shard has it.
func (p *peer) joins(rooms ...string) {
	p.w.t.Helper()
	done := make(chan struct{})
	p.send(&Join{Member: p.member, Rooms: rooms, Done: func() { close(done) }})
	p.w.closed(done)
}

func (w *world) closed(done <-chan struct{}) {
	w.t.Helper()
	select {
	case <-done:
	case <-w.ctx.Done():
		require.FailNow(w.t, "not done in time")
	}
}

// expect asserts that the peer gets exactly these texts next.
func (p *peer) expect(want ...string) {
	p.w.t.Helper()
	for i, text := range want {
		select {
		case got := <-p.got:
			require.Equal(p.w.t, text, got, "message %d of %v", i, want)
		case <-p.w.ctx.Done():
			require.FailNow(p.w.t, "missing", "message %d of %v", i, want)
		}
	}
}

// expectNone asserts that nothing is on its way to the peer.
func (p *peer) expectNone() {
	p.w.t.Helper()
	p.w.flush()
	require.Empty(p.w.t, p.got)
}

func (w *world) flush() {
	w.t.Helper()
	require.NoError(w.t, w.Flush(w.ctx))
}

func (w *world) to(text string, rooms ...string) { w.Broadcast(cast(text, rooms...)) }

func cast(text string, rooms ...string) *Broadcast {
	return &Broadcast{Namespace: "/", Rooms: rooms, Message: message(text)}
}

func message(text string) *wire.Prepared {
	return wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineMessage, Data: []byte(text)})
}

// hold keeps a shard inside a delivery until the returned function is called.
func (w *world) hold(s *Shard) (release func()) {
	w.t.Helper()
	entered, leave := make(chan struct{}), make(chan struct{})
	w.sys.Send(s.PID(), &query{replies: make(chan any, 1), read: func(*index) any {
		close(entered)
		<-leave
		return nil
	}})
	w.closed(entered)
	return func() { close(leave) }
}

// crash makes a shard panic in Receive and returns at once.
func (w *world) crash(s *Shard) {
	w.sys.Send(s.PID(), &query{replies: make(chan any, 1), read: func(*index) any { panic("crash of the test") }})
}

// in runs f in the goroutine of the shard and waits for it.
func (w *world) in(s *Shard, f func(*index)) {
	w.t.Helper()
	replies := make(chan any, 1)
	w.sys.Send(s.PID(), &query{replies: replies, read: func(ix *index) any { f(ix); return nil }})
	select {
	case <-replies:
	case <-w.ctx.Done():
		require.FailNow(w.t, "shard does not answer")
	}
}

// idOf returns a socket id that belongs to the shard of the given number.
func (w *world) idOf(shard int, name string) string {
	for i := 0; ; i++ {
		if id := fmt.Sprintf("~%s-%d", name, i); w.Shard(id).Index() == shard {
			return id
		}
	}
}

func sorted(s []string) string {
	slices.Sort(s)
	return strings.Join(s, " ")
}
