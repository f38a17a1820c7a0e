// Package recovery keeps the sessions of sockets in the memory of this process, for clients whose transport was lost and who come
// back: connection state recovery. It owns, for each session, whether it is live, kept or claimed, and by whom; what was missed
// meanwhile is the registry's (roomregistry.Options.History).
//
// One actor, the keeper, is told of all sockets from their beginning, and so finds the socket of a session that is claimed before
// its old transport is known to be dead.
//
//	message    sender -> receiver         effect
//	opened     connection -> keeper       the session is live; a claim of it is settled
//	ended      connection -> keeper       the session is kept for Options.Duration, or over
//	claim      connection -> keeper       the session is given away: at once, or when its live socket has surrendered
//	unclaim    connection -> keeper       a claim is void; whoever claims next gets the session
//	spent      connection -> keeper       the session was given and is of no use: it is over
//	expire     clock -> keeper            sessions that nobody came for are over
//	(answer)   keeper -> connection       connection.Claim.Answer
//	Surrender  keeper -> old connection   its client is elsewhere: it ends, and tells so
//	Release    keeper -> shard            the rooms of a session that is over need not be listened to any more
//
// # A claim
//
// Who claims gets the session as it is, and settles that: by opened, when the new socket has taken its place in the registry; by
// unclaim, when its own transport is lost before, so that the session waits for the next attempt; by spent. Meanwhile one more
// may claim. It gets the session if the first gives it back, and is refused (connection.ErrSessionTaken) when the first has it.
//
// # Another way to keep sessions
//
// A store that outlives the process, as a stream in Redis does, takes the place of this package by connection.Recovery:
//
//   - it gives each event its offset before it is handed to the registry, by roomregistry.WithOffset, events for
//     one socket (Emit, with Broadcast.Socket set) included, and hands out all of them in the order in which it remembers them;
//     the registry has no Options.History then;
//   - Opened, Changed and Ended tell it of the socket's id, private id and rooms while the socket lives, so that it can store
//     them beforehand, for the case that the process dies;
//   - Claim is answered with a Kept without Former: Rooms, Principal, and Data as it was stored;
//   - Restore is answered by roomregistry.Registry.Replay, in the one goroutine that hands out events, with the events between
//     the client's offset and the last that was handed out. What is handed out afterwards the registry brings behind them. A
//     failure is answered by sending Restored with an error to the member.
package recovery
