package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client"
	"github.com/actio-go/actio/tests/internal/jsserver"
)

// quick reconnects without much delay.
func quick(o client.Options) client.Options {
	o.ReconnectionDelay, o.ReconnectionDelayMax = 5*time.Millisecond, 50*time.Millisecond
	return o
}

// collect adds a handler that passes the arguments of an event on as JSON.
func collect(t *testing.T, s *client.Socket, event string) <-chan string {
	t.Helper()
	got := make(chan string, 100_000)
	_, err := s.Handle(event, func(_ context.Context, _ *client.Socket, e *client.Event) {
		got <- string(e.Args.AppendJSON(nil))
	})
	require.NoError(t, err)
	return got
}

func next(t *testing.T, c <-chan string) string {
	t.Helper()
	select {
	case s := <-c:
		return s
	case <-time.After(patience):
		t.Fatal("nothing came")
		return ""
	}
}

func ways() map[string][]client.Transport {
	return map[string][]client.Transport{
		"polling": {client.Polling}, "websocket": {client.WebSocket}, "upgrade": {client.Polling, client.WebSocket},
	}
}

func TestNode_EveryParserAndTransport_EventsAndAcknowledgementsBothWays(t *testing.T) {
	for name, o := range map[string]jsserver.Options{
		"plain": {}, "msgpack": {MsgPack: true}, "recovery": {Recovery: true}, "deflate": {Deflate: true},
	} {
		t.Run(name, func(t *testing.T) {
			server := jsserver.Start(t, o)
			for way, transports := range ways() {
				t.Run(way, func(t *testing.T) {
					co := client.Options{Transports: transports, Compression: o.Deflate}
					if o.MsgPack {
						co.Parser = client.MsgPack
					}
					exchange(t, dial(t, server.URL(), co, client.SocketOptions{}), o.Recovery)
				})
			}
		})
	}
}

// exchange tries what a server and a client can say to each other.
func exchange(t *testing.T, s *client.Socket, recovery bool) {
	t.Helper()
	type nested struct {
		Text  string   `json:"text"`
		Bytes []byte   `json:"bytes"`
		List  [][]byte `json:"list"`
	}
	in := nested{"é😀\u2028\x1e\"", []byte("asdf"), [][]byte{{0}, {1, 255}}}
	echoed := make(chan nested, 1)
	_, err := client.On(s, "echo", func(_ context.Context, _ *client.Socket, n nested) (client.None, error) {
		echoed <- n
		return client.None{}, nil
	})
	require.NoError(t, err)
	for range 3 {
		args, err := s.EmitWithAck(within(t), "echo", in, 1.5, strings.Repeat("long ", 1000))
		require.NoError(t, err)
		assert.Equal(t, 3, args.Len())
		var out nested
		require.NoError(t, args.Decode(0, &out))
		assert.Equal(t, in, out)
		require.NoError(t, s.Emit("echo", in))
		assert.Equal(t, in, <-echoed)
	}
	_, err = client.On(s, "question", func(_ context.Context, _ *client.Socket, n nested) (nested, error) {
		n.Text = "answer"
		return n, nil
	})
	require.NoError(t, err)
	answered := make(chan nested, 1)
	_, err = client.On(s, "answered", func(_ context.Context, _ *client.Socket, n nested) (client.None, error) {
		answered <- n
		return client.None{}, nil
	})
	require.NoError(t, err)
	require.NoError(t, s.Emit("ask", in))
	in.Text = "answer"
	assert.Equal(t, in, <-answered)
	values := collect(t, s, "values")
	require.NoError(t, s.Emit("values"))
	got := next(t, values)
	if recovery {
		assert.Regexp(t, `,"[^"]+"\]$`, got, "the offset is a further argument")
	}
	assert.Contains(t, got, `"1970-01-01T00:00:00.000Z",null,null,null,9007199254740992,0.1,`)
}

func TestNode_Namespaces_ShareOneConnection(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{})
	m, err := client.New(server.URL(), client.Options{})
	require.NoError(t, err)
	defer closed(t, m)
	root, err := m.Socket("/", client.SocketOptions{})
	require.NoError(t, err)
	foo, err := m.Socket("foo", client.SocketOptions{})
	require.NoError(t, err)
	good, err := m.Socket("/auth", client.SocketOptions{Auth: map[string]string{"token": "good"}})
	require.NoError(t, err)
	unknown, err := m.Socket("/unknown", client.SocketOptions{})
	require.NoError(t, err)
	for _, s := range []*client.Socket{root, foo, good} {
		require.NoError(t, s.ConnectAndWait(within(t)))
		_, err := s.EmitWithAck(within(t), "echo")
		require.NoError(t, err)
	}
	assert.NotEqual(t, root.ID(), foo.ID())
	var refused *client.ConnectError
	require.ErrorAs(t, unknown.ConnectAndWait(within(t)), &refused)
	assert.Equal(t, "Invalid namespace", refused.Message)
	assert.False(t, unknown.Active())
	requests, err := server.Requests(t.Context())
	require.NoError(t, err)
	handshakes := 0
	for _, r := range requests {
		if !strings.Contains(r.URL, "sid=") {
			handshakes++
		}
	}
	assert.Equal(t, 1, handshakes)
	foo.Disconnect()
	assert.True(t, root.Connected())
	_, err = root.EmitWithAck(within(t), "echo")
	require.NoError(t, err)
	root.Disconnect()
	good.Disconnect()
	require.Eventually(t, func() bool { return m.Transport() == "" }, patience, time.Millisecond)
	require.NoError(t, foo.ConnectAndWait(within(t)))
}

func TestNode_RefusedNamespace_ErrorHasMessageAndData(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{})
	_, err := client.Dial(within(t), server.URL()+"/auth", client.Options{}, client.SocketOptions{
		Auth: map[string]string{"token": "bad"},
	})
	var refused *client.ConnectError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "/auth", refused.Namespace)
	assert.Equal(t, "not authorized", refused.Message)
	assert.JSONEq(t, `{"code":401}`, string(refused.Data))
}

func TestNode_AuthFunc_AskedForEachConnection_AndAgainAfterAnError(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{})
	var calls atomic.Int32
	m, err := client.New(server.URL(), quick(client.Options{}))
	require.NoError(t, err)
	defer closed(t, m)
	s, err := m.Socket("/auth", client.SocketOptions{AuthFunc: func(context.Context) (any, error) {
		switch calls.Add(1) {
		case 1:
			return nil, errors.New("token service is down")
		case 2:
			panic("token service is mad")
		default:
			return map[string]any{"token": "good", "call": calls.Load()}, nil
		}
	}})
	require.NoError(t, err)
	problems := make(chan error, 10)
	s.OnConnectError(func(_ context.Context, err error) { problems <- err })
	require.NoError(t, s.ConnectAndWait(within(t)))
	assert.ErrorContains(t, <-problems, "token service is down")
	assert.ErrorContains(t, <-problems, "panicked")
	sockets, err := server.Sockets(t.Context(), "/auth")
	require.NoError(t, err)
	require.Len(t, sockets, 1)
	assert.JSONEq(t, `{"token":"good","call":3}`, string(sockets[0].Auth))
	s.Disconnect()
	require.NoError(t, s.ConnectAndWait(within(t)))
	assert.EqualValues(t, 4, calls.Load())
}

func TestNode_EventsBeforeTheConfirmation_ComeAfterConnect(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{})
	m, err := client.New(server.URL(), client.Options{})
	require.NoError(t, err)
	defer closed(t, m)
	s, err := m.Socket("/greet", client.SocketOptions{})
	require.NoError(t, err)
	order := make(chan string, 10)
	s.OnConnect(func(context.Context) { order <- "connect" })
	_, err = s.HandleAny(func(_ context.Context, _ *client.Socket, e *client.Event) { order <- e.Name })
	require.NoError(t, err)
	require.NoError(t, s.Connect())
	assert.Equal(t, []string{"connect", "early", "hello"}, []string{next(t, order), next(t, order), next(t, order)})
}

func TestNode_HeadersQueryAndCookies_ReachTheServerWithEveryRequest(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{Cookie: true})
	s := dial(t, server.URL(), client.Options{
		Header: http.Header{"Authorization": {"Bearer x"}, "host": {"example.test"}}, Query: url.Values{"room": {"a b"}},
	}, client.SocketOptions{})
	require.Eventually(t, func() bool { return s.Manager().Transport() == client.WebSocket }, patience, time.Millisecond)
	requests, err := server.Requests(t.Context())
	require.NoError(t, err)
	require.Greater(t, len(requests), 3, "the handshake, a POST, a GET, and the upgrade")
	for i, r := range requests {
		assert.Equal(t, "Bearer x", r.Headers["authorization"], r.URL)
		assert.Equal(t, "example.test", r.Headers["host"], r.URL)
		assert.Contains(t, r.URL, "room=a+b")
		if i > 0 {
			assert.Contains(t, r.Headers["cookie"], "sticky=", r.URL)
		}
	}
	sockets, err := server.Sockets(t.Context(), "/")
	require.NoError(t, err)
	assert.Equal(t, "a b", sockets[0].Query["room"])
}

func TestNode_Recovery_MissedEventsComeOnceAndInOrder(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{Recovery: true})
	for way, transports := range ways() {
		t.Run(way, func(t *testing.T) {
			s := dial(t, server.URL(), quick(client.Options{Transports: transports}), client.SocketOptions{
				Auth: map[string]string{"name": "x"},
			})
			got := make(chan int, 100_000)
			_, err := client.On(s, "news", func(_ context.Context, _ *client.Socket, n int) (client.None, error) {
				got <- n
				return client.None{}, nil
			})
			require.NoError(t, err)
			id := s.ID()
			ends := make(chan client.Reason, 10)
			s.OnDisconnect(func(_ context.Context, r client.Reason, _ error) { ends <- r })
			back := make(chan struct{}, 10)
			s.OnConnect(func(context.Context) { back <- struct{}{} })
			if way == "upgrade" {
				require.Eventually(t, func() bool { return s.Manager().Transport() == client.WebSocket }, patience, time.Millisecond)
			}
			for range 5 {
				require.NoError(t, server.EmitNumbers(t.Context(), "news", 10))
				for n := range 10 {
					require.Equal(t, n, <-got)
				}
				require.NoError(t, server.Cut(t.Context()))
				require.NoError(t, server.EmitNumbers(t.Context(), "news", 100))
				<-ends
				<-back
				assert.True(t, s.Recovered())
				assert.Equal(t, id, s.ID())
				for n := range 100 {
					require.Equal(t, n, <-got)
				}
			}
			assert.Empty(t, got)
		})
	}
}

func TestNode_ServerDisconnects_StaysDisconnected_ServerCloses_Reconnects(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{})
	s := dial(t, server.URL(), quick(client.Options{Transports: []client.Transport{client.WebSocket}}), client.SocketOptions{})
	ends := make(chan string, 10)
	s.OnDisconnect(func(_ context.Context, r client.Reason, _ error) { ends <- string(r) })
	back := make(chan string, 10)
	s.OnConnect(func(context.Context) { back <- "connect" })
	require.NoError(t, s.Emit("leave"))
	assert.Equal(t, string(client.ReasonTransportClose), next(t, ends))
	next(t, back)
	require.NoError(t, s.Emit("kick"))
	assert.Equal(t, string(client.ReasonServerDisconnect), next(t, ends))
	assert.False(t, s.Active())
	assert.Empty(t, s.ID())
	require.NoError(t, s.ConnectAndWait(within(t)))
}

func TestNode_HalfOpenConnection_NoticedWithinIntervalAndTimeout(t *testing.T) {
	const interval, timeout = 1200 * time.Millisecond, 800 * time.Millisecond
	server := jsserver.Start(t, jsserver.Options{PingInterval: interval, PingTimeout: timeout})
	for _, transports := range [][]client.Transport{{client.WebSocket}, {client.Polling}} {
		began := time.Now()
		s := dial(t, server.URL(), quick(client.Options{Transports: transports}), client.SocketOptions{})
		ends := make(chan string, 10)
		s.OnDisconnect(func(_ context.Context, r client.Reason, _ error) { ends <- string(r) })
		back := make(chan string, 10)
		s.OnConnect(func(context.Context) { back <- "connect" })
		require.NoError(t, server.Stall())
		assert.Equal(t, string(client.ReasonPingTimeout), next(t, ends))
		took := time.Since(began) // from before the heartbeat began: what is twice as patient cannot be in time
		assert.GreaterOrEqual(t, took, interval+timeout)
		assert.Less(t, took, 2*(interval+timeout), "2 s, and what a busy machine adds")
		require.NoError(t, server.Resume())
		next(t, back)
		_, err := s.EmitWithAck(within(t), "echo")
		require.NoError(t, err)
	}
}

func TestNode_Retries_EventIsSentAgainInOrder(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{})
	s := dial(t, server.URL(), client.Options{}, client.SocketOptions{Retries: 3, AckTimeout: 50 * time.Millisecond})
	require.NoError(t, s.Emit("silent", 1))
	require.NoError(t, s.Emit("count", 2))
	args, err := s.EmitWithAck(within(t), "silent", 3)
	require.NoError(t, err)
	assert.JSONEq(t, `[3]`, string(args.AppendJSON(nil)))
	numbers, err := server.Counted(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2, 3}, slices.Compact(slices.Clone(numbers)), "one after the other")
	assert.GreaterOrEqual(t, len(numbers), 5, "1 and 3 needed two tries")
	_, err = s.EmitWithAck(within(t), "never")
	require.ErrorIs(t, err, client.ErrTimeout)
	assert.ErrorContains(t, err, "4 tries")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = s.EmitWithAck(ctx, "never")
	require.ErrorIs(t, err, client.ErrTimeout)
	_, err = s.EmitWithAck(within(t), "count", 9)
	require.NoError(t, err, "the queue goes on")
}

// TestNode_ServerGone_BackWithinTheLongestDelay leaves the server away for 2 s, or for a minute with ACTIO_FULL.
func TestNode_ServerGone_BackWithinTheLongestDelay(t *testing.T) {
	away := 2 * time.Second
	if os.Getenv("ACTIO_FULL") != "" {
		away = time.Minute
	}
	server := jsserver.Start(t, jsserver.Options{})
	var attempts []time.Time
	s := dial(t, server.URL(), client.Options{
		ReconnectionDelay: 50 * time.Millisecond, ReconnectionDelayMax: time.Second,
		Hooks: client.Hooks{ReconnectAttempt: func(context.Context, int) { attempts = append(attempts, time.Now()) }},
	}, client.SocketOptions{})
	back := make(chan time.Time, 1)
	s.OnConnect(func(context.Context) { back <- time.Now() })
	gone := make(chan struct{}, 1)
	s.OnDisconnect(func(context.Context, client.Reason, error) { gone <- struct{}{} })
	server.Kill()
	<-gone
	killed := time.Now()
	require.NoError(t, s.Emit("count", 1), "kept meanwhile")
	<-time.After(away)
	server = jsserver.Start(t, jsserver.Options{Port: server.Port()})
	returned := time.Now()
	assert.Less(t, (<-back).Sub(returned), 3*time.Second, "a second, and what a busy machine adds")
	_, err := server.WaitEvent(within(t), "counted")
	require.NoError(t, err)
	closed(t, s.Manager())
	require.NotEmpty(t, attempts)
	for i, last := 0, killed; i < len(attempts); i++ {
		middle := min(50*time.Millisecond<<min(i, 10), time.Second)
		if i > 0 { // the first delay began a moment before the handler was told
			assert.GreaterOrEqual(t, attempts[i].Sub(last), middle/2, "attempt %d", i+1)
		}
		last = attempts[i]
	}
}
