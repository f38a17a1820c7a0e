// Package client is a Socket.IO client (Engine.IO protocol 4, Socket.IO protocol 5): for services that speak to each other
// through servers of actio or of Node.js, and for programs that a browser's page would otherwise be.
//
//	socket, err := client.Dial(ctx, "http://127.0.0.1:3000/chat", client.Options{Path: "/io"}, client.SocketOptions{Auth: auth})
//	client.On(socket, "message", func(ctx context.Context, s *client.Socket, m Message) (client.None, error) { … })
//	answer, err := socket.EmitWithAck(ctx, "say", "hello")
//	…
//	socket.Manager().Close(ctx)
//
// A Manager holds one connection, which the Sockets of any number of namespaces share. It reconnects by itself, with delays
// that grow, for ever unless told otherwise. A Helper is a socket with what the client of Ignis (the framework whose Socket.IO
// component actio implements for Go, "the reference") adds: state of authentication, callbacks that cannot crash the program,
// subscriptions, rooms.
//
// # Guarantees
//
//   - What one goroutine emits on a socket arrives in that order, at most once; with SocketOptions.Retries at least once. What is
//     emitted after a Disconnect does not wait for what was emitted before it.
//   - Handlers of a socket run one at a time, in the order of what came: first the connection, then its events, last its end.
//     An acknowledgement is not an event: EmitWithAck returns when it comes, whatever handlers run.
//   - A handler may call everything, also EmitWithAck, ConnectAndWait and Close, with its context. What it does cannot end the
//     program or the connection.
//   - What waits is bounded, in both directions: see Options.SendBuffer and Options.InboxEvents. A server that is gone is noticed
//     within its pingInterval + pingTimeout, unless full inboxes keep it from being read.
//   - After Close returned nil no goroutine and no timer is left, but for the last steps of what was cut off.
//
// # Inside
//
// One mutex of the Manager guards its state and that of its sockets. It is never held while I/O is done or code of the
// application runs; everything under it is short and waits for nothing. An idle websocket has one goroutine, its reader; an
// idle poll has those of net/http beside it.
// Package internal/engine is the Engine.IO layer.
package client
