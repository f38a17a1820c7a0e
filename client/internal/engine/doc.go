// Package engine is a client of Engine.IO protocol 4: one session over HTTP long-polling or a websocket, with the upgrade
// from the one to the other, the heartbeat, and an outgoing queue. It knows nothing of what the messages mean and does not
// reconnect; package client does.
//
//	session, err := engine.Dial(ctx, options)   // the handshake
//	err = session.Run(receive)                  // until it ends
//
// # Who runs what
//
// The goroutine of Run reads: it waits in a GET or on the websocket, calls receive for each message, in order, and watches
// that the server's heartbeat does not stop. Nothing else runs while a session is idle. Beside it there are, while they
// have something to do: one writer, started by the Send that finds none, which takes the whole queue with it; one probe,
// during an upgrade; one that says farewell.
//
// All of a session's state is under one mutex, which is never held during I/O or while receive runs.
//
// # The upgrade
//
//	probe   dials, sends 2probe, awaits 3probe               polling goes on
//	probe   pauses: no new GET, no new POST begins           the server answers the waiting GET with a noop
//	probe   both parked: sends 5, the websocket takes over   what was queued meanwhile leaves by it
//
// Whatever goes wrong before the 5 leaves the session on polling, with its queue.
package engine
