package lifecycle

import (
	"context"
	"errors"
	"time"

	"github.com/actio-go/actio"
)

// The operations of a cluster, which are the same with and without Redis. The time that answers may take is short: customers
// do not answer everything.

const brief = 20 * time.Millisecond

func answers(r actio.Responses, err error) error {
	r.Acknowledged()
	return err
}

func serverReplies(_ actio.ServerReplies, err error) error { return err }

func serverClusterOperations() map[string]operation {
	bg := context.Background()
	return map[string]operation{
		"Server.ID":       quiet(func(a *anvil) { a.server.ID() }),
		"Server.Health":   quiet(func(a *anvil) { a.server.Health() }),
		"Server.Local":    func(a *anvil) error { return a.server.Local().Emit("local", 1) },
		"Server.Volatile": func(a *anvil) error { return a.server.Volatile().Emit("volatile", 1) },
		"Server.Compress": func(a *anvil) error { return a.server.Compress().Emit("compressed", 1) },
		"Server.Timeout":  func(a *anvil) error { return answers(a.server.Timeout(brief).EmitWithAck(bg, "question")) },
		"Server.EmitWithAck": func(a *anvil) error {
			ctx, cancel := soon()
			defer cancel()
			return answers(a.server.EmitWithAck(ctx, "question", 1))
		},
		"Server.FetchSockets": func(a *anvil) error { return fetch(a, a.server.FetchSockets) },
		"Server.SocketsJoin":  seldom(func(a *anvil) error { return a.server.SocketsJoin(bg, room()) }),
		"Server.SocketsLeave": seldom(func(a *anvil) error { return a.server.SocketsLeave(bg, room()) }),
		"Server.DisconnectSockets": seldom(func(a *anvil) error {
			if !a.ending.Load() {
				return nil // it is Broadcast.DisconnectSockets that ends some
			}
			return a.server.DisconnectSockets(bg, true)
		}),
		"Server.SendToUser": quiet(func(a *anvil) {
			a.server.SendToUser("user", actio.Message{Payload: actio.Payload{Topic: "sent"}})
		}),
		"Server.OnServerSideEmit": func(a *anvil) error {
			return a.server.OnServerSideEmit(fresh(), func(context.Context, *actio.ServerEvent) {})
		},
		"Server.ServerSideEmit": func(a *anvil) error { return a.server.ServerSideEmit("ask", 1) },
		"Server.ServerSideEmitWithAck": func(a *anvil) error {
			ctx, cancel := soon()
			defer cancel()
			return serverReplies(a.server.ServerSideEmitWithAck(ctx, "ask", 1))
		},
	}
}

func namespaceClusterOperations() map[string]operation {
	bg := context.Background()
	root := func(a *anvil) *actio.Namespace { return a.server.Root() }
	return map[string]operation{
		"Namespace.Local":    func(a *anvil) error { return root(a).Local().Emit("local", 1) },
		"Namespace.Volatile": func(a *anvil) error { return root(a).Volatile().Emit("volatile", 1) },
		"Namespace.Compress": func(a *anvil) error { return root(a).Compress().Emit("compressed", 1) },
		"Namespace.Timeout":  func(a *anvil) error { return answers(root(a).Timeout(brief).EmitWithAck(bg, "question")) },
		"Namespace.EmitWithAck": func(a *anvil) error {
			ctx, cancel := soon()
			defer cancel()
			return answers(root(a).EmitWithAck(ctx, "question", 1))
		},
		"Namespace.FetchSockets": func(a *anvil) error { return fetch(a, root(a).FetchSockets) },
		"Namespace.SocketsJoin":  seldom(func(a *anvil) error { return root(a).SocketsJoin(bg, room()) }),
		"Namespace.SocketsLeave": seldom(func(a *anvil) error { return root(a).SocketsLeave(bg, room()) }),
		"Namespace.DisconnectSockets": seldom(func(a *anvil) error {
			if !a.ending.Load() {
				return nil
			}
			return root(a).DisconnectSockets(bg, false)
		}),
		"Namespace.OnServerSideEmit": func(a *anvil) error {
			return root(a).OnServerSideEmit(fresh(), func(context.Context, *actio.ServerEvent) {})
		},
		"Namespace.ServerSideEmit": func(a *anvil) error { return root(a).ServerSideEmit("ask", 1) },
		"Namespace.ServerSideEmitWithAck": func(a *anvil) error {
			ctx, cancel := soon()
			defer cancel()
			return serverReplies(root(a).ServerSideEmitWithAck(ctx, "ask", 1))
		},
	}
}

func broadcastClusterOperations() map[string]operation {
	bg := context.Background()
	to := func(a *anvil) actio.Broadcast { return a.server.To(room()) }
	return map[string]operation{
		"Broadcast.Local":   func(a *anvil) error { return to(a).Local().Emit("local", 1) },
		"Broadcast.ToUser":  func(a *anvil) error { return to(a).ToUser("user").Emit("user", 1) },
		"Broadcast.Timeout": func(a *anvil) error { return answers(to(a).Timeout(brief).EmitWithAck(bg, "question")) },
		"Broadcast.EmitWithAck": func(a *anvil) error {
			ctx, cancel := soon()
			defer cancel()
			return answers(to(a).EmitWithAck(ctx, "question", 1))
		},
		"Broadcast.FetchSockets": func(a *anvil) error { return fetch(a, to(a).FetchSockets) },
		"Broadcast.SocketsJoin":  seldom(func(a *anvil) error { return to(a).SocketsJoin(bg, room()) }),
		"Broadcast.SocketsLeave": seldom(func(a *anvil) error { return to(a).SocketsLeave(bg, room()) }),
		"Broadcast.DisconnectSockets": seldom(func(a *anvil) error {
			return a.server.To(a.sockets.one().ID()).DisconnectSockets(bg, true)
		}),
		"Responses.Acknowledged": quiet(func(*anvil) { actio.Responses{}.Acknowledged() }),
		"NewEmitter": func(*anvil) error {
			if _, err := actio.NewEmitter(nil, actio.EmitterOptions{}); err == nil {
				return errors.New("made of nothing")
			}
			return nil
		},
		"ServerEvent.Reply":      func(a *anvil) error { return a.asked.one().Reply("again") },
		"ServerEvent.WantsReply": quiet(func(a *anvil) { a.asked.one().WantsReply() }),
	}
}

// fetch keeps what was found for remoteOperations.
func fetch(a *anvil, sockets func(context.Context) (actio.Fetched, error)) error {
	ctx, cancel := soon()
	defer cancel()
	found, err := sockets(ctx)
	for _, s := range found.Sockets {
		a.remote.add(s)
	}
	return err
}

func remoteOperations() map[string]operation {
	bg := context.Background()
	return map[string]operation{
		"RemoteSocket.Data":       func(a *anvil) error { return a.remote.one().Data(new(map[string]any)) },
		"RemoteSocket.Emit":       func(a *anvil) error { return a.remote.one().Emit("one", 1) },
		"RemoteSocket.Join":       func(a *anvil) error { return a.remote.one().Join(bg, room()) },
		"RemoteSocket.Leave":      func(a *anvil) error { return a.remote.one().Leave(bg, room()) },
		"RemoteSocket.Disconnect": seldom(func(a *anvil) error { return a.remote.one().Disconnect(bg, true) }),
		"RemoteHandshake.Header":  quiet(func(a *anvil) { a.remote.one().Handshake.Header().Set("X-Own", "1") }),
		"RemoteHandshake.Query":   quiet(func(a *anvil) { a.remote.one().Handshake.Query().Set("own", "1") }),
		"RemoteHandshake.DecodeAuth": func(a *anvil) error {
			s := a.remote.one()
			var auth struct{ User string }
			return s.Handshake.DecodeAuth(&auth)
		},
	}
}
