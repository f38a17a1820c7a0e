package lifecycle

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
)

func TestShutdown_FromAHandler_DoesNotWaitForIt(t *testing.T) {
	for _, test := range []struct {
		name string
		own  bool
	}{{"with the handler's context", true}, {"with a context of its own", false}} {
		t.Run(test.name, func(t *testing.T) {
			// The connections are closed one after the other, so that the handler's own ends before others.
			s := serve(t, actio.Options{Engine: actio.EngineOptions{CloseBatch: 1, CloseInterval: time.Millisecond}})
			results := make(chan error, 2)
			s.handle(t, "end", func(ctx context.Context, _ *actio.Socket, _ *actio.Event) {
				if !test.own {
					ctx = context.Background()
				}
				results <- s.Shutdown(ctx)
				results <- s.Shutdown(ctx)
			})
			c, _ := s.login(t, "")
			a := s.invite(t, 30)
			require.NoError(t, c.Emit("end"))
			end := farewell(c)
			require.NoError(t, receive(t, results, "Shutdown in the handler returns"))
			require.NoError(t, receive(t, results, "it does so again"))
			require.NoError(t, s.Shutdown(t.Context()))
			a.dismissed(t)
			assert.Equal(t, 1001, (<-end).CloseCode)
		})
	}
}

func TestShutdown_FromEveryCallback_Returns(t *testing.T) {
	var s *stand
	results := make(chan error, 1)
	end := func(ctx context.Context) {
		select {
		case results <- s.Shutdown(ctx):
		default:
		}
	}
	for name, o := range map[string]actio.Options{
		"authenticator": {Authenticate: func(ctx context.Context, _ *actio.Handshake) (*actio.Principal, error) {
			end(ctx)
			return nil, errors.New("too late")
		}},
		"connected": {ClientConnected: func(ctx context.Context, _ *actio.Socket) { end(ctx) }},
		"disconnected": {
			ClientConnected:    func(_ context.Context, s *actio.Socket) { s.Close() },
			ClientDisconnected: func(*actio.Socket, actio.Reason) { end(context.Background()) },
		},
		"validator": {ValidateRooms: func(ctx context.Context, _ *actio.Socket, rooms []string) ([]string, error) {
			end(ctx)
			return rooms, nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s = serve(t, o)
			c := s.dial(t, rawclient.Options{})
			_, err := c.Join("/", nil)
			require.NoError(t, err)
			require.NoError(t, c.Send(`42["authenticate"]`, `42["join",{"rooms":["lobby"]}]`))
			if name == "validator" {
				_, err = c.Await("authenticated")
				require.NoError(t, err)
				require.NoError(t, c.Send(`42["join",{"rooms":["lobby"]}]`))
			}
			end := farewell(c)
			require.NoError(t, receive(t, results, "Shutdown in the callback returns"))
			<-end
		})
	}
}

func TestShutdown_HandlerWaitsForItsContext_TakesTheGraceAndNoLonger(t *testing.T) {
	const grace = 200 * time.Millisecond
	s := serve(t, actio.Options{Engine: actio.EngineOptions{DrainGrace: grace}})
	begun, ended := make(chan struct{}), make(chan error, 1)
	s.handle(t, "wait", func(ctx context.Context, _ *actio.Socket, _ *actio.Event) {
		close(begun)
		<-ctx.Done()
		ended <- context.Cause(ctx)
	})
	c, _ := s.login(t, "")
	require.NoError(t, c.Emit("wait"))
	receive(t, begun, "the handler runs")

	end := farewell(c)
	start := time.Now()
	require.NoError(t, s.Shutdown(t.Context()))
	assert.GreaterOrEqual(t, time.Since(start), grace, "the handler has its time to finish")
	assert.Less(t, time.Since(start), grace+5*time.Second)
	require.ErrorIs(t, <-ended, actio.ErrClosed)
	assert.Equal(t, 1001, (<-end).CloseCode)
}

func TestShutdown_HandlerFinishesInTime_ItsAnswerArrives(t *testing.T) {
	s := serve(t, actio.Options{})
	begun, release := make(chan struct{}), make(chan struct{})
	s.handle(t, "work", func(_ context.Context, _ *actio.Socket, e *actio.Event) {
		close(begun)
		<-release
		assert.NoError(t, e.Reply("done"))
	})
	c, _ := s.login(t, "")
	packet, err := rawclient.Question(7, "work")
	require.NoError(t, err)
	require.NoError(t, c.Send(packet))
	receive(t, begun, "the handler runs")

	result := make(chan error, 1)
	go func() { result <- s.Shutdown(t.Context()) }()
	eventually(t, "the drain has begun", func() bool { return !s.Ready() }, func() any { return nil })
	close(release)
	require.NoError(t, receive(t, result, "Shutdown returns"))
	m, err := c.Next()
	for err == nil && m.Event == "ping" {
		m, err = c.Next()
	}
	require.NoError(t, err)
	assert.Equal(t, `["done"]`, string(m.Data))
	assert.Equal(t, 1001, c.Farewell().CloseCode)
}

func TestShutdown_FunctionIgnoresItsContext_IsNamed(t *testing.T) {
	for _, test := range []struct {
		name    string
		options func(block func()) actio.Options
	}{
		{"handler", func(func()) actio.Options { return actio.Options{} }},
		{"authenticator", func(block func()) actio.Options {
			return actio.Options{Authenticate: func(context.Context, *actio.Handshake) (*actio.Principal, error) {
				block()
				return nil, errors.New("too late")
			}}
		}},
		{"disconnect callback", func(block func()) actio.Options {
			return actio.Options{
				ClientConnected:    func(_ context.Context, s *actio.Socket) { s.Close() },
				ClientDisconnected: func(*actio.Socket, actio.Reason) { block() },
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			begun, release := make(chan struct{}), make(chan struct{})
			block := func() {
				close(begun)
				<-release
			}
			o := test.options(block)
			o.Engine.DrainGrace = 50 * time.Millisecond
			s := serve(t, o)
			s.handle(t, "block", func(context.Context, *actio.Socket, *actio.Event) { block() })
			c := s.dial(t, rawclient.Options{})
			_, err := c.Join("/", nil)
			require.NoError(t, err)
			require.NoError(t, c.Send(`42["authenticate"]`))
			if test.name == "handler" {
				_, err = c.Await("authenticated")
				require.NoError(t, err)
				require.NoError(t, c.Emit("block"))
			}
			receive(t, begun, "the function runs")

			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			err = s.Shutdown(ctx)
			require.ErrorIs(t, err, actio.ErrStillRunning)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, "goroutine worker")
			c.Farewell()

			close(release)
			require.NoError(t, s.Shutdown(t.Context()), "now it has ended")
		})
	}
}
