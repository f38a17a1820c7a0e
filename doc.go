// Package actio is a Socket.IO v4 server (Engine.IO protocol 4, Socket.IO protocol 5) made of actors.
//
//	server, err := actio.New(actio.Options{Authenticate: authenticate})
//	if err != nil { … }
//	if err := server.Configure(ctx); err != nil { … }
//	http.ListenAndServe("127.0.0.1:3000", server)
//	…
//	server.Shutdown(ctx)
//
// Every exported method is safe for concurrent use, may be called from any handler, and before, during and after the end
// of what it works on: then it returns ErrClosed, or does nothing where it returns nothing.
//
// # Order
//
// What one goroutine does takes effect in that order for each socket it concerns, broadcasts included:
//
//   - To(room).Emit(a) before socket.Emit(b): every member of the room that is this socket gets a before b;
//   - To(room).Emit(bye) before socket.Disconnect: bye arrives;
//   - socket.Join(room) before To(room).Emit(a): the socket gets a;
//   - a handler's emits before its acknowledgement.
//
// All members of a namespace see broadcasts in one order, whoever made them. The events of one socket are handled one at a
// time, in the order in which the client sent them; different sockets are handled in parallel. The connected callback runs
// before any event, the disconnect callback after all. On the wire `authenticated` precedes whatever authentication causes.
package actio
