package client_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/client"
	"github.com/actio-go/actio/tests/internal/jsserver"
)

// anvil is a server to hammer against. It acknowledges "echo", answers "ask" with a "question" that wants a reply, and "burst"
// with that many events "burst", in the namespaces / and /foo.
type anvil struct {
	url, path     string
	authenticates bool
	cut           func(ctx context.Context) error // breaks all connections
}

func actioAnvil(t *testing.T) anvil {
	t.Helper()
	b, ok := startActio(t).(*actioBackend)
	require.True(t, ok)
	foo, err := b.server.Of("/foo")
	require.NoError(t, err)
	for _, n := range []*actio.Namespace{b.server.Root(), foo} {
		require.NoError(t, n.Handle("echo", func(_ context.Context, _ *actio.Socket, e *actio.Event) { _ = e.Reply() }))
		require.NoError(t, n.Handle("ask", func(ctx context.Context, s *actio.Socket, _ *actio.Event) {
			ctx, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
			defer cancel()
			_, _ = s.EmitWithAck(ctx, "question", 1)
		}))
		require.NoError(t, actio.On(n, "burst", func(_ context.Context, s *actio.Socket, n int) (actio.None, error) {
			for range n {
				_ = s.Emit("burst")
			}
			return actio.None{}, nil
		}))
	}
	return anvil{b.url(), b.path(), true, func(ctx context.Context) error { return b.server.DisconnectSockets(ctx, true) }}
}

func nodeAnvil(t *testing.T) anvil {
	t.Helper()
	server := jsserver.Start(t, jsserver.Options{})
	return anvil{server.URL(), "/socket.io", false, server.Cut}
}

// hammer is a client and what its goroutines share.
type hammer struct {
	*client.Helper
	anvil
	test  *testing.T
	foo   *client.Socket // the other namespace, with retries
	calm  atomic.Bool    // the handlers do nothing any more
	sub   atomic.Pointer[client.Subscription]
	asked atomic.Pointer[question]

	burst, replied, broken atomic.Int64 // events that handlers got, questions that were answered, connections that were ended
	lastBroken             atomic.Int64 // when, in ns
}

// question is an event that wants to be acknowledged, which only one goroutine must succeed with.
type question struct {
	event   *client.Event
	replies atomic.Int32
}

// TestHammer calls every method from 64 goroutines and from handlers while the connection is cut again and again.
func TestHammer_EveryMethodFrom64Goroutines(t *testing.T) {
	for name, start := range map[string]func(*testing.T) anvil{"actio": actioAnvil, "node": nodeAnvil} {
		t.Run(name, func(t *testing.T) {
			a := start(t)
			h := newHammer(t, a)
			everyMethod(t, h.operations())
			closers := []string{"Manager.Close", "Helper.Shutdown"}
			h.swing(func() bool { return h.burst.Load() >= 100 && h.replied.Load() >= 5 && h.broken.Load() >= 20 }, closers...)
			h.works(t)
			for range 5 { // and the client is closed meanwhile
				h = newHammer(t, a)
				h.swing(func() bool { return h.burst.Load() >= 5 }, closers...)
				var n atomic.Int32
				h.swing(func() bool { return n.Add(1) > 1000 })
				h.isOver(t)
			}
		})
	}
}

// isOver fails when a client that was closed still does something.
func (h *hammer) isOver(t *testing.T) {
	t.Helper()
	ctx := within(t)
	require.NoError(t, h.Shutdown(ctx))
	require.NoError(t, h.Socket().Manager().Close(ctx))
	require.ErrorIs(t, h.Socket().Emit("echo"), client.ErrClosed)
	require.ErrorIs(t, h.foo.Connect(), client.ErrClosed)
	assert.Equal(t, client.Unauthorized, h.State())
	assert.Empty(t, h.Socket().Manager().Transport())
}

func newHammer(t *testing.T, a anvil) *hammer {
	t.Helper()
	h := &hammer{anvil: a, test: t}
	o := client.HelperOptions{
		Identifier: "C1", Host: a.url, NoAutoConnect: true, AutoAuthenticate: a.authenticates,
		Options: quick(client.Options{Path: a.path, SendBuffer: 4 << 10}),
		Socket: client.SocketOptions{AckTimeout: 50 * time.Millisecond, AuthFunc: func(context.Context) (any, error) {
			return credentials{"good"}, nil
		}},
	}
	if !a.authenticates {
		o.AuthenticateTimeout = 5 * time.Millisecond // nobody answers
	}
	calls := callbacks(&o)
	go func() {
		for range calls { // nobody looks at them
		}
	}()
	var err error
	h.Helper, err = client.NewHelper(o)
	require.NoError(t, err)
	t.Cleanup(func() {
		closed(t, h.Socket().Manager())
		close(calls)
	})
	h.foo, err = h.Socket().Manager().Socket("/foo", client.SocketOptions{
		Auth: credentials{"good"}, Retries: 1, AckTimeout: 20 * time.Millisecond,
	})
	require.NoError(t, err)
	for _, s := range []*client.Socket{h.Socket(), h.foo} {
		_, err = s.Handle("question", func(_ context.Context, _ *client.Socket, e *client.Event) {
			h.asked.Store(&question{event: e})
		})
		require.NoError(t, err)
	}
	h.Connect()
	require.NoError(t, h.foo.Connect())
	return h
}

// swing calls the operations from 64 goroutines, and from the handlers of "burst", until it is enough.
func (h *hammer) swing(enough func() bool, except ...string) {
	h.calm.Store(false)
	operations := h.operations()
	maps.DeleteFunc(operations, func(name string, _ func(context.Context)) bool { return slices.Contains(except, name) })
	all := slices.Collect(maps.Values(operations))
	do := func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		all[rand.IntN(len(all))](ctx)
	}
	for _, s := range []*client.Socket{h.Socket(), h.foo} {
		sub, err := s.Handle("burst", func(ctx context.Context, _ *client.Socket, _ *client.Event) {
			h.burst.Add(1)
			if !h.calm.Load() {
				do(ctx)
			}
		})
		if assert.NoError(h.test, err) {
			defer sub.Cancel()
		}
	}
	deadline := time.Now().Add(3 * patience)
	var workers sync.WaitGroup
	for range 64 {
		workers.Go(func() {
			rest := time.NewTicker(10 * time.Millisecond) // or a server on the same cores comes to nothing
			defer rest.Stop()
			for ; !enough(); <-rest.C {
				if time.Now().After(deadline) {
					h.test.Errorf("%d events in handlers, %d replies, %d ends", h.burst.Load(), h.replied.Load(), h.broken.Load())
					return
				}
				do(h.test.Context())
			}
		})
	}
	workers.Wait()
	h.calm.Store(true)
}

// works tells whether the client is well after all that. A handler that was under way may once more disconnect it.
func (h *hammer) works(t *testing.T) {
	t.Helper()
	for _, s := range []*client.Socket{h.Socket(), h.foo} {
		require.Eventually(t, func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if s.ConnectAndWait(ctx) != nil {
				return false
			}
			h.admit()
			_, err := s.EmitWithAck(ctx, "echo")
			return err == nil && (!h.authenticates || h.State() == client.Authenticated)
		}, patience, 10*time.Millisecond, s.Namespace())
	}
}

// admit authenticates the namespace that the helper does not.
func (h *hammer) admit() { _ = h.foo.EmitVolatile("authenticate") }

// everyMethod fails when a method of the package's types has no operation.
func everyMethod(t *testing.T, operations map[string]func(context.Context)) {
	t.Helper()
	for _, typ := range []reflect.Type{
		reflect.TypeFor[*client.Manager](), reflect.TypeFor[*client.Socket](), reflect.TypeFor[*client.Subscription](),
		reflect.TypeFor[*client.Event](), reflect.TypeFor[*client.Helper](),
	} {
		for method := range typ.Methods() {
			assert.Contains(t, operations, typ.Elem().Name()+"."+method.Name)
		}
	}
}
