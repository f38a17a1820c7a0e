package client_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsserver"
)

func TestReply_ServerDoesNotRead_FailsAtTheBound(t *testing.T) {
	url := scripted(t, calm, func(_ int, p *peer) {
		_, _ = p.hear("40")
		p.say(`40{"sid":"x"}`)
		for range 60 {
			p.say(`421["give"]`)
		}
		<-p.ctx.Done()
	})
	s := socketOf(t, url, overWebSocket(client.Options{SendBuffer: 1 << 20}), client.SocketOptions{})
	full := make(chan error, 1000)
	big := strings.Repeat("x", 200<<10)
	_, err := s.Handle("give", func(_ context.Context, _ *client.Socket, e *client.Event) {
		if err := e.Reply(big); err != nil {
			assert.NotErrorIs(t, e.Reply(big), client.ErrAcknowledged, "it may be tried again")
			full <- err
		}
	})
	require.NoError(t, err)
	require.NoError(t, s.ConnectAndWait(within(t)))
	require.ErrorIs(t, await.Value(t, full), client.ErrBufferFull)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	require.NoError(t, s.Manager().Close(ctx), "what does not leave is cut off")
}

func TestInbox_LargeEventsWhileAHandlerIsSlow_AreBoundedInBytes(t *testing.T) {
	const size = 100 << 10
	written := make(chan int, 1)
	release := make(chan struct{})
	url := scripted(t, calm, func(_ int, p *peer) {
		_, _ = p.hear("40")
		p.say(`40{"sid":"x"}`)
		text := []byte(`42["big","` + strings.Repeat("x", size) + `"]`)
		n := 0
		for {
			ctx, cancel := context.WithTimeout(p.ctx, time.Second)
			err := p.Write(ctx, websocket.MessageText, text)
			cancel()
			if err != nil {
				break
			}
			n++
		}
		written <- n
	})
	o := overWebSocket(client.Options{InboxEvents: 1 << 20, InboxBytes: 4 * size, NoReconnection: true})
	s := socketOf(t, url, o, client.SocketOptions{})
	_, err := s.Handle("big", func(context.Context, *client.Socket, *client.Event) { <-release })
	require.NoError(t, err)
	require.NoError(t, s.ConnectAndWait(within(t)))
	assert.Less(t, await.Value(t, written), 1000, "the rest of them is in buffers of the network")
	close(release)
}

func TestEmit_ConnectionDiesWhileTheInboxIsFull_ComesBackAndNothingIsSentIntoTheVoid(t *testing.T) {
	dead := make(chan struct{})
	heard := make(chan string, 1)
	lively := `0{"sid":"a","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}`
	url := scripted(t, lively, func(n int, p *peer) {
		_, _ = p.hear("40")
		p.say(`40{"sid":"x"}`)
		if n == 1 {
			_, _ = p.hear(`42["mark"`)
			for range 20 {
				p.say(`42["e"]`)
			}
			close(dead)
			return
		}
		packet, _ := p.hear(`42["important"`)
		heard <- packet
		_, _ = p.hear("never")
	})
	s := socketOf(t, url, overWebSocket(client.Options{InboxEvents: 4}), client.SocketOptions{})
	release := make(chan struct{})
	_, err := s.Handle("e", func(context.Context, *client.Socket, *client.Event) { <-release })
	require.NoError(t, err)
	defer close(release)
	require.NoError(t, s.ConnectAndWait(within(t)))
	require.NoError(t, s.Emit("mark"))
	await.Value(t, dead)
	require.Eventually(t, func() bool { // until the network has noticed, what is sent is lost
		assert.NoError(t, s.Emit("important"))
		return len(heard) > 0
	}, patience, 5*time.Millisecond)
}

func TestUpgrade_HandlerKeepsTheReader_WhatIsEmittedLeaves(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{})
	s := socketOf(t, server.URL(), quick(client.Options{InboxEvents: 1}), client.SocketOptions{})
	release := make(chan struct{})
	held := make(chan struct{}, 1)
	_, err := s.Handle("burst", func(context.Context, *client.Socket, *client.Event) {
		select {
		case held <- struct{}{}:
		default:
		}
		<-release
	})
	require.NoError(t, err)
	s.OnConnect(func(context.Context) { assert.NoError(t, s.Emit("burst", 10)) })
	require.NoError(t, s.ConnectAndWait(within(t)))
	await.Value(t, held)
	for n := range 20 {
		require.NoError(t, s.Emit("count", n))
		_, err = server.WaitEvent(within(t), "counted")
		require.NoError(t, err)
	}
	close(release)
	_, err = s.EmitWithAck(within(t), "echo", 1)
	require.NoError(t, err)
}

func TestClose_AfterDisconnectFromAStalledServer_CutsOffWhatIsLeft(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{})
	s := socketOf(t, server.URL(), client.Options{Transports: []client.Transport{client.Polling}}, client.SocketOptions{})
	require.NoError(t, s.ConnectAndWait(within(t)))
	require.NoError(t, server.Stall())
	defer func() { assert.NoError(t, server.Resume()) }()
	s.Disconnect()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.NoError(t, s.Manager().Close(ctx))
}

func TestDial_FunctionOfTheApplicationIgnoresItsContext_ReturnsAllTheSame(t *testing.T) {
	url, _ := counting(t)
	release := make(chan struct{})
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := client.Dial(ctx, url, client.Options{}, client.SocketOptions{
		AuthFunc: func(context.Context) (any, error) { <-release; return nil, nil },
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, err, client.ErrStillRunning)
}

// TestPolling_SwitchesProtocols: net/http gives such a connection away, and no context ends reading it.
func TestPolling_ServerSwitchesProtocols_IsAnErrorAtOnce(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			defer func() { _ = c.Close() }()
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = c.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"))
		}
	}()
	o := client.Options{Transports: []client.Transport{client.Polling}, NoReconnection: true}
	_, err = client.Dial(within(t), "http://"+listener.Addr().String(), o, client.SocketOptions{})
	require.ErrorIs(t, err, client.ErrProtocol)
}

func TestPolling_POSTIsRedirected_IsAnErrorAndNotAWrite(t *testing.T) {
	var opened atomic.Bool
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case r.URL.Path == "/elsewhere":
			_, _ = w.Write([]byte("ok"))
		case !opened.Swap(true):
			_, _ = w.Write([]byte(`0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100}`))
		default:
			<-r.Context().Done()
		}
	}))
	defer web.Close()
	o := client.Options{Transports: []client.Transport{client.Polling}, NoReconnection: true}
	_, err := client.Dial(within(t), web.URL, o, client.SocketOptions{})
	require.ErrorIs(t, err, client.ErrProtocol)
}

func TestErrors_OfTheNetwork_DoNotTellTheQuery(t *testing.T) {
	for _, transport := range []client.Transport{client.Polling, client.WebSocket} {
		o := client.Options{Transports: []client.Transport{transport}, NoReconnection: true}
		o.Query = map[string][]string{"token": {"s3cret"}}
		_, err := client.Dial(within(t), "http://127.0.0.1:1", o, client.SocketOptions{})
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "s3cret")
		var refused *net.OpError
		assert.ErrorAs(t, err, &refused)
	}
}
