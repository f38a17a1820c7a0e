package namespaces

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

// refused looks at the connect_error of a client that was not let in.
func (s *stand) refused(t *testing.T, namespace string, auth any) map[string]any {
	t.Helper()
	c, err := s.dial(t, namespace, auth)
	require.Error(t, err)
	refusal, ok := jsclient.Wait(t, c, "connect_error")[0].(map[string]any)
	require.True(t, ok)
	assert.Contains(t, err.Error(), refusal["message"])
	return refusal
}

// token is what a client says that it is.
func token(h *actio.Handshake) string {
	var auth struct{ Token string }
	if err := h.DecodeAuth(&auth); err != nil {
		return ""
	}
	return auth.Token
}

func TestUse_Refuses_ClientGetsMessageAndData(t *testing.T) {
	s := serve(t, actio.Options{OnPanic: provoked})
	s.Use(func(_ context.Context, socket *actio.Socket) error {
		switch token(socket.Handshake()) {
		case "ann":
			return nil
		case "eve":
			return &actio.ConnectError{Message: "not authorized", Data: map[string]any{"content": "please retry later"}}
		case "panic":
			panic("secret")
		default:
			return errors.New("who are you?")
		}
	})
	assert.Equal(t, map[string]any{"message": "who are you?", "data": nil}, s.refused(t, "/", nil))
	assert.Equal(t,
		map[string]any{"message": "not authorized", "data": map[string]any{"content": "please retry later"}},
		s.refused(t, "/", map[string]any{"token": "eve"}))
	assert.Equal(t, map[string]any{"message": "Internal server error", "data": nil},
		s.refused(t, "/", map[string]any{"token": "panic"}))
	c, err := s.dial(t, "/", map[string]any{"token": "ann"})
	require.NoError(t, err)
	assert.True(t, s.socket(t, c).Connected())
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 1, stats.HandlerPanics)
	assert.EqualValues(t, 3, stats.ConnectsRefused)
	assert.Equal(t, 1, stats.Sockets)
}

func TestUse_Several_RunInOrderUntilOneRefuses(t *testing.T) {
	s := serve(t, actio.Options{})
	var mu sync.Mutex
	var log []string
	note := func(name string, err error) func(context.Context, *actio.Socket) error {
		return func(context.Context, *actio.Socket) error {
			mu.Lock()
			defer mu.Unlock()
			log = append(log, name)
			return err
		}
	}
	n := s.of(t, "/guarded")
	n.Use(nil)
	n.Use(note("first", nil))
	n.Use(note("second", errors.New("stop")))
	n.Use(note("third", nil))
	assert.Equal(t, "stop", s.refused(t, "/guarded", nil)["message"])
	s.enter(t, "/") // no middleware of the one is asked about the other
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, []string{"first", "second"}, log)
}

func TestUse_LetsIn_WhatItDidToTheSocketStays(t *testing.T) {
	s := serve(t, actio.Options{})
	s.Use(func(ctx context.Context, socket *actio.Socket) error {
		assert.False(t, socket.Connected())
		assert.ErrorIs(t, socket.Emit("early"), actio.ErrNotConnected)
		_, err := socket.EmitWithAck(ctx, "early")
		assert.ErrorIs(t, err, actio.ErrNotConnected)
		socket.Data().Store("name", token(socket.Handshake()))
		socket.Use(func(_ context.Context, e *actio.Event) error {
			if e.Name == "forbidden" {
				return errors.New("no")
			}
			return nil
		})
		return socket.Join(ctx, "room of "+token(socket.Handshake()))
	})
	s.Root().OnConnection(func(ctx context.Context, socket *actio.Socket) {
		assert.True(t, socket.Connected())
		rooms, err := socket.Rooms(ctx)
		assert.NoError(t, err)
		assert.Equal(t, []string{socket.ID(), "room of ann"}, rooms)
		name, _ := socket.Data().Load("name")
		assert.Equal(t, "ann", name)
		assert.NoError(t, s.To("room of ann").Emit("arrival", name))
	})
	c, err := s.dial(t, "/", map[string]any{"token": "ann"})
	require.NoError(t, err)
	assert.Equal(t, []any{"ann"}, jsclient.Wait(t, c, "arrival"))
	assert.Equal(t, []any{map[string]any{"error": "no"}}, jsclient.Ask(t, c, "forbidden"))
	assert.Zero(t, c.Received("early"))
}

func TestUse_DisconnectsTheSocket_ClientIsRefused(t *testing.T) {
	s := serve(t, actio.Options{})
	ended := make(chan error, 1)
	s.Use(func(ctx context.Context, socket *actio.Socket) error {
		socket.Disconnect()
		<-ctx.Done()
		ended <- context.Cause(socket.Context())
		return nil
	})
	s.Use(func(context.Context, *actio.Socket) error {
		t.Error("nobody waits for this one's answer")
		return nil
	})
	assert.Equal(t, "Disconnected by the server", s.refused(t, "/", nil)["message"])
	require.ErrorIs(t, await.Value(t, ended), actio.ErrClosed)
}

func TestUse_AddedLater_HoldsForWhoComesThen(t *testing.T) {
	s := serve(t, actio.Options{})
	c := s.enter(t, "/")
	s.Use(func(context.Context, *actio.Socket) error { return errors.New("full") })
	assert.Equal(t, "full", s.refused(t, "/", nil)["message"])
	require.NoError(t, s.Root().Handle("x", answers("still here")))
	assert.Equal(t, []any{"still here"}, jsclient.Ask(t, c, "x"))
}

func TestUse_ShutdownWhileItRuns_CancelsItAndWaits(t *testing.T) {
	s := serve(t, actio.Options{})
	begun, ended := make(chan struct{}), make(chan struct{})
	s.Use(func(ctx context.Context, _ *actio.Socket) error {
		close(begun)
		<-ctx.Done()
		close(ended)
		return nil
	})
	s.node.Open(s.URL, s.options(nil))
	await.Value(t, begun)
	require.NoError(t, s.Shutdown(t.Context()))
	select {
	case <-ended:
	default:
		t.Error("Shutdown returned while a middleware was running")
	}
}
