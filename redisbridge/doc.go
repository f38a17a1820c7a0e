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
//	sessionChanged KeepSession, ...  a session is written, now and before it expires, or forgotten, by its holder
//	sessionTaken   a neighbour       it has taken a session: it is written, which shows whether it has
//	sessionsDue    the clock         sessions that would expire are written again
//	sessionsWritten a goroutine      the next ones
//	sessionPending TakeSession       what is to be written of a session has been, or Redis is down
//	sessionsDrain  Close             all are written, or Redis is down
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
//   - What is emitted to a room behind its Join reaches who was joined, although its instance may not listen to the room yet:
//     rooms that were joined a moment ago are reached by the channel of their namespace.
//   - The own echo, and what is for rooms without local members, is dropped before its data is decoded. What is decoded is
//     decoded once. Garbage is counted, and logged at most once a second.
//   - A request ends: by the last answer, by its time, by its context, or by Close. Nothing of it is left then.
//   - A neighbour that does not answer is an entry in Missing, never an error. Instances of actio know each other by heartbeat
//     and are named; of others there is the number, which Redis knows.
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
// # Streams
//
// With the streams adapter a message for everybody is an entry of a stream, and what is asked and answered goes over channels. A
// stream remembers: an instance without a connection reads on where it was when it is back, and has missed nothing but what
// Options.Streams.MaxLen newer entries have pushed out. What one goroutine emits leaves in order, but a neighbour gets entries on
// one connection and requests on another: it may answer a request before it has done what was emitted just before.
//
// What is published without a Delivered may be there or not (link.Unconfirmed), as with the other adapters. What Redis has
// confirmed is read by everybody, once.
//
// # Recovery
//
// With Options.Recovery a client whose transport was lost goes on with its session on any instance, of actio or Node.js:
//
//   - A Broadcast is handed to the sockets of its own instance when it is read back, not before (Echoes): all instances hand out
//     the entries of a stream in its order, so that the last offset which a client has says that it has got all before it.
//     Node.js hands out its own events when Redis has confirmed them, between those of others: there a client that has got a
//     later one before an earlier one misses or repeats one when it recovers. What Redis did not get, or pushed out before it
//     was read, local sockets get without an offset. CatchUp waits until everything has come back, but not for a Redis that is
//     down: what is done to sockets then overtakes it.
//   - A stream goes back when it is deleted, or lost with a server, and the clock of the next one is behind: new ids are
//     smaller than what was read. The reader notices when it connects anew, and reads on from the end of the new one. Local
//     sockets get own Broadcasts once all the same; those of others that were added before it noticed are lost. Who replays
//     begins afresh.
//   - The offset is the last argument of each event but those that may be lost and those that ask for acknowledgements. Official
//     clients take any string in that place for it: one who gets such an event with a string last, and nothing after it, does not
//     recover. It is so with Node.js, too.
//   - KeepSession writes the session of a socket when it is opened, and again in good time before it would expire, so that it can
//     be taken up when the process was killed. Node.js writes it when the transport is lost, or the server is closed in good
//     order: of a Node.js server that is killed nothing can be recovered. While its socket lives a session is kept for half as
//     long again, so that Options.Recovery is left at least.
//   - A session names its Holder, and Redis lets nobody else write it: an instance that takes a client for alive which has left
//     it without a word neither overwrites nor deletes what another has by now, also after an outage, and is told so
//     (KeepSession's lost). TakeSession changes the holder and leaves the session where it is: who takes it last has it, and
//     nothing is lost when that one is killed before it has written it. What ends after it was taken leaves an empty text
//     behind for Options.Recovery.
//   - A session may be gone from Redis although nobody has ended it: Redis was emptied or has evicted it, or a server of
//     Node.js, which leaves nothing behind, has taken it. It is written again, as most often nobody has it. When the heartbeat
//     of its client fails then, and it was not heard of since, it is taken back (LeaveSession's silent): what remains of the
//     mistake is a former state that another may take up until that is known. What remains of the other mistake is a client
//     that begins afresh.
//   - Replay stops the reading of streams for a moment, when it has everything up to what was handed out: the socket is attached
//     between two events, and gets none twice and misses none.
//     Rooms that it is the first to be in count as present somewhat later: what is for them is not dropped meanwhile
//     (Unfiltered).
//   - Clients that come back at the same time, because an instance has died, have missed nearly the same. They share the past
//     of the stream: what was handed out since the first of them came, before that what was read, from the end backwards, a
//     page at a time for all. It is decoded once and prepared once, as a broadcast is, and forgotten when the last of them has
//     what it missed. Who has missed little is done when the first page is read. Of more than Options.ReplayBytes the past
//     keeps the end; who has missed what is before that reads it alone, in the order of arrival.
//
// A session of Node.js does not say in which namespace it was, and Node.js does not look: a session of one namespace opens
// another there. What Session.Namespace does not say has to be taken for a stranger's.
package redisbridge
