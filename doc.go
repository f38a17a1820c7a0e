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
//
// # Recovery
//
// With Options.Recovery a client whose connection was lost goes on as the socket that it was: see RecoveryOptions. Order holds
// across that: what the client missed comes before what is new, and the events that it sent before are handled, and the
// disconnect callback has run, before the connected callback of the socket that goes on.
//
// # Clusters
//
// With a client of Redis in Options.Redis any number of servers are one, those of Node.js with @socket.io/redis-adapter among
// them: every operator of a Broadcast reaches the sockets of all, and works the same without Redis. Programs without a server
// take part with an Emitter.
//
//   - Sockets of this instance are served at once, whatever becomes of Redis: local broadcasts, rooms and authentication go on
//     while it is down. Health is degraded then. With the streams adapter and Options.Recovery together events wait for it, also
//     those for own sockets: see RecoveryOptions.
//   - What one goroutine does takes effect in that order on the other instances too: SocketsJoin(room) before
//     To(room).Emit(a), and To(room).Emit(bye) before DisconnectSockets. Broadcasts of different instances have no common order.
//   - A message reaches the other instances once or not at all. What is emitted while Redis is known to be down waits in a
//     bounded buffer and leaves when the neighbours are back, or is dropped and counted; what was under way when the
//     connection broke, or a node of a Redis Cluster was replaced, is counted as unconfirmed and never sent again. See
//     Stats.Redis. What counts as delivered Redis has confirmed; a Redis that is killed just then, or that a neighbour has just
//     lost its connection to, does not pass it on to all.
//   - Questions (EmitWithAck, FetchSockets, ServerSideEmitWithAck) have results within their timeout. An instance that is dead or
//     silent is a missing entry, named when it is one of actio that is known, else counted; never an error. Nothing is
//     pending afterwards.
//   - An event without a destination reaches clients that are not authenticated unless BroadcastAuthenticatedOnly of the
//     instance that has them keeps it from them.
//   - Who can write to Redis can send anything to any client, and read what servers send, tokens in handshakes included, which
//     FetchSockets carries as Node.js does: protect it like the servers themselves.
package actio
