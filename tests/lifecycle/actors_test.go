package lifecycle

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
)

// newActorSystem makes the actor system of an application: the default one, but for its log.
func newActorSystem(t *testing.T) *actor.ActorSystem {
	t.Helper()
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	t.Cleanup(system.Shutdown)
	return system
}

// addresses are those of all actors of a system whose name holds all parts.
func addresses(system *actor.ActorSystem, parts ...string) []*actor.PID {
	var found []*actor.PID
	for _, bucket := range system.ProcessRegistry.LocalPIDs.LocalPIDs {
		bucket.IterCb(func(id string, _ any) {
			lacks := func(part string) bool { return !strings.Contains(id, part) }
			if !slices.ContainsFunc(parts, lacks) {
				found = append(found, actor.NewPID(system.ProcessRegistry.Address, id))
			}
		})
	}
	slices.SortFunc(found, func(a, b *actor.PID) int { return strings.Compare(a.Id, b.Id) })
	return found
}

// greeter is an actor of the application.
func greeter(t *testing.T, system *actor.ActorSystem) (ask func() string) {
	t.Helper()
	type question struct{ answer chan string }
	pid, err := system.Root.SpawnNamed(actor.PropsFromFunc(func(ctx actor.Context) {
		if q, ok := ctx.Message().(question); ok {
			q.answer <- "hello"
		}
	}), "greeter")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, system.Root.StopFuture(pid).Wait()) })
	return func() string {
		q := question{make(chan string, 1)}
		system.Root.Send(pid, q)
		return receive(t, q.answer, "the application's actor answers")
	}
}

func TestSharedActorSystem_OneServerEnds_TheOtherAndTheApplicationLive(t *testing.T) {
	system := newActorSystem(t)
	ask := greeter(t, system)
	own := addresses(system)

	one := serve(t, actio.Options{ActorSystem: system, Identifier: "one"})
	ofOne := addresses(system)
	other := serve(t, actio.Options{ActorSystem: system, Identifier: "other"})
	engine, err := actio.NewEngine(actio.EngineConfig{ActorSystem: system, OnSession: func(s *actio.EngineSession) {
		s.OnMessage(func(_ bool, data []byte) { s.Send(string(data)) })
	}})
	require.NoError(t, err)
	web := listen(t, "127.0.0.1:0", engine)
	t.Cleanup(web.Close)
	raw, err := rawclient.Dial(web.Listener.Addr().String(), rawclient.Options{})
	require.NoError(t, err)
	t.Cleanup(raw.Close)

	leaving, staying := one.invite(t, 60), other.invite(t, 60)
	c, socket := other.login(t, "somebody")
	require.NoError(t, one.Shutdown(t.Context()))
	leaving.dismissed(t)

	assert.Equal(t, "hello", ask())
	assert.True(t, other.Ready())
	assert.Equal(t, 61, other.stats(t).Authenticated)
	require.NoError(t, other.To(actio.RoomDefault).Emit("still here"))
	_, err = c.Await("still here")
	require.NoError(t, err)
	require.NoError(t, socket.Join(t.Context(), "room"))
	require.NoError(t, raw.Send("4echo"))
	p, err := raw.Receive()
	require.NoError(t, err)
	assert.Equal(t, "echo", string(p.Data))

	ends := []<-chan rawclient.End{farewell(c), farewell(raw)}
	require.NoError(t, other.Shutdown(t.Context()))
	staying.dismissed(t)
	require.NoError(t, engine.Shutdown(t.Context()))
	for _, end := range ends {
		assert.Equal(t, 1001, (<-end).CloseCode)
	}
	assert.Equal(t, "hello", ask())
	assert.Equal(t, own, addresses(system), "the servers' actors are gone")
	assert.Greater(t, len(ofOne), len(own))
}

func TestSharedActorSystem_TheApplicationsActor_MayUseTheServer(t *testing.T) {
	system := newActorSystem(t)
	s := serve(t, actio.Options{ActorSystem: system})
	a := s.invite(t, 3)
	type end struct{ done chan error }
	pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if m, ok := ctx.Message().(end); ok {
			_ = s.Emit("from an actor")
			m.done <- s.Shutdown(context.Background())
		}
	}))
	m := end{make(chan error, 1)}
	system.Root.Send(pid, m)
	require.NoError(t, receive(t, m.done, "Shutdown in an actor returns"))
	a.dismissed(t)
	require.NoError(t, system.Root.StopFuture(pid).Wait())
}
