package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsserver"
)

// numbers collects the numbers of an event.
func numbers(t *testing.T, s *client.Socket, event string) <-chan int {
	t.Helper()
	all := make(chan int, 1000)
	_, err := client.On(s, event, func(_ context.Context, _ *client.Socket, n int) (client.None, error) {
		all <- n
		return client.None{}, nil
	})
	require.NoError(t, err)
	return all
}

// TestRecovery_LastEventWantedAnAcknowledgement: such an event has no offset, though its last argument may look like one.
func TestRecovery_LastEventWantedAnAcknowledgement_WhatWasMissedIsGivenBack(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{Recovery: true})
	s := socketOf(t, server.URL(), overWebSocket(client.Options{}), client.SocketOptions{})
	news := numbers(t, s, "news")
	asked := make(chan struct{}, 1)
	_, err := s.Handle("question", func(context.Context, *client.Socket, *client.Event) { asked <- struct{}{} })
	require.NoError(t, err)
	require.NoError(t, s.ConnectAndWait(within(t)))
	require.NoError(t, server.EmitNumbers(t.Context(), "news", 1))
	await.Value(t, news)
	require.NoError(t, s.Emit("ask", "some text"))
	await.Value(t, asked)
	require.NoError(t, server.Cut(t.Context()))
	require.NoError(t, server.EmitNumbers(t.Context(), "news", 3))
	for n := range 3 {
		assert.Equal(t, n, await.Value(t, news))
	}
	assert.True(t, s.Recovered())
}

// recovering is a server that gives back what was missed before it confirms, as Node.js does; the connection after the first
// has a script of its own.
func recovering(t *testing.T, second func(p *peer)) (url string, connects chan string) {
	t.Helper()
	connects = make(chan string, 10)
	return scripted(t, calm, func(n int, p *peer) {
		packet, ok := p.hear("40")
		if !ok {
			return
		}
		connects <- packet
		switch n {
		case 1:
			p.say(`40{"sid":"x","pid":"P"}`, `42["e",1,"o1"]`)
			_, _ = p.hear(`42["seen"]`)
		case 2:
			second(p)
		default:
			p.say(`40{"sid":"x","pid":"P"}`)
			_, _ = p.hear("never")
		}
	}), connects
}

func TestRecovery_ConnectionEndsBeforeItIsConfirmed_WhatCameWithItIsAskedForAgain(t *testing.T) {
	url, connects := recovering(t, func(p *peer) { p.say(`42["e",2,"o2"]`, `42["e",3,"o3"]`) })
	s := socketOf(t, url, overWebSocket(client.Options{}), client.SocketOptions{})
	events := numbers(t, s, "e")
	require.NoError(t, s.ConnectAndWait(within(t)))
	assert.Equal(t, 1, await.Value(t, events))
	require.NoError(t, s.Emit("seen"))
	for _, want := range []string{"40", `40{"offset":"o1","pid":"P"}`, `40{"offset":"o1","pid":"P"}`} {
		assert.Equal(t, want, await.Value(t, connects))
	}
}

func TestRecovery_MoreThanThereIsRoomFor_BeginsAnew(t *testing.T) {
	url, connects := recovering(t, func(p *peer) {
		for range 20 {
			p.say(`42["e",2,"o2"]`)
		}
		_, _ = p.hear("never")
	})
	s := socketOf(t, url, overWebSocket(client.Options{InboxEvents: 4, InboxEventsHard: 10}), client.SocketOptions{})
	events := numbers(t, s, "e")
	require.NoError(t, s.ConnectAndWait(within(t)))
	assert.Equal(t, 1, await.Value(t, events))
	require.NoError(t, s.Emit("seen"))
	for _, want := range []string{"40", `40{"offset":"o1","pid":"P"}`, "40"} {
		assert.Equal(t, want, await.Value(t, connects))
	}
	require.NoError(t, s.ConnectAndWait(within(t)))
	assert.False(t, s.Recovered(), "and that can be seen")
}

func TestEvents_BeforeTheNamespaceIsConfirmed_CountForTheStateOfAHelper(t *testing.T) {
	url := scripted(t, calm, func(_ int, p *peer) {
		_, _ = p.hear("40")
		p.say(`42["authenticated",{}]`, `40{"sid":"x"}`)
		_, _ = p.hear("never")
	})
	states := make(chan client.State, 1)
	h, err := client.NewHelper(client.HelperOptions{
		Identifier: "C", Host: url, Options: overWebSocket(client.Options{}),
		OnAuthenticated: func(_ context.Context, h *client.Helper) error {
			states <- h.State()
			return nil
		},
	})
	require.NoError(t, err)
	assert.Equal(t, client.Authenticated, await.Value(t, states))
	require.NoError(t, h.Shutdown(within(t)))
}

func TestParseError_WhatComesBehindIt_IsNotHandled(t *testing.T) {
	url := scripted(t, `0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100}`, func(n int, p *peer) {
		_, _ = p.hear("40")
		p.say(`40{"sid":"x"}`)
		if n == 1 {
			p.say(`42["e",1]`, `4garbage`, `42["e",2]`)
		}
		_, _ = p.hear("never")
	})
	s := socketOf(t, url, overWebSocket(client.Options{}), client.SocketOptions{})
	events := numbers(t, s, "e")
	reasons := make(chan client.Reason, 10)
	s.OnDisconnect(func(_ context.Context, r client.Reason, err error) {
		if r == client.ReasonParseError {
			assert.ErrorIs(t, err, client.ErrProtocol)
		}
		reasons <- r
	})
	require.NoError(t, s.ConnectAndWait(within(t)))
	assert.Equal(t, client.ReasonParseError, await.Value(t, reasons))
	require.Eventually(t, s.Connected, patience, time.Millisecond)
	assert.Equal(t, 1, await.Value(t, events))
	assert.Empty(t, events)
}
