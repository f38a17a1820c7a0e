package official

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

// journal is what a server's functions were called for, in order.
type journal struct {
	mu      sync.Mutex
	entries []string
	ended   chan actio.Reason // of each disconnect callback
}

func newJournal() *journal { return &journal{ended: make(chan actio.Reason, 100)} }

func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, fmt.Sprintf(format, args...))
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string{}, j.entries...)
}

func (j *journal) disconnected(_ *actio.Socket, r actio.Reason) {
	j.note("disconnected: %s", r)
	j.ended <- r
}

// numbered notes the numbers of events.
func (j *journal) numbered(t *testing.T) actio.HandlerFunc {
	t.Helper()
	return func(_ context.Context, _ *actio.Socket, e *actio.Event) {
		var i int
		assert.NoError(t, e.Args.Decode(0, &i))
		j.note("event %d", i)
	}
}

func TestConnected_Slow_NoEventIsHandledBeforeItReturned(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		const n = 20
		j := newJournal()
		begun, release := make(chan struct{}), make(chan struct{})
		s := l.serve(t, actio.Options{
			ValidateRooms: all,
			ClientConnected: func(_ context.Context, s *actio.Socket) {
				j.note("connecting")
				close(begun)
				<-release
				assert.NoError(t, s.Emit("welcome"))
				j.note("connected")
			},
			ClientDisconnected: j.disconnected,
		})
		require.NoError(t, s.On("event", j.numbered(t)))
		c := s.login(t)
		await.Value(t, begun)
		before := s.stats(t).PacketsIn
		c.EmitMany(n, "event")
		c.Emit("join", request("room"))
		s.until(t, "the events have arrived", func(stats actio.Stats) bool { return stats.PacketsIn == before+n+1 })
		assert.Equal(t, []string{"connecting"}, j.all())
		assert.Equal(t, own(c), s.rooms(t, c))
		close(release)
		assert.Equal(t, []any{[]any{}}, jsclient.Ask(t, c, "leave", request("nope")))
		want := []string{"connecting", "connected"}
		for i := range n {
			want = append(want, fmt.Sprintf("event %d", i))
		}
		assert.Equal(t, want, j.all())
		assert.Equal(t, 1, c.Received("welcome"))
		assert.Equal(t, own(c, "room"), s.rooms(t, c))
	})
}

func TestConnected_ClientGoesMeanwhile_StillComesBeforeAllElse(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		j := newJournal()
		begun, release := make(chan *actio.Socket, 1), make(chan struct{})
		s := l.serve(t, actio.Options{
			ClientConnected: func(ctx context.Context, s *actio.Socket) {
				begun <- s
				<-release
				assert.Error(t, ctx.Err())
				assert.ErrorIs(t, s.Emit("late"), actio.ErrClosed)
				j.note("connected")
			},
			ClientDisconnected: j.disconnected,
		})
		require.NoError(t, s.On("event", j.numbered(t)))
		c := s.login(t)
		socket := await.Value(t, begun)
		before := s.stats(t).PacketsIn
		c.EmitMany(2, "event")
		s.until(t, "the events have arrived", func(stats actio.Stats) bool { return stats.PacketsIn == before+2 })
		c.Disconnect()
		await.Value(t, socket.Context().Done())
		await.Nothing(t, j.ended)
		close(release)
		await.Value(t, j.ended)
		assert.Equal(t, []string{"connected", "event 0", "event 1", "disconnected: client namespace disconnect"}, j.all())
	})
}

// ending is a way in which a client's socket ends.
type ending struct {
	name   string
	end    func(t *testing.T, s *stand, c *jsclient.Client)
	reason actio.Reason
	text   string
	client string // the official client's reason
}

func endings() []ending {
	return []ending{
		{
			"the client closes the connection",
			func(_ *testing.T, _ *stand, c *jsclient.Client) { c.Close() },
			actio.ReasonTransportClose, "transport close", "forced close",
		},
		{
			"the client leaves the namespace",
			func(_ *testing.T, _ *stand, c *jsclient.Client) { c.Disconnect() },
			actio.ReasonClientDisconnect, "client namespace disconnect", "io client disconnect",
		},
		{
			"the server disconnects the socket",
			func(t *testing.T, s *stand, c *jsclient.Client) { s.socket(t, c).Disconnect() },
			actio.ReasonServerDisconnect, "server namespace disconnect", "io server disconnect",
		},
		{
			"the server closes the connection",
			func(t *testing.T, s *stand, c *jsclient.Client) { s.socket(t, c).Close() },
			actio.ReasonForcedServerClose, "forced server close", "io server disconnect",
		},
		{
			"the client answers no ping",
			func(_ *testing.T, _ *stand, c *jsclient.Client) { c.Silence() },
			actio.ReasonPingTimeout, "ping timeout", "",
		},
		{
			"the server shuts down",
			func(t *testing.T, s *stand, _ *jsclient.Client) { s.stop(t) },
			actio.ReasonServerShutdown, "server shutting down", "transport close",
		},
	}
}

func TestDisconnected_EachWay_ComesOnceAfterAllEventsWithItsReason(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		for _, e := range endings() {
			t.Run(e.name, func(t *testing.T) { e.test(t, l) })
		}
	})
}

func (e ending) test(t *testing.T, l link) {
	t.Helper()
	const n = 10
	j := newJournal()
	o := actio.Options{ClientDisconnected: j.disconnected}
	if e.reason == actio.ReasonPingTimeout {
		// The interval is how much later than the server the client, which hears no other ping, gives up by itself.
		o.Engine.PingInterval, o.Engine.PingTimeout = 2*time.Second, time.Second
	}
	s := l.serve(t, o)
	begun, release := make(chan struct{}), make(chan struct{})
	require.NoError(t, s.On("first", func(context.Context, *actio.Socket, *actio.Event) {
		close(begun)
		<-release
		j.note("first")
	}))
	require.NoError(t, s.On("event", j.numbered(t)))
	c := s.login(t)
	socket := s.socket(t, c)
	c.Emit("first")
	await.Value(t, begun)
	before := s.stats(t).PacketsIn
	c.EmitMany(n, "event")
	s.until(t, "the events have arrived", func(stats actio.Stats) bool { return stats.PacketsIn == before+n })

	if e.reason == actio.ReasonServerShutdown {
		close(release) // it waits for handlers
		require.Eventually(t, func() bool { return len(j.all()) == n+1 }, patience, time.Millisecond)
		e.end(t, s, c)
	} else {
		e.end(t, s, c)
		await.Value(t, socket.Context().Done())
		await.Nothing(t, j.ended)
		close(release)
	}
	assert.Equal(t, e.reason, await.Value(t, j.ended))
	want := []string{"first"}
	for i := range n {
		want = append(want, fmt.Sprintf("event %d", i))
	}
	want = append(want, "disconnected: "+e.text)
	if e.client != "" {
		assert.Equal(t, e.client, reasonOf(t, c))
	}
	if s.Ready() {
		s.untilEmpty(t)
	}
	s.stop(t)
	assert.Equal(t, want, j.all())
	await.Nothing(t, j.ended)
}

func TestDisconnected_OfAClientThatWasNeverConnected_IsSilent(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{
			ClientDisconnected: func(*actio.Socket, actio.Reason) { t.Error("it was never connected") },
		})
		c := s.connect(t)
		c.Disconnect()
		s.untilEmpty(t)
		s.socket(t, s.connect(t)).Disconnect()
		s.untilEmpty(t)
	})
}

func TestKicked_DoesNotReconnectByItself(t *testing.T) {
	kicks := map[string]func(t *testing.T, s *stand, c *jsclient.Client){
		"socket disconnected": func(t *testing.T, s *stand, c *jsclient.Client) { s.socket(t, c).Disconnect() },
		"connection closed":   func(t *testing.T, s *stand, c *jsclient.Client) { s.socket(t, c).Close() },
		"facade":              func(t *testing.T, s *stand, c *jsclient.Client) { s.Disconnect(s.socket(t, c)) },
		"renewal refused": func(_ *testing.T, _ *stand, c *jsclient.Client) {
			c.Emit("authenticate", map[string]any{"token": "bad"})
		},
	}
	overEachLink(t, func(t *testing.T, l link) {
		for name, kick := range kicks {
			t.Run(name, func(t *testing.T) {
				s := l.serve(t, actio.Options{
					Authenticate: func(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
						if h.Renewal {
							return nil, actio.ErrRefused
						}
						return &actio.Principal{}, nil
					},
				})
				c := s.loginWith(t, jsclient.Options{Reconnect: true, Extra: map[string]any{"reconnectionDelay": 1}})
				assert.True(t, c.Active())
				kick(t, s, c)
				assert.Equal(t, "io server disconnect", reasonOf(t, c))
				assert.False(t, c.Active())
				s.untilEmpty(t)
				assert.Zero(t, c.Received("reconnect_attempt"))
				assert.Equal(t, uint64(1), s.stats(t).SessionsOpened)

				c.Reopen() // when it is told to, it does
				jsclient.Wait(t, c, "authenticated")
			})
		}
	})
}

func TestShutdown_ClientsReconnectByThemselves_ToAServerStartedAnew(t *testing.T) {
	const clients = 10
	overEachLink(t, func(t *testing.T, l link) {
		address := fixedAddress(t)
		gone := make(chan actio.Reason, 2*clients)
		o := actio.Options{ClientDisconnected: func(_ *actio.Socket, r actio.Reason) { gone <- r }}
		first := l.serveOn(t, address, o)
		back := jsclient.Options{
			Reconnect: true,
			Extra:     map[string]any{"reconnectionDelay": 20, "reconnectionDelayMax": 100},
		}
		all := make([]*jsclient.Client, clients)
		for i := range all {
			all[i] = first.loginWith(t, back)
			jsclient.Wait(t, all[i], "connect")
		}
		back.Greet = ""
		stranger, err := l.node.Dial(t.Context(), first.url, first.options(back))
		require.NoError(t, err)
		jsclient.Wait(t, stranger, "connect")

		first.stop(t)
		everyone := append(slices.Clone(all), stranger)
		for _, c := range everyone {
			assert.Equal(t, "transport close", reasonOf(t, c))
			assert.Zero(t, c.Received("unauthenticated"))
		}
		for range all {
			assert.Equal(t, actio.ReasonServerShutdown, await.Value(t, gone))
		}
		await.Nothing(t, gone)

		second := l.serveOn(t, address, actio.Options{})
		ids := make(map[string]bool)
		for _, c := range all {
			jsclient.Wait(t, c, "connect")
			jsclient.Wait(t, c, "authenticated")
			ids[c.ID()] = true
			assert.Equal(t, actio.Authenticated, second.state(t, c))
		}
		jsclient.Wait(t, stranger, "connect")
		assert.Len(t, ids, clients)
		require.NoError(t, second.Emit("news"))
		for _, c := range everyone {
			jsclient.Wait(t, c, "news")
		}
	})
}

func TestShutdown_WhileHandlersRun_WaitsForThemAndDelivers(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{})
		begun, release := make(chan struct{}), make(chan struct{})
		require.NoError(t, s.On("slow", func(_ context.Context, s *actio.Socket, e *actio.Event) {
			close(begun)
			<-release
			assert.NoError(t, s.Emit("last", 1))
			assert.NoError(t, e.Reply("done"))
		}))
		c := s.login(t)
		c.Emit("slow")
		await.Value(t, begun)
		over := make(chan struct{})
		go func() {
			defer close(over)
			s.stop(t)
		}()
		require.Eventually(t, func() bool { return !s.Ready() }, patience, time.Millisecond)
		_, err := l.node.Dial(t.Context(), s.url, s.options(jsclient.Options{}))
		require.Error(t, err, "no handshake is taken any more")
		await.Nothing(t, over)
		close(release)
		await.Value(t, over)
		assert.Equal(t, "transport close", reasonOf(t, c))
		assert.Equal(t, 1, c.Received("last"))
	})
}
