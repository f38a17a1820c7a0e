package actio

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// configured is a plain server without clients.
func configured(t *testing.T) *Server {
	t.Helper()
	s, err := New(Options{NoAuthentication: true})
	require.NoError(t, err)
	require.NoError(t, s.Configure(t.Context()))
	t.Cleanup(func() { assert.NoError(t, s.Shutdown(context.Background())) })
	return s
}

// neighbour is the server as other instances see it.
func (s *Server) neighbour() redisbridge.Instance { return s.live.Load().neighbour }

func number(t *testing.T, a Args) int {
	t.Helper()
	var n int
	require.NoError(t, a.Decode(0, &n))
	return n
}

func argsOf(t *testing.T, v ...any) wire.Args {
	t.Helper()
	array, attachments, err := wire.EncodeArgs(v...)
	require.NoError(t, err)
	args, err := wire.ArgsOf(array, attachments)
	require.NoError(t, err)
	return args
}

func TestServerEvent_WithoutAnswer_IsHandledInOrderOneAtATime(t *testing.T) {
	s := configured(t)
	const events = 1000
	var got []int
	all := make(chan struct{})
	require.NoError(t, s.OnServerSideEmit("n", func(ctx context.Context, e *ServerEvent) {
		assert.NoError(t, ctx.Err())
		assert.False(t, e.WantsReply())
		assert.NoError(t, e.Reply("nobody listens"))
		if got = append(got, number(t, e.Args)); len(got) == events {
			close(all)
		}
	}))
	for i := range events {
		s.neighbour().ServerEvent("/", "n", argsOf(t, i), nil)
	}
	<-all
	for i, n := range got {
		require.Equal(t, i, n)
	}
	s.neighbour().ServerEvent("/unknown", "n", wire.Args{}, nil)
	s.neighbour().ServerEvent("/", "unhandled", wire.Args{}, nil)
}

func TestServerEvent_WithAnswer_IsHandledInParallelAndAnsweredOnce(t *testing.T) {
	s := configured(t)
	var both sync.WaitGroup
	both.Add(2)
	require.NoError(t, s.OnServerSideEmit("ask", func(_ context.Context, e *ServerEvent) {
		both.Done()
		both.Wait() // two of them run at one time
		assert.True(t, e.WantsReply())
		assert.Error(t, e.Reply(func() {}), "it cannot be sent and does not count")
		assert.NoError(t, e.Reply("first"))
		assert.ErrorIs(t, e.Reply("second"), ErrAcknowledged)
	}))
	answers := make(chan []any, 4)
	for range 2 {
		s.neighbour().ServerEvent("/", "ask", wire.Args{}, func(args ...any) error {
			if _, _, err := wire.EncodeArgs(args...); err != nil {
				return err
			}
			answers <- args
			return nil
		})
	}
	assert.Equal(t, []any{"first"}, <-answers)
	assert.Equal(t, []any{"first"}, <-answers)
	assert.Empty(t, answers)
}

func TestServerEvent_HandlerPanics_IsCountedAndHarmsNoOther(t *testing.T) {
	s := configured(t)
	handled := make(chan struct{})
	require.NoError(t, s.OnServerSideEmit("x", func(context.Context, *ServerEvent) { panic("mine") }))
	require.NoError(t, s.OnServerSideEmit("x", func(context.Context, *ServerEvent) { close(handled) }))
	s.neighbour().ServerEvent("/", "x", wire.Args{}, nil)
	<-handled
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	assert.Equal(t, uint64(1), stats.HandlerPanics)
}

func TestServerEvent_HandlersTooSlow_DropsAndCounts(t *testing.T) {
	s := configured(t)
	started, release := make(chan struct{}, 1), make(chan struct{})
	require.NoError(t, s.OnServerSideEmit("x", func(context.Context, *ServerEvent) {
		select {
		case started <- struct{}{}:
		default:
		}
		<-release
	}))
	s.neighbour().ServerEvent("/", "x", wire.Args{}, nil)
	<-started
	for range maxServerJobs + 3 {
		s.neighbour().ServerEvent("/", "x", wire.Args{}, nil)
	}
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	assert.Equal(t, uint64(3), stats.ServerEventsDropped)
	close(release)
}

func TestServerEvent_Shutdown_EndsTheContextOfHandlers(t *testing.T) {
	s, err := New(Options{NoAuthentication: true, Engine: EngineOptions{DrainGrace: 1}})
	require.NoError(t, err)
	require.NoError(t, s.Configure(t.Context()))
	started := make(chan struct{})
	require.NoError(t, s.OnServerSideEmit("x", func(ctx context.Context, _ *ServerEvent) {
		close(started)
		<-ctx.Done()
		assert.ErrorIs(t, context.Cause(ctx), ErrClosed)
	}))
	s.neighbour().ServerEvent("/", "x", wire.Args{}, nil)
	<-started
	require.NoError(t, s.Shutdown(t.Context()))
}

func TestInstance_UnreadableQuestion_CountsNobody(t *testing.T) {
	s := configured(t)
	for _, text := range []string{"", `{"no":"array"}`, "[1"} {
		counted := make(chan []string, 1)
		cancel := s.neighbour().Ask(redisbridge.Question{
			Namespace: "/", Event: format.NewPayload([]byte(text), nil),
			Counted:  func(ids []string) { counted <- ids },
			Answered: func(string, wire.Args, error) { assert.Fail(t, "nobody was asked") },
		})
		assert.Empty(t, <-counted, text)
		cancel()
		cancel()
	}
}

func TestInstance_EmptyServer_HasNothing(t *testing.T) {
	s := configured(t)
	n := s.neighbour()
	ctx := t.Context()
	everybody := redisbridge.Target{}
	rooms, err := n.Rooms(ctx, "/")
	require.NoError(t, err)
	assert.Empty(t, rooms)
	assert.False(t, n.MayHave("/", "room"), "the shards run by now")
	sockets, err := n.Sockets(ctx, "/other", everybody)
	require.NoError(t, err)
	assert.Empty(t, sockets)
	require.NoError(t, n.Join(ctx, "/", everybody, []string{"r"}))
	require.NoError(t, n.Leave(ctx, "/", everybody, []string{"r"}))
	require.NoError(t, n.Disconnect(ctx, "/", everybody, true))
}

func TestDecodeHandshake_WhatNodeDoesNotWrite_StaysZero(t *testing.T) {
	for _, text := range []string{"", "null", "[]", "7", `{"headers":7,"query":[],"issued":"x","secure":1,"address":null}`} {
		h := decodeHandshake(format.NewPayload([]byte(text), nil))
		assert.Empty(t, h.Header(), text)
		assert.Empty(t, h.Query(), text)
		assert.Empty(t, h.Address, text)
		assert.True(t, h.Issued.IsZero(), text)
		assert.NoError(t, h.DecodeAuth(new(struct{})))
	}
	h := decodeHandshake(format.NewPayload([]byte(
		`{"headers":{"x-a":"1","set-cookie":["a","b"],"bad":{}},"query":{"q":["1","2"]},"issued":1700000000000,"auth":{"t":1}}`), nil))
	assert.Equal(t, "1", h.Header().Get("X-A"))
	assert.Equal(t, []string{"a", "b"}, h.Header()["Set-Cookie"])
	assert.Equal(t, []string{"1", "2"}, h.Query()["q"])
	assert.Equal(t, int64(1700000000), h.Issued.Unix())
	h.Header().Set("X-A", "2")
	h.Query().Set("q", "3")
	RemoteHandshake{}.Header().Set("X-A", "2")
	assert.Equal(t, "1", h.Header().Get("X-A"), "the maps are copies")
	assert.Equal(t, "1", h.Query().Get("q"))
	assert.JSONEq(t, `{"t":1}`, string(h.Auth))
}
