package connection

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// another opens one more session of the same server.
func (r *rig) another() *rig {
	r.t.Helper()
	o := *r
	pid := r.child()
	o.session = NewSession(r.env, NewSessionID(), pid, &transport.Handshake{RemoteAddr: "192.0.2.1:1"})
	o.first = new(transport.Poll)
	r.system.Send(pid, &Begin{Session: o.session, Link: o.first, Begun: make(chan struct{})})
	synctest.Wait()
	require.Contains(r.t, o.get(), `"pingInterval":25000`)
	return &o
}

// child spawns a connection under a parent that stops it when it crashes, as the supervisor does.
func (r *rig) child() *actor.PID {
	stop := func(any) actor.Directive { return actor.StopDirective }
	spawned := make(chan *actor.PID, 1)
	parent := r.system.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, started := ctx.Message().(*actor.Started); started {
			spawned <- ctx.Spawn(Props(r.env))
		}
	}, actor.WithSupervisor(actor.NewOneForOneStrategy(0, 0, stop))), "parent")
	r.t.Cleanup(func() { assert.NoError(r.t, r.system.Stop(context.Background(), parent)) })
	return <-spawned
}

// party runs a test with n sessions, each with a socket of the root namespace.
func party(t *testing.T, n int, configure func(*Options), test func(all []*rig, sockets []*Socket)) {
	t.Helper()
	inBubble(t, configure, func(r *rig) {
		all, sockets := []*rig{r}, []*Socket{connectFreely(r)}
		for range n - 1 {
			o := r.another()
			o.post("40")
			require.Contains(t, o.get(), `40{"sid":"~`)
			all, sockets = append(all, o), append(sockets, r.app.sockets[len(r.app.sockets)-1])
		}
		r.app.told()
		test(all, sockets)
		for _, o := range all[1:] {
			o.session.Close(ReasonServerShutdown)
			synctest.Wait()
			o.get()
			synctest.Wait()
			<-o.session.Done()
		}
		for _, o := range all {
			nothingPending(t, o.session)
		}
	})
}

// nothingPending asserts that a gate awaits nothing for an Ask.
func nothingPending(t *testing.T, s *Session) {
	t.Helper()
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	assert.Empty(t, s.gate.asked)
	assert.Zero(t, s.gate.waits)
	assert.Nil(t, s.gate.overflow)
}

// answers is what one Ask told.
type answers struct {
	mu      sync.Mutex
	id      uint64
	counted int
	asked   []string
	early   int // answers before counted
	got     map[string]string
	twice   int
	on      func() // called with each answer
	cancel  func()
}

// ask asks the root namespace, or rooms of it.
func (r *rig) ask(rooms ...string) *answers {
	r.t.Helper()
	a := &answers{got: map[string]string{}}
	r.askInto(a, &roomregistry.Broadcast{Namespace: "/", Rooms: rooms})
	synctest.Wait()
	return a
}

func (r *rig) askInto(a *answers, b *roomregistry.Broadcast) {
	cancel, err := Ask(r.env, b, func(id uint64) (*wire.Prepared, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.id = id
		return wire.EncodeEventAck("/", id, "ask")
	}, a.count, a.answer)
	require.NoError(r.t, err)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cancel = cancel
}

func (a *answers) count(ids []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counted++
	a.asked = ids
}

func (a *answers) answer(id string, args wire.Args, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.counted == 0 {
		a.early++
	}
	if _, had := a.got[id]; had {
		a.twice++
	}
	switch {
	case err == nil:
		a.got[id] = string(args.Raw(0))
	case errors.Is(err, ErrClosed), errors.Is(err, ErrTooManyAcks), errors.Is(err, ErrInboxFull):
		a.got[id] = err.Error()
	default:
		a.got[id] = "unexpected: " + err.Error()
	}
	if a.on != nil {
		a.on()
	}
}

// is asserts what was told, by socket.
func (a *answers) is(t *testing.T, asked []*Socket, want map[*Socket]string) {
	t.Helper()
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	var ids []string
	for _, s := range asked {
		ids = append(ids, s.ID())
	}
	assert.Equal(t, 1, a.counted)
	assert.ElementsMatch(t, ids, a.asked)
	wanted := map[string]string{}
	for s, text := range want {
		wanted[s.ID()] = text
	}
	assert.Equal(t, wanted, a.got)
	assert.Zero(t, a.early)
	assert.Zero(t, a.twice)
}
