// Package transport moves the bytes of Engine.IO sessions: HTTP long-polling and WebSocket, protocol revision 4, and 3 where
// Config.AllowEIO3 says so.
//
// It knows requests, limits and sockets; it does not know what a session is. [Handler] verifies a request in the
// order of the Engine.IO server, applies CORS and the guards of a development server, reads bodies within their
// limit, upgrades websockets, and hands the result to the layer above through [Sessions] and [Session]:
//
//	request                      becomes
//	GET  without sid, polling    Sessions.Open, Opening.Begin(*Poll)
//	GET  without sid, websocket  Sessions.Open, Opening.Begin(*WebSocket), or Abandon when the upgrade fails
//	GET  with sid                Session.Poll, Session.PollAborted when the client leaves first
//	POST with sid                Session.Post
//	websocket with sid           Session.Probe
//
// # Goroutines
//
// A poll or a post occupies the goroutine of its HTTP request until it is answered. A websocket has one goroutine,
// its reader, which [WebSocket.Start] hands to the ledger of the caller; the HTTP handler returns right after the
// upgrade and nothing of the request is retained. The package starts no other goroutine and arms no timer: what must
// end in time has a deadline on its socket.
//
// # Writing a websocket
//
// One party writes: the session, with [WebSocket.TryWrite] (one non-blocking system call) or, where the socket has
// no descriptor of its own or its buffer is full, with [WebSocket.WriteAll] from a goroutine that may block. The two
// are never used at the same time: the descriptor's write lock would make the non-blocking call wait. The reader writes
// nothing by itself: the pongs and close replies that it makes arrive at [Receiver.Control] as frames to be queued like any
// other.
//
// # Reading a websocket
//
// The websocket library speaks the handshake. Frames are read here (frames.go, input.go): a connection of the library holds
// 2 KiB while it is idle and costs about 1 us more per message, and it takes the end of a connection for the end of a fragmented
// message. FuzzReader holds the two against each other. A connection that waits holds no buffer, and its reader waits outside of
// everything else, so that a fresh goroutine keeps the 2 KiB of stack that it begins with; readers are replaced by fresh ones
// when a client is likely to fall silent.
//
// # The end of a websocket
//
// [WebSocket.FinishWrites] after the last byte: the sending half is closed, the reader discards what still comes until
// the peer closes or the linger time is over. A socket that is closed with unread input resets the connection, and a
// reset destroys a farewell the peer has not read yet. [WebSocket.Abort] closes at once.
package transport
