package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/rawclient"
)

// No actor survives a message without content: sent to an actor's address, which an application that owns the actor system
// can find, it is the crash that these tests are about.
func crash(system *actor.ActorSystem, pid *actor.PID, message any) { system.Root.Send(pid, message) }

// fragile is a server whose actors can be found.
type fragile struct {
	*stand

	system *actor.ActorSystem
	panics atomic.Int64
	ended  chan actio.Reason
}

func serveFragile(t *testing.T) *fragile {
	t.Helper()
	f := &fragile{system: newActorSystem(t), ended: make(chan actio.Reason, 1000)}
	f.stand = serve(t, actio.Options{
		ActorSystem: f.system, RegistryShards: 4, ValidateRooms: anyRoom,
		OnPanic:            func(string, any, []byte) { f.panics.Add(1) },
		ClientDisconnected: func(_ *actio.Socket, r actio.Reason) { f.ended <- r },
	})
	return f
}

// connections are the addresses of the connections' actors.
func (f *fragile) connections() []*actor.PID { return addresses(f.system, "actio-supervisor-", "/c") }

// supervisor is the address of the supervisor's actor.
func (f *fragile) supervisor(t *testing.T) *actor.PID {
	t.Helper()
	children := f.connections()
	pids := slices.DeleteFunc(addresses(f.system, "actio-supervisor-"), func(p *actor.PID) bool {
		return slices.ContainsFunc(children, p.Equal)
	})
	require.Len(t, pids, 1)
	return pids[0]
}

// last is the address of the connection that is not among those before.
func (f *fragile) last(t *testing.T, before []*actor.PID) *actor.PID {
	t.Helper()
	pids := slices.DeleteFunc(f.connections(), func(p *actor.PID) bool { return slices.ContainsFunc(before, p.Equal) })
	require.Len(t, pids, 1)
	return pids[0]
}

// rooms is how many rooms the traffic goes to.
const rooms = 10

// traffic is clients in rooms, to each of which a broadcaster counts, without end.
type traffic struct {
	stand   *stand
	clients []*rawclient.Client
	ids     []string
	errs    []error
	counted []atomic.Int64 // by client
	sent    [rooms]atomic.Int64
	stop    chan struct{}
	group   sync.WaitGroup
	readers sync.WaitGroup
}

// startTraffic connects n clients, in one room each, and counts to them.
func (s *stand) startTraffic(t *testing.T, n int) *traffic {
	t.Helper()
	f := &traffic{
		stand: s, clients: make([]*rawclient.Client, n), ids: make([]string, n), errs: make([]error, n),
		counted: make([]atomic.Int64, n), stop: make(chan struct{}),
	}
	require.NoError(t, each(n, 32, func(i int) (err error) {
		if f.clients[i], err = rawclient.Dial(s.address(), rawclient.Options{Transport: rawclient.Transport(i % 3)}); err != nil {
			return err
		}
		if f.ids[i], err = f.clients[i].Login(nil); err != nil {
			return err
		}
		_, err = f.clients[i].Ask(0, "join", map[string]any{"rooms": []string{roomOf(i)}})
		return err
	}))
	for i := range n {
		f.readers.Go(func() { f.errs[i] = f.read(i) })
	}
	for r := range rooms {
		f.group.Go(func() { f.count(r) })
	}
	t.Cleanup(f.end)
	return f
}

func roomOf(i int) string { return fmt.Sprintf("room %d", i%rooms) }

// count counts to a room, up to two hundred times in a second.
func (f *traffic) count(room int) {
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-pace.C:
		}
		if f.stand.To(roomOf(room)).Emit("n", f.sent[room].Load()) != nil {
			return
		}
		f.sent[room].Add(1)
	}
}

// read wants all numbers in order, and no other end than the word to end.
func (f *traffic) read(i int) error {
	for next := 0; ; {
		m, err := f.clients[i].Next()
		switch {
		case err != nil:
			return err
		case m.Event == "end":
			return nil
		case m.Event == "n" && number(m, 0) != next:
			return fmt.Errorf("got %d, want %d", number(m, 0), next)
		case m.Event == "n":
			next++
			f.counted[i].Store(int64(next))
		}
	}
}

// goesOn waits until every client has got everything that was sent so far, and the next number.
func (f *traffic) goesOn(t *testing.T) {
	t.Helper()
	for i := range f.clients {
		goal := f.sent[i%rooms].Load() + 1
		eventually(t, "the broadcasts reach all members", func() bool { return f.counted[i].Load() >= goal },
			func() any { return fmt.Sprintf("client %d: %d of %d", i, f.counted[i].Load(), goal) })
	}
}

// complete ends the traffic and fails the test unless every client has got every number.
func (f *traffic) complete(t *testing.T) {
	t.Helper()
	close(f.stop)
	f.group.Wait()
	f.stop = nil
	for r := range rooms {
		require.NoError(t, f.stand.To(roomOf(r)).Emit("end"))
	}
	f.readers.Wait()
	require.NoError(t, errors.Join(f.errs...))
	for i := range f.counted {
		assert.Equal(t, f.sent[i%rooms].Load(), f.counted[i].Load())
	}
}

func (f *traffic) end() {
	if f.stop != nil {
		close(f.stop)
	}
	f.group.Wait()
	for _, c := range f.clients {
		_ = c.Leave() // else Shutdown waits some seconds for those that poll
		c.Close()
	}
	f.readers.Wait()
}

func TestCrash_OfAConnection_OthersNoticeNothing(t *testing.T) {
	const bystanders = 30
	f := serveFragile(t)
	traffic := f.startTraffic(t, bystanders)
	for i, message := range []any{(*connection.Begin)(nil), (*connection.Abort)(nil), (*roomregistry.Delivery)(nil)} {
		for _, transport := range []rawclient.Transport{rawclient.WebSocket, rawclient.Polling, rawclient.Upgraded} {
			t.Run(fmt.Sprintf("%T, %s", message, transport), func(t *testing.T) {
				before := f.connections()
				c := f.dial(t, rawclient.Options{Transport: transport})
				id, err := c.Login(user("victim"))
				require.NoError(t, err)
				_, err = c.Ask(0, "join", map[string]any{"rooms": []string{roomOf(i), "own"}})
				require.NoError(t, err)
				socket := f.socket(t, id)
				panics := f.panics.Load()

				crash(f.system, f.last(t, before), message)
				end := c.Farewell()
				assert.Zero(t, end.CloseCode, "the client loses its transport: %+v", end)
				assert.Equal(t, actio.ReasonCrash, receive(t, f.ended, "the disconnect callback"))
				receive(t, socket.Context().Done(), "the end of the socket's context")
				require.ErrorIs(t, socket.Emit("late"), actio.ErrClosed)
				require.ErrorIs(t, socket.Join(t.Context(), "late"), actio.ErrClosed)
				assert.Equal(t, panics+1, f.panics.Load())
				f.until(t, "the victim is forgotten", func(s actio.Stats) bool {
					return s.Connections == bystanders && s.Sockets == bystanders && s.Authenticated == bystanders &&
						s.RoomMembers == bystanders && s.Users == 0
				})
			})
		}
	}
	traffic.goesOn(t)
	traffic.complete(t)
}

func TestCrash_OfAConnection_TheOfficialClientReconnects(t *testing.T) {
	node := jsclient.Start(t)
	f := serveFragile(t)
	for _, transports := range [][]string{jsclient.WebSocket, jsclient.Polling} {
		before := f.connections()
		c := node.Connect(f.web.URL, jsclient.Options{Transports: transports, Path: "/io/", Reconnect: true})
		crash(f.system, f.last(t, before), (*connection.Begin)(nil))
		for _, event := range []string{"connect", "disconnect", "connect"} {
			_, err := c.WaitEvent(t.Context(), event)
			require.NoError(t, err)
		}
		assert.Contains(t, []string{"transport close", "transport error"}, c.DisconnectReason())
	}
}

func TestCrash_OfEachShard_RoomsAreRebuiltAndNothingIsLost(t *testing.T) {
	f := serveFragile(t)
	traffic := f.startTraffic(t, 60)
	want := f.stats(t)
	shards := addresses(f.system, "registry-", "/shard")
	require.Len(t, shards, 4)
	for _, shard := range shards {
		crash(f.system, shard, (*roomregistry.Join)(nil))
		traffic.goesOn(t)
	}
	assert.EqualValues(t, len(shards), f.panics.Load())
	assert.Equal(t, populationOf(want), populationOf(f.stats(t)))

	// All at once, while sockets come, move and go.
	for _, shard := range shards {
		crash(f.system, shard, (*roomregistry.Detach)(nil))
	}
	require.NoError(t, each(64, 16, func(i int) error {
		c, err := rawclient.Dial(f.address(), rawclient.Options{})
		if err != nil {
			return err
		}
		defer c.Close()
		id, err := c.Login(nil)
		if err != nil {
			return err
		}
		room := fmt.Sprintf("new %d", i)
		_, err = c.Ask(1, "join", map[string]any{"rooms": []string{room, "left"}})
		if err == nil {
			_, err = c.Ask(2, "leave", map[string]any{"rooms": []string{"left"}})
		}
		if err != nil {
			return err
		}
		if err := errors.Join(f.To("left").Emit("wrong"), f.To(room).Emit("right", id)); err != nil {
			return err
		}
		m, err := c.Next()
		for err == nil && m.Event == "ping" {
			m, err = c.Next()
		}
		if err == nil && m.Event != "right" {
			err = fmt.Errorf("got %q", m.Event)
		}
		return err
	}))
	traffic.goesOn(t)
	f.until(t, "the visitors are forgotten", func(s actio.Stats) bool { return populationOf(s) == populationOf(want) })
	traffic.complete(t)
}

func TestCrash_OfTheSupervisor_ClientsLoseTheirTransportAndMayComeBack(t *testing.T) {
	f := serveFragile(t)
	a := f.invite(t, 30)
	crash(f.system, f.supervisor(t), (*connection.SocketOpened)(nil))
	a.readers.Wait()
	for range 30 {
		assert.Equal(t, actio.ReasonCrash, receive(t, f.ended, "the disconnect callbacks"))
	}
	f.untilEmpty(t)
	again := f.invite(t, 30)
	assert.Equal(t, 30, f.stats(t).Authenticated)
	require.NoError(t, f.Shutdown(t.Context()))
	again.dismissed(t)
}

func TestCrash_OfAShardAgainAndAgain_EndsTheServerInGoodOrder(t *testing.T) {
	f := serveFragile(t)
	a := f.invite(t, 30)
	shard := addresses(f.system, "registry-", "/shard")[0]
	for range 11 {
		crash(f.system, shard, (*roomregistry.Join)(nil))
	}
	receive(t, f.Done(), "the server has ended")
	assert.False(t, f.Ready())
	a.dismissed(t)
	_, err := f.Stats(context.Background())
	require.ErrorIs(t, err, actio.ErrClosed)
}
