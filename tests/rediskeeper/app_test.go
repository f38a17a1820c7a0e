package rediskeeper

import (
	"context"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// app is told of the sockets that are connected.
type app struct {
	sockets  chan *connection.Socket
	ended    chan *connection.Socket
	entrance connection.Entrance
}

func (a *app) Entrance(string) *connection.Entrance { return &a.entrance }

func (a *app) NewSocket(h *connection.Socket) connection.Handler {
	former := h.Former()
	h.Bind(former)
	return &handler{app: a, socket: h}
}

type handler struct {
	app    *app
	socket *connection.Socket
}

func (h *handler) Connected(context.Context)             { h.app.sockets <- h.socket }
func (*handler) Event(context.Context, connection.Event) {}
func (h *handler) Disconnected(connection.Reason)        { h.app.ended <- h.socket }

// instance hands events to the registry. Of neighbours nothing else comes.
type instance struct{ registry *roomregistry.Registry }

var _ redisbridge.Instance = (*instance)(nil)

func (i *instance) Broadcast(b *roomregistry.Broadcast)           { i.registry.Broadcast(b) }
func (i *instance) MayHave(namespace, room string) bool           { return i.registry.MayHave(namespace, room) }
func (*instance) Ask(redisbridge.Question) (cancel func())        { return func() {} }
func (*instance) Rooms(context.Context, string) ([]string, error) { return nil, nil }

func (*instance) Join(context.Context, string, redisbridge.Target, []string) error { return nil }

func (*instance) Leave(context.Context, string, redisbridge.Target, []string) error { return nil }

func (*instance) Disconnect(context.Context, string, redisbridge.Target, bool) error { return nil }

func (*instance) Sockets(context.Context, string, redisbridge.Target) ([]format.Socket, error) {
	return nil, nil
}

func (*instance) ServerEvent(string, string, wire.Args, func(args ...any) error) {}
