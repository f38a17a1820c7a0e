// Package redisbridge joins this instance to the others through Redis: instances of actio, Node.js servers with the official
// adapters, and emitters of programs without a server. It owns the neighbours, the requests that are under way between them
// and us, and what is listened to. What it knows of sockets it asks the Instance, each time.
//
// The layers below it are format, which knows how the others write (the dialects), and link, which keeps the connections.
//
// # Protocol
//
// Of its actor; all messages travel as pointers, names are not exported:
//
//	message        from              effect
//	opened         Start             the link is there: what is wanted is listened to
//	addNamespace   AddNamespace      the channels of a namespace are listened to
//	removeNamespace RemoveNamespace  and no longer
//	roomChanged    RoomChanged       the channel of a room is, or no more
//	changed        the link          a connection is up or down: Status; when all are up again: hello
//	hello          Start, itself     the neighbours are told that we are here
//	member         a neighbour       it lives (Hello, Beat) or leaves (Bye); a Hello is answered with a Beat
//	beatDue        the clock         the neighbours hear of us
//	peersDue       the clock         neighbours that were silent for too long are forgotten
//	listened       a goroutine       which namespaces somebody else listens to (SkipUnheard)
//	begin          Fetch, Ask, ...   answers to a request of ours are collected from now on
//	expect         Fetch, Ask, ...   how many neighbours will answer, as Redis says
//	answered       a neighbour       an answer; the last one that is awaited ends the request
//	recounted      recount           how many listen, counted again because somebody is gone or has come
//	conclude       Fetch, Ask, ...   the time is up, or Redis is down: the request ends with what has come
//	question       a neighbour       a request that has to wait for the Instance: on one of a few goroutines
//	questionDone   a goroutine       the next one
//	asking         a neighbour       local sockets have been asked for it
//	askingDone     sockets, clock    all have answered, or the time is up: nothing more is awaited
//	leave          Leave             farewell
//	over           Close             everything is let go of
//
// Not all passes the actor. What is emitted goes straight to the link, in the goroutine of the caller. What neighbours broadcast
// goes straight to the Instance, in the goroutine that reads from Redis; what they want done with sockets (join, leave,
// disconnect) is done there as well before the next message is read.
//
// # Guarantees
//
//   - What one goroutine emits leaves in that order; its requests leave behind it. What comes from one neighbour takes effect in
//     the order in which it comes. In a Redis Cluster the sharded adapter has an order for each channel only.
//   - What is emitted to a room behind its Join reaches who was joined, although its instance may not listen to the room yet: rooms
//     that were joined a moment ago are reached by the channel of their namespace.
//   - The own echo, and what is for rooms without local members, is dropped before its data is decoded. What is decoded is
//     decoded once. Garbage is counted, and logged at most once a second.
//   - A request ends: by the last answer, by its time, by its context, or by Close. Nothing of it is left then.
//   - A neighbour that does not answer is an entry in Missing, never an error. Instances of actio know each other by heartbeat and
//     are named; of others there is the number, which Redis knows.
//   - Neighbours, however many and whatever they say, cannot make the actor wait, nor start goroutines without bound: what they
//     ask waits in bounded queues, and what does not fit there is dropped and counted.
//   - Down is a state, not an error: what is emitted waits in the link's buffer, requests end at once with every neighbour
//     missing and are not sent later, and everything resumes by itself.
//
// # Who is missing
//
// Redis tells how many instances listen to a namespace; a request waits for as many answers, less our own. These are numbers, and
// who listens changes. So when as many have answered, but a neighbour that is known has not, or one has that was not known,
// Redis is asked once more: another may have answered in the place of one that has not. The same when a neighbour that is awaited
// leaves or dies; and from then on whenever somebody comes or goes. Of those that are counted then, who has come since the
// question need not have got it, and who has answered and gone does not stand for anybody.
//
// If the number is right then, a neighbour without an answer is dead, as what is dead listens to nothing: it is missing. The only
// other reason is that it has not got the namespace; who is heard of again after such a silence counts as one of these until it
// speaks. When the time is up, known neighbours without an answer are missing by name, and what Redis counted beyond them is
// missing unnamed. When Redis cannot be asked nobody is, and nobody knows how many there are: Missing.Unreached.
//
// What cannot be told: a server of Node.js without a name (classic adapter) that begins to listen between count and question, and
// answers in the place of another such that is slower.
//
// # A crash
//
// A panic in Receive is reported, and the actor goes on with the next message: what it knows is derived from messages each of
// which is true by itself. The pending requests end with what has come, as one of them may have lost an answer.
//
// # Another adapter
//
// An adapter over Redis streams, with recovery of connections, fits beside the two without touching them:
//
//   - Its messages are a format.Dialect: Encode and Decode of entries, with the name of the stream for a channel. What goes over
//     pub/sub with that adapter (requests with answers, their answers) is a Frame as ever; a further field of Frame, as Sharded is
//     one, says that a message is an entry of a stream. Options.dialect is the one place that chooses.
//   - Its transport is a linkage, the interface below which the bridge knows nothing: Emit adds an entry, the reading loop
//     calls Received with the entries in order, Changed with what becomes of the connection. It may wrap a link.Link for all that
//     stays pub/sub, and a Count of Subscriptions counts as before.
//   - Recovery is a matter between that linkage and the facade. The offset that an entry got comes with the outcome of Emit,
//     or with the entry itself to neighbours: a field of format.Message that the other dialects leave empty, passed on to
//     Instance.Broadcast with the event. Persisted sessions are keys of Redis, not messages: the facade asks the linkage for
//     them, and the actor has no part in it.
package redisbridge
