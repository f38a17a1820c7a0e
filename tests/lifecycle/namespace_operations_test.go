package lifecycle

import (
	"context"

	"github.com/actio-go/actio"
)

// The operations of namespaces and on what is listened to. What they add they take off again, or they are called seldom: the
// lists must not grow for ever.

func letIn(context.Context, *actio.Socket) error { return nil }

func stopped(stop func(), err error) error {
	stop()
	return err
}

// hooks are what a namespace and a parent of namespaces have in common.
type hooks interface {
	actio.Target
	OnConnection(f func(context.Context, *actio.Socket))
	OnDisconnect(f func(*actio.Socket, actio.Reason))
	OnAny(f actio.HandlerFunc) (stop func())
	PrependAny(f actio.HandlerFunc) (stop func())
	OffAny()
	Use(f func(context.Context, *actio.Socket) error)
}

func hookOperations(name string, of func(*anvil) hooks) map[string]operation {
	return map[string]operation{
		name + ".Handle":       func(a *anvil) error { return of(a).Handle(fresh(), noSocket) },
		name + ".Listen":       func(a *anvil) error { return stopped(of(a).Listen(fresh(), noSocket)) },
		name + ".Once":         func(a *anvil) error { return stopped(of(a).Once(fresh(), noSocket)) },
		name + ".Off":          quiet(func(a *anvil) { of(a).Off(fresh()) }),
		name + ".OffAll":       quiet(func(a *anvil) { a.parent.OffAll() }), // others need the handlers of the default namespace
		name + ".OnAny":        quiet(func(a *anvil) { of(a).OnAny(noSocket)() }),
		name + ".PrependAny":   quiet(func(a *anvil) { of(a).PrependAny(noSocket)() }),
		name + ".OffAny":       quiet(func(a *anvil) { of(a).OffAny() }),
		name + ".Use":          seldom(quiet(func(a *anvil) { of(a).Use(letIn) })),
		name + ".OnConnection": quiet(func(a *anvil) { of(a).OnConnection(func(context.Context, *actio.Socket) {}) }),
		name + ".OnDisconnect": quiet(func(a *anvil) { of(a).OnDisconnect(func(*actio.Socket, actio.Reason) {}) }),
	}
}

func socketHookOperations() map[string]operation {
	watch := func(string, actio.Args) {}
	return map[string]operation{
		"Typed": quiet(func(*anvil) {
			actio.Typed(func(context.Context, *actio.Socket, int) (int, error) { return 1, nil })
		}),
		"Socket.Listen":     func(a *anvil) error { return stopped(a.sockets.one().Listen(fresh(), noSocket)) },
		"Socket.Once":       func(a *anvil) error { return stopped(a.sockets.one().Once(fresh(), noSocket)) },
		"Socket.Off":        quiet(func(a *anvil) { a.sockets.one().Off(fresh()) }),
		"Socket.OffAll":     quiet(func(a *anvil) { a.sockets.one().OffAll() }),
		"Socket.OnAny":      quiet(func(a *anvil) { a.sockets.one().OnAny(noSocket)() }),
		"Socket.PrependAny": quiet(func(a *anvil) { a.sockets.one().PrependAny(noSocket)() }),
		"Socket.OffAny":     quiet(func(a *anvil) { a.sockets.one().OffAny() }),
		"Socket.Use": seldom(quiet(func(a *anvil) {
			a.sockets.one().Use(func(context.Context, *actio.Event) error { return nil })
		})),
		"Socket.OnAnyOutgoing":      quiet(func(a *anvil) { a.sockets.one().OnAnyOutgoing(watch)() }),
		"Socket.PrependAnyOutgoing": quiet(func(a *anvil) { a.sockets.one().PrependAnyOutgoing(watch) }),
		"Socket.OffAnyOutgoing":     quiet(func(a *anvil) { a.sockets.one().OffAnyOutgoing() }),
	}
}

func enteringOperations() map[string]operation {
	return map[string]operation{
		"Server.OfPattern":      seldom(quiet(func(a *anvil) { a.server.OfPattern(nil) })),
		"Server.OfFunc":         seldom(quiet(func(a *anvil) { a.server.OfFunc(nil) })),
		"Server.OnNewNamespace": seldom(quiet(func(a *anvil) { a.server.OnNewNamespace(func(*actio.Namespace) {}) })),
		"Server.Use":            seldom(quiet(func(a *anvil) { a.server.Use(letIn) })),
		"Namespace.Authenticate": func(a *anvil) error {
			return a.server.Root().Authenticate(actio.NamespaceAuth{})
		},
		"Namespace.Sockets": func(a *anvil) error {
			_, err := a.server.Root().Sockets(context.Background())
			return err
		},
		"Namespace.Send":   func(a *anvil) error { return a.server.Root().Send(1) },
		"Socket.Send":      func(a *anvil) error { return a.sockets.one().Send(1) },
		"Socket.In":        func(a *anvil) error { return a.sockets.one().In(room()).Emit("in", 1) },
		"Socket.Except":    func(a *anvil) error { return a.sockets.one().Except(room()).Emit("except", 1) },
		"Socket.Connected": quiet(func(a *anvil) { a.sockets.one().Connected() }),
		"Socket.Conn":      quiet(func(a *anvil) { a.sockets.one().Conn() }),
		"Conn.ID":          quiet(func(a *anvil) { a.sockets.one().Conn().ID() }),
		"Conn.Transport":   quiet(func(a *anvil) { a.sockets.one().Conn().Transport() }),
		"Conn.Handshake":   quiet(func(a *anvil) { a.sockets.one().Conn().Handshake() }),
		"Conn.Close":       seldom(quiet(func(a *anvil) { a.sockets.one().Conn().Close() })),
	}
}

func parentOperations() map[string]operation {
	bg := context.Background()
	all := func(a *anvil) actio.ParentBroadcast { return a.parent.To(room()) }
	return map[string]operation{
		"ParentNamespace.Of": func(a *anvil) error {
			_, err := a.parent.Of("/child of " + room())
			return err
		},
		"ParentNamespace.Children": quiet(func(a *anvil) { a.parent.Children() }),
		"ParentNamespace.Authenticate": func(a *anvil) error {
			return a.parent.Authenticate(actio.NamespaceAuth{None: true})
		},
		"ParentNamespace.To":                func(a *anvil) error { return a.parent.To(room()).Emit("to", 1) },
		"ParentNamespace.In":                func(a *anvil) error { return a.parent.In(room()).Emit("in", 1) },
		"ParentNamespace.ToUser":            func(a *anvil) error { return a.parent.ToUser("user").Emit("user", 1) },
		"ParentNamespace.Except":            func(a *anvil) error { return a.parent.Except(room()).Emit("except", 1) },
		"ParentNamespace.Local":             func(a *anvil) error { return a.parent.Local().Emit("local", 1) },
		"ParentNamespace.Volatile":          func(a *anvil) error { return a.parent.Volatile().Emit("volatile", 1) },
		"ParentNamespace.Compress":          func(a *anvil) error { return a.parent.Compress().Emit("compressed", 1) },
		"ParentNamespace.Emit":              func(a *anvil) error { return a.parent.Emit("all", 1) },
		"ParentNamespace.SocketsJoin":       func(a *anvil) error { return a.parent.SocketsJoin(bg, room()) },
		"ParentNamespace.SocketsLeave":      func(a *anvil) error { return a.parent.SocketsLeave(bg, room()) },
		"ParentNamespace.DisconnectSockets": func(a *anvil) error { return a.parent.DisconnectSockets(bg, false) },

		"ParentBroadcast.To":                func(a *anvil) error { return all(a).To(room()).Emit("to", 1) },
		"ParentBroadcast.In":                func(a *anvil) error { return all(a).In(room()).Emit("in", 1) },
		"ParentBroadcast.ToUser":            func(a *anvil) error { return all(a).ToUser("user").Emit("user", 1) },
		"ParentBroadcast.Except":            func(a *anvil) error { return all(a).Except(room()).Emit("except", 1) },
		"ParentBroadcast.Local":             func(a *anvil) error { return all(a).Local().Emit("local", 1) },
		"ParentBroadcast.Volatile":          func(a *anvil) error { return all(a).Volatile().Emit("volatile", 1) },
		"ParentBroadcast.Compress":          func(a *anvil) error { return all(a).Compress().Emit("compressed", 1) },
		"ParentBroadcast.Emit":              func(a *anvil) error { return all(a).Emit("emitted", 1) },
		"ParentBroadcast.SocketsJoin":       func(a *anvil) error { return all(a).SocketsJoin(bg, room()) },
		"ParentBroadcast.SocketsLeave":      func(a *anvil) error { return all(a).SocketsLeave(bg, room()) },
		"ParentBroadcast.DisconnectSockets": func(a *anvil) error { return all(a).DisconnectSockets(bg, true) },
	}
}
