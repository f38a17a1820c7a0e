package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/client"
)

// counting is a server that keeps the numbers of the event "n" and acknowledges them.
func counting(t *testing.T) (url string, numbers func() []int) {
	t.Helper()
	server, url := serve(t, actio.Options{})
	var mutex sync.Mutex
	var seen []int
	require.NoError(t, actio.On(server.Root(), "n", func(_ context.Context, _ *actio.Socket, n int) (int, error) {
		mutex.Lock()
		defer mutex.Unlock()
		seen = append(seen, n)
		return n, nil
	}))
	require.NoError(t, actio.On(server.Root(), "burst", func(_ context.Context, s *actio.Socket, n int) (actio.None, error) {
		for i := range n {
			if err := s.Emit("burst", i); err != nil {
				return actio.None{}, err
			}
		}
		return actio.None{}, nil
	}))
	return url, func() []int {
		mutex.Lock()
		defer mutex.Unlock()
		return append([]int(nil), seen...)
	}
}

func TestEmit_WhileDisconnected_IsKeptInOrderUpToTheBound(t *testing.T) {
	url, numbers := counting(t)
	m, err := client.New(url, client.Options{SendBuffer: 2000})
	require.NoError(t, err)
	defer closed(t, m)
	s, err := m.Socket("/", client.SocketOptions{})
	require.NoError(t, err)
	for n := range 10 {
		require.NoError(t, s.Emit("n", n))
	}
	require.NoError(t, s.EmitVolatile("n", 1000), "dropped")
	require.ErrorIs(t, s.Emit("big", strings.Repeat("x", 2000)), client.ErrBufferFull)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = s.EmitWithAck(ctx, "n", 2000)
	require.ErrorIs(t, err, client.ErrTimeout, "and taken back")
	over, cancelNow := context.WithCancelCause(t.Context())
	notNeeded := errors.New("not needed any more")
	cancelNow(notNeeded)
	_, err = s.EmitWithAck(over, "n", 2001)
	require.ErrorIs(t, err, context.Canceled, "likewise")
	require.ErrorIs(t, err, notNeeded)
	require.NotErrorIs(t, err, client.ErrTimeout)
	require.NoError(t, s.ConnectAndWait(within(t)))
	args, err := s.EmitWithAck(within(t), "n", 10)
	require.NoError(t, err)
	assert.JSONEq(t, `[10]`, string(args.AppendJSON(nil)))
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, numbers())
	require.Eventually(t, func() bool { return s.Emit("big", strings.Repeat("x", 4000)) == nil }, patience, time.Millisecond,
		"one event may be bigger than the bound when nothing waits")
}

func TestEmitVolatile_ConnectedAndIdle_Arrives(t *testing.T) {
	url, numbers := counting(t)
	for way, transports := range ways() {
		t.Run(way, func(t *testing.T) {
			before := len(numbers())
			s := dial(t, url, client.Options{Transports: transports, NoUpgrade: way == "upgrade"}, client.SocketOptions{})
			require.Eventually(t, func() bool {
				return assert.NoError(t, s.EmitVolatile("n", 1)) && len(numbers()) > before
			}, patience, 5*time.Millisecond)
		})
	}
}

func TestEmit_WhatCannotBeSent_IsAnError(t *testing.T) {
	url, _ := counting(t)
	s := dial(t, url, client.Options{}, client.SocketOptions{})
	assert.ErrorIs(t, s.Emit(""), client.ErrInvalidTopic)
	assert.ErrorIs(t, s.Emit("connect"), client.ErrReservedEvent)
	assert.Error(t, s.Emit("n", make(chan int)))
	_, err := s.EmitWithAck(within(t), "disconnecting")
	assert.ErrorIs(t, err, client.ErrReservedEvent)
	closed(t, s.Manager())
	assert.ErrorIs(t, s.Emit("n", 1), client.ErrClosed)
	assert.ErrorIs(t, s.EmitVolatile("n", 1), client.ErrClosed)
	_, err = s.EmitWithAck(within(t), "n", 1)
	assert.ErrorIs(t, err, client.ErrClosed)
	_, err = s.Manager().Socket("/b", client.SocketOptions{})
	assert.ErrorIs(t, err, client.ErrClosed)
}

// TestEmitWithAck_InHandler_ReadsOnBehindAFullInbox awaits an answer that lies behind more events than the inbox takes.
func TestEmitWithAck_InHandler_ReadsOnBehindAFullInbox(t *testing.T) {
	url, _ := counting(t)
	s := dial(t, url, client.Options{InboxEvents: 4, InboxEventsHard: 5000}, client.SocketOptions{})
	result := make(chan error, 1)
	var once sync.Once
	_, err := s.Handle("burst", func(ctx context.Context, s *client.Socket, _ *client.Event) {
		once.Do(func() {
			_, err := s.EmitWithAck(ctx, "n", 7)
			result <- err
		})
	})
	require.NoError(t, err)
	require.NoError(t, s.Emit("burst", 500))
	require.NoError(t, <-result)
}

func TestEmitWithAck_InHandler_FailsWhenTheSecondBoundIsHit(t *testing.T) {
	url, _ := counting(t)
	s := dial(t, url, client.Options{InboxEvents: 4, InboxEventsHard: 50}, client.SocketOptions{})
	result := make(chan error, 1)
	var once sync.Once
	var handled sync.WaitGroup
	handled.Add(500)
	_, err := s.Handle("burst", func(ctx context.Context, s *client.Socket, _ *client.Event) {
		defer handled.Done()
		once.Do(func() {
			_, err := s.EmitWithAck(ctx, "never acknowledged")
			result <- err
		})
	})
	require.NoError(t, err)
	require.NoError(t, s.Emit("burst", 500))
	require.ErrorIs(t, <-result, client.ErrInboxFull)
	handled.Wait() // none is lost
	_, err = s.EmitWithAck(within(t), "n", 1)
	require.NoError(t, err, "the connection lives")
}

func TestClose_HandlerIgnoresItsContext_ErrorAndThenNothingIsLeft(t *testing.T) {
	url, _ := counting(t)
	s := dial(t, url, client.Options{}, client.SocketOptions{})
	release, entered, cancelled := make(chan struct{}), make(chan struct{}), make(chan struct{})
	_, err := s.Handle("burst", func(ctx context.Context, _ *client.Socket, _ *client.Event) {
		close(entered)
		<-ctx.Done()
		close(cancelled)
		<-release
	})
	require.NoError(t, err)
	require.NoError(t, s.Emit("burst", 1))
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Manager().Close(ctx), client.ErrStillRunning)
	<-cancelled
	close(release)
	closed(t, s.Manager())
}

func TestHandler_PanicsOrEndsItsGoroutine_TheOthersGoOn(t *testing.T) {
	url, _ := counting(t)
	s := dial(t, url, client.Options{}, client.SocketOptions{})
	got := make(chan int, 100)
	_, err := client.On(s, "burst", func(_ context.Context, _ *client.Socket, n int) (client.None, error) {
		switch n {
		case 0:
			panic("no")
		case 1:
			runtime.Goexit()
		}
		got <- n
		return client.None{}, nil
	})
	require.NoError(t, err)
	require.NoError(t, s.Emit("burst", 4))
	assert.Equal(t, 2, <-got)
	assert.Equal(t, 3, <-got)
}

func TestSubscription_Cancel_RemovesThatHandlerAlone(t *testing.T) {
	url, _ := counting(t)
	s := dial(t, url, client.Options{}, client.SocketOptions{})
	var first, second atomic.Int32
	sub, err := s.Handle("burst", func(context.Context, *client.Socket, *client.Event) { first.Add(1) })
	require.NoError(t, err)
	_, err = s.Handle("burst", func(context.Context, *client.Socket, *client.Event) { second.Add(1) })
	require.NoError(t, err)
	sub.Cancel()
	sub.Cancel()
	require.NoError(t, s.Emit("burst", 3))
	require.Eventually(t, func() bool { return second.Load() == 3 }, patience, time.Millisecond)
	assert.Zero(t, first.Load())
}

// strange is a server that opens a session and then says what it likes.
func strange(t *testing.T, say ...string) (url string, sessions *atomic.Int32) {
	t.Helper()
	sessions = &atomic.Int32{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		sessions.Add(1)
		for _, text := range append([]string{`0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100}`}, say...) {
			if c.Write(r.Context(), websocket.MessageText, []byte(text)) != nil {
				return
			}
		}
		_, _, _ = c.Read(r.Context())
		_, _, _ = c.Read(r.Context())
	}))
	t.Cleanup(web.Close)
	return web.URL, sessions
}

func TestServer_SaysWhatIsNoProtocol_TheConnectionIsMadeAnew(t *testing.T) {
	for name, say := range map[string][]string{
		"no packet type":                    {"x"},
		"a second handshake":                {`0{"sid":"a","upgrades":[],"pingInterval":1,"pingTimeout":1}`},
		"no Socket.IO packet":               {"49"},
		"a Socket.IO packet of nothing":     {"4"},
		"an event that is no array":         {"42{}"},
		"CONNECT without sid":               {`40{}`},
		"an attachment that nobody awaits":  {"451-[\"e\",{\"_placeholder\":true,\"num\":0}]", "42[\"e\"]"},
		"an acknowledgement with nonsense":  {"431{}"},
		"text that is not UTF-8":            {"42[\"\xff\"]"},
		"an event without a name":           {"42[]"},
		"the server leaves in good order":   {"1"},
		"too many attachments are promised": {"4599-[\"e\"]"},
	} {
		t.Run(name, func(t *testing.T) {
			url, sessions := strange(t, say...)
			m, err := client.New(url, quick(client.Options{Transports: []client.Transport{client.WebSocket}}))
			require.NoError(t, err)
			defer closed(t, m)
			s, err := m.Socket("/", client.SocketOptions{})
			require.NoError(t, err)
			require.NoError(t, s.Connect())
			require.Eventually(t, func() bool { return sessions.Load() >= 3 }, patience, time.Millisecond)
		})
	}
}

func TestServer_MessageTooBig_EndsTheConnection(t *testing.T) {
	server, url := serve(t, actio.Options{})
	require.NoError(t, actio.On(server.Root(), "big", func(_ context.Context, s *actio.Socket, n int) (actio.None, error) {
		return actio.None{}, s.Emit("big", strings.Repeat("x", n))
	}))
	for way, transports := range ways() {
		t.Run(way, func(t *testing.T) {
			s := dial(t, url, quick(client.Options{Transports: transports, MaxMessage: 10_000}), client.SocketOptions{})
			got := collect(t, s, "big")
			ends := make(chan error, 10)
			s.OnDisconnect(func(_ context.Context, _ client.Reason, err error) { ends <- err })
			require.NoError(t, s.Emit("big", 9000))
			next(t, got)
			require.NoError(t, s.Emit("big", 20_000))
			assert.ErrorContains(t, <-ends, "message too big")
			require.NoError(t, s.ConnectAndWait(within(t)))
		})
	}
}

func TestReply_AfterTheConnectionEnded_IsAnErrorAndNotSentOnAnother(t *testing.T) {
	server, url := serve(t, actio.Options{})
	questions := make(chan *client.Event, 10)
	s := dial(t, url, quick(client.Options{}), client.SocketOptions{})
	_, err := s.Handle("q", func(_ context.Context, _ *client.Socket, e *client.Event) { questions <- e })
	require.NoError(t, err)
	ask := func() {
		peer, err := server.Socket(within(t), s.ID())
		assert.NoError(t, err)
		if peer != nil {
			_, _ = peer.EmitWithAck(within(t), "q")
		}
	}
	go ask()
	e := <-questions
	assert.True(t, e.WantsReply())
	ended := make(chan struct{}, 1)
	s.OnDisconnect(func(context.Context, client.Reason, error) { ended <- struct{}{} })
	require.NoError(t, server.DisconnectSockets(within(t), true))
	<-ended
	require.NoError(t, s.ConnectAndWait(within(t)))
	require.ErrorIs(t, e.Reply("late"), client.ErrDisconnected)
	go ask()
	e = <-questions
	require.NoError(t, e.Reply(1))
	require.ErrorIs(t, e.Reply(2), client.ErrAcknowledged)
}
