// Package supervisor owns the set of connections of one server: it spawns them, finds them, counts them, drains them, and
// notices when one of them dies. Its knowledge of sockets is a copy that the connections keep up to date by message.
//
// The protocol of its actor:
//
//	message                      from            effect
//	spawn                        Open            a new connection actor, or the reason why not
//	abandon                      Opening         a connection that will have no transport is stopped
//	admit                        Admit           a handshake is counted, or the reason why it may not go on
//	find, list, count            the facade      answered
//	connection.SocketOpened      a connection    a socket is listed
//	connection.SocketState       a connection    its copy of the state
//	connection.SocketClosed      a connection    no longer listed
//	roomregistry.Rebuild         a shard         every connection is asked to announce its sockets
//	actor.Terminated             the runtime     a connection is gone, whatever the cause
//	drain                        Drain           no new connections, no new events
//	closeAll                     CloseAll        all connections are closed in batches
package supervisor
