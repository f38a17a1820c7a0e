// Package actors is what all actors of one server share: the System that spawns and stops them, their mailboxes, the
// guard around Receive, the clock that makes every timer, and the workers that run user code. It is the only place
// that knows how the actor library behaves; nothing in it knows what the actors are for.
//
// # The parts
//
//	System    spawn, send, stop, goroutines by name, panic reports, Close
//	Inline    mailbox whose actor runs in the goroutine of whoever sends to it (connections)
//	Queued    mailbox whose actor runs in a goroutine of its own, one per burst (registry, supervisor)
//	Light     a Queued one that runs short messages like Inline (rooms)
//	Guard     recovers in Receive: stack trace, count, and no zombies
//	Clock     timers and deadlines, counted by name: zero armed after shutdown
//	Alarm     a message to an actor after a while, together with those of many others (connections)
//	Workers   goroutines for user code; grows when all are busy, shrinks when they idle
//
// # Guarantees
//
//   - Messages of one sender to one actor are handled in the order sent. An actor handles one message at a time.
//   - System messages (started, stop, watch, terminated, failure, restart) precede all user messages that wait, and are
//     never handled in the goroutine that caused them: Started runs in a goroutine of the new actor (unless its mailbox is
//     InlineFromStart), so that spawning, stopping and supervising cost the caller nothing but a post. Spawn may therefore
//     return before Started has run; a message sent meanwhile waits behind it.
//   - Whoever sends to an inline actor handles at most 16 messages of it (its own and those that others add meanwhile),
//     then a goroutine takes over. Inline actors therefore must not block or wait in Receive, and whoever sends to
//     one must not hold a lock that its Receive takes.
//   - A send allocates nothing: not for a waiting message, not for waking an actor. (Converting a non-pointer to the
//     interface may allocate; send pointers.)
//   - A panic in Receive reaches the supervision, never the sender. The parent decides in its own goroutine; for an actor
//     without a parent the library's decider runs where the panic was. runtime.Goexit in Receive ends the goroutine it runs
//     in, which may be the sender's, but not the actor.
//
// # Deviations from the mailboxes of the actor library
//
// The dispatcher of the Props is not used, mailbox middleware is not supported, and actor.MessageBatch has no special
// meaning. A message that arrives between the registration of the name and the end of the spawn waits instead of
// panicking.
package actors
