// Package connection is one actor per Engine.IO session. It owns the session's transport, upgrade, heartbeat and outgoing
// queue, and the sockets (one per namespace) with their authentication, rooms and pending acknowledgements. Nothing of
// that is shared: everything that happens to it is a message.
//
// Two layers live in the actor. The session (connection.go, polling.go, write.go, lane.go, deadlines.go, close.go) knows
// nothing of what messages mean; the sockets (namespaces.go, auth.go, authenticate.go, rooms.go, acks.go) know nothing of
// transports. The lower one is usable alone: Env.Raw.
//
// Beside the actor, with their own rules: Session is the reading side, in whose readers' goroutines packets are decoded;
// gate is the back-pressure between readers and handlers, and holds the acknowledgements that an Ask awaits of the session,
// because a shard expects them, the actor takes them in, a reader gives them up, and anybody may cancel; inbox runs user code
// in order, on a worker; watcher tells what goes out, likewise. User code never runs within Receive.
//
// Two things that most servers do not have stand aside: parser.go (Options.Parser) and revision3.go (clients of Socket.IO 2).
// Neither costs those anything that have neither but a look at a flag, which a lane of prepared bytes had before.
//
// The protocol of the actor:
//
//	message                        from                      effect
//	Begin                          the supervisor's caller   opens the session on its first transport
//	received                       a reader                  one packet of the client
//	pollOpened, pollAborted        a GET                     waits for packets; aborted: the session ends
//	probeOpened                    a websocket               candidate for the upgrade
//	controlQueued                  a reader                  a pong or close reply, written in order with all else
//	attachmentsAwaited             a reader                  a deadline for the rest of a binary packet
//	transportClosed                a reader                  its end
//	written                        the temporary writer      the next batch, or back to non-blocking writes
//	due                            the alarm                 whatever deadline has passed
//	roomregistry.Delivery          a shard                   a run of broadcasts; with a Roll, an event of Ask: from now on
//	                                                         its acknowledgement counts
//	emit, joinRooms, leaveRooms,   the application           as their names say
//	listRooms, disconnectSocket,
//	pingSocket, watchSocket,
//	forceAuthenticated
//	ackCancelled                   EmitWithAck               its wait ended otherwise
//	claimed                        Recovery                  the session that a client wants to go on with, or why not
//	claimLate                      the clock                 none came: the client begins afresh
//	roomregistry.Restored          a shard, the sequencer    the socket of that session is attached: what its client missed
//	roomregistry.Marked            a shard                   how far it has come with what is meant for a socket
//	surrender                      Recovery                  the client of a socket is elsewhere
//	verdict                        the verifier              its answer, with the number of the attempt
//	roomregistry.Announce          the supervisor            tell a shard about the sockets it owns
//	Drain, Shutdown, Abort         the supervisor            refuse new events; close in good order; close at once
//
// Connection state recovery (recovery.go, claim.go): with Env.Recovery, a CONNECT that names a session waits until that is given,
// by whoever had it, and the registry has attached the socket in its place; then CONNECT is answered with the former ids, the
// former state of authentication is taken up, and what was missed is sent. Events for one socket are broadcasts then, so that
// they are remembered with the others. A socket knows how far its client can have come, see Progress.
//
// What it tells: SocketOpened, SocketState and SocketClosed to the supervisor; Attach, Authenticated, Join, Leave and
// Detach to the socket's shard of the registry.
package connection
