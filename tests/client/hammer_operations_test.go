package client_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio/client"
)

// operations are what the goroutines of the hammer do, by the method that they call.
func (h *hammer) operations() map[string]func(context.Context) {
	all := h.socketOperations()
	maps.Copy(all, h.handlerOperations())
	maps.Copy(all, h.helperOperations())
	m := h.Socket().Manager()
	maps.Copy(all, map[string]func(context.Context){
		"Manager.Socket": func(context.Context) {
			if s, err := m.Socket("/foo", client.SocketOptions{}); err == nil {
				assert.Same(h.test, h.foo, s)
			}
		},
		"Manager.Transport":     func(context.Context) { _ = m.Transport() },
		"Manager.Close":         func(ctx context.Context) { _ = m.Close(ctx) },
		"the server cuts":       h.rarely(func(ctx context.Context) { _ = h.cut(ctx) }),
		"a namespace is absent": func(ctx context.Context) { h.absent(ctx, m) },
	})
	return all
}

// any is one of the two sockets.
func (h *hammer) any() *client.Socket {
	if rand.IntN(2) == 0 {
		return h.foo
	}
	return h.Socket()
}

// rarely is for what ends connections: between two of them there is time for everything else.
func (h *hammer) rarely(f func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		last, now := h.lastBroken.Load(), time.Now().UnixNano()
		if now-last > int64(100*time.Millisecond) && h.Socket().Connected() && h.lastBroken.CompareAndSwap(last, now) {
			f(ctx)
			h.broken.Add(1)
		}
	}
}

func (h *hammer) absent(ctx context.Context, m *client.Manager) {
	if s, err := m.Socket("/absent", client.SocketOptions{}); err == nil {
		_ = s.ConnectAndWait(ctx)
	}
}

func (h *hammer) socketOperations() map[string]func(context.Context) {
	return map[string]func(context.Context){
		"Socket.Manager":        func(context.Context) { assert.Same(h.test, h.Socket().Manager(), h.any().Manager()) },
		"Socket.Namespace":      func(context.Context) { assert.NotEmpty(h.test, h.any().Namespace()) },
		"Socket.ID":             func(context.Context) { _ = h.any().ID() },
		"Socket.Connected":      func(context.Context) { _ = h.any().Connected() },
		"Socket.Active":         func(context.Context) { _ = h.any().Active() },
		"Socket.Recovered":      func(context.Context) { _ = h.any().Recovered() },
		"Socket.Connect":        func(context.Context) { _ = h.any().Connect() },
		"Socket.ConnectAndWait": func(ctx context.Context) { _ = h.any().ConnectAndWait(ctx) },
		"Socket.Disconnect":     h.rarely(func(context.Context) { h.any().Disconnect() }),
		"Socket.Emit":           func(context.Context) { _ = h.any().Emit("echo", "x") },
		"Socket.EmitVolatile":   func(context.Context) { _ = h.any().EmitVolatile("echo", []byte{1}) },
		"Socket.EmitWithAck":    func(ctx context.Context) { _, _ = h.any().EmitWithAck(ctx, "echo") },
		"a question":            func(context.Context) { _ = h.any().EmitVolatile("ask", 1) },
		"an authentication":     func(context.Context) { h.admit() },
		"a burst":               func(context.Context) { _ = h.any().EmitVolatile("burst", 5) },
	}
}

func (h *hammer) handlerOperations() map[string]func(context.Context) {
	nothing := func(context.Context, *client.Socket, *client.Event) {}
	return map[string]func(context.Context){
		"Socket.Handle": func(context.Context) {
			sub, err := h.any().Handle("echo", nothing)
			if assert.NoError(h.test, err) {
				h.sub.Store(sub)
			}
		},
		"Socket.HandleAny": func(context.Context) {
			sub, err := h.any().HandleAny(nothing)
			if assert.NoError(h.test, err) {
				sub.Cancel()
			}
		},
		"Socket.HasHandlers":    func(context.Context) { _ = h.any().HasHandlers("echo") },
		"Socket.RemoveHandlers": func(context.Context) { h.any().RemoveHandlers("echo") },
		"Socket.OnConnect":      func(context.Context) { h.any().OnConnect(func(context.Context) {}).Cancel() },
		"Socket.OnDisconnect": func(context.Context) {
			h.any().OnDisconnect(func(context.Context, client.Reason, error) {}).Cancel()
		},
		"Socket.OnConnectError": func(context.Context) { h.any().OnConnectError(func(context.Context, error) {}).Cancel() },
		"Subscription.Cancel": func(context.Context) {
			if sub := h.sub.Load(); sub != nil {
				sub.Cancel()
			}
		},
		"Subscription.Event": func(context.Context) {
			if sub := h.sub.Load(); sub != nil {
				assert.Equal(h.test, "echo", sub.Event())
			}
		},
		"Event.WantsReply": func(context.Context) {
			if q := h.asked.Load(); q != nil {
				assert.True(h.test, q.event.WantsReply())
			}
		},
		"Event.Reply": func(context.Context) { h.reply() },
	}
}

func (h *hammer) reply() {
	q := h.asked.Load()
	if q == nil {
		return
	}
	switch err := q.event.Reply("x"); {
	case err == nil:
		h.replied.Add(1)
		assert.EqualValues(h.test, 1, q.replies.Add(1), "acknowledged once")
	case errors.Is(err, client.ErrAcknowledged), errors.Is(err, client.ErrDisconnected), errors.Is(err, client.ErrClosed):
	default:
		assert.NoError(h.test, err)
	}
}

// noted is a message with a callback.
func noted() client.Message {
	return client.Message{Topic: "echo", Data: 1, Log: true, Callback: func(context.Context) {}}
}

func (h *hammer) helperOperations() map[string]func(context.Context) {
	nothing := func(context.Context, *client.Event) error { return nil }
	return map[string]func(context.Context){
		"Helper.Identifier":   func(context.Context) { assert.Equal(h.test, "C1", h.Identifier()) },
		"Helper.Socket":       func(context.Context) { _ = h.Socket() },
		"Helper.State":        func(context.Context) { _ = h.State() },
		"Helper.Configure":    func(context.Context) { assert.NoError(h.test, h.Configure()) },
		"Helper.Connect":      func(context.Context) { h.Connect() },
		"Helper.Disconnect":   h.rarely(func(context.Context) { h.Disconnect() }),
		"Helper.Authenticate": func(ctx context.Context) { _ = h.Authenticate(ctx) },
		"Helper.Emit":         func(context.Context) { _ = h.Emit(noted()) },
		"Helper.JoinRooms":    func(context.Context) { _ = h.JoinRooms("r") },
		"Helper.LeaveRooms":   func(context.Context) { _ = h.LeaveRooms("r") },
		"Helper.Subscribe":    func(context.Context) { h.Subscribe("a", nothing) },
		"Helper.SubscribeMany": func(context.Context) {
			h.SubscribeMany(map[string]client.EventHandler{"a": nothing, "b": nothing}, client.AllowDuplicate)
		},
		"Helper.Unsubscribe": func(context.Context) {
			h.Unsubscribe("a", h.Subscribe("a", nothing, client.AllowDuplicate))
		},
		"Helper.UnsubscribeMany": func(context.Context) { h.UnsubscribeMany("a", "b") },
		"Helper.Shutdown":        func(ctx context.Context) { _ = h.Shutdown(ctx) },
	}
}
