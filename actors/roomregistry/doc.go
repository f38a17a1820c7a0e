// Package roomregistry knows which socket is in which room and hands every broadcast to the sockets it is meant for.
//
// It owns two indexes per namespace, room -> sockets and user -> sockets (key spaces of their own: no room name reaches
// a user). Both are derived: the room set of a socket belongs to its connection, and the registry can be rebuilt from
// the connections at any time.
//
// The registry is a few actors. Shards own disjoint subsets of the sockets (by a hash of the socket id) and deliver. A
// sequencer stands before them, so that all sockets see all broadcasts in one order; it is the parent of the shards and
// restarts them. With one shard the shard is its own sequencer.
//
// # Protocol
//
//	message        sender -> receiver       effect
//	Broadcast      anyone -> sequencer      handed to every shard; each delivers it to its members of the audience
//	(direct)       anyone -> sequencer      a message for one connection that must not overtake a broadcast; see Direct
//	(barrier)      Flush -> sequencer       passed by every shard when everything before it is delivered
//	Attach         connection -> shard      the socket is a member of its namespace (and of the room named as its id)
//	Join, Leave    connection -> shard      membership changes, then Done is called
//	Authenticated  connection -> shard      the socket counts for AuthenticatedOnly and is indexed by its user
//	Detach         connection -> shard      the socket is gone, with all its rooms
//	Delivery       shard -> connection      a run of consecutive broadcasts to one audience; one pointer for all members
//	(query)        anyone -> shard          Members, Handles, Rooms, UserSockets, Sizes
//	Mark           connection -> shard      answered by Marked
//	Marked         shard -> connection      how far the shard has come with what is meant for the socket
//	Hold, Release  connection -> shard      rooms of a socket that may come back count as present, and no longer
//	Restore        connection -> sequencer  looks up what a socket that came back has missed, and makes a Replay of it
//	Replay         anyone -> sequencer      passed on to the socket's shard, which attaches it in its place among the broadcasts
//	Restored       shard -> connection      what was missed; with an error from the sequencer
//	Rebuild        shard -> source          the shard lost its index: the source sends Announce to every connection
//	Announcing     source -> shard          how many connections were asked
//	Announce       source -> connection     the connection answers the shard
//	Announcement   connection -> shard      all sockets of the connection that belong to the shard, with their rooms
//
// All messages travel as pointers. Names in parentheses are not exported.
//
// Calls, of functions that must not block:
//
//	call           from -> to               meaning
//	Begin          Broadcast -> its Roll    so many calls of Counted will come
//	Expect         shard -> Roll            this member gets the broadcast next
//	Counted        shard -> Roll            all of its members were named; once per shard, whatever happens
//	Done           shard -> Join, Leave     the shard has it
//	RoomChanged    shard -> Options         the first socket is in a room, or the last has left it
//	MayHave        anyone -> registry       whether anybody may be in a room; reads what the shards publish, without a lock
//
// # Guarantees
//
//   - Broadcasts reach all members in the order in which the sequencer got them, whatever shard the members are in; those
//     of one goroutine in the order of its calls.
//   - A membership message takes effect between the broadcasts before and after it in the shard. After Join's Done a new
//     broadcast to the room reaches the socket; after Detach none does.
//   - Direct never overtakes a broadcast or an earlier Direct to the same connection, if the earlier call happened
//     before it (in the sense of the memory model). It goes straight when nothing of that kind is under way.
//   - What is alone is not delayed by a change of goroutines: a broadcast for a few members, to shards in which nothing is under
//     way or was a moment ago, is delivered when Broadcast returns. Whoever calls it must not hold a lock that a connection takes
//     when it gets a Delivery.
//   - Delivering allocates per run, never per member, and never waits for a member. Each broadcast with a Roll is a run.
//   - MayHave is false only when nobody is in the room: it is true before Join's Done and before a broadcast can reach a
//     socket that was attached. RoomChanged tells of a room present before Join's Done; its calls for one room alternate,
//     whichever shards they come from, and after the last one of them it is as they say.
//
// # The history
//
// With Options.History the sequencer also numbers the events that want no acknowledgement, gives each its number as a further
// argument, its offset, and remembers those that may not be lost, in the order in which all sockets get them, as long and as
// many as HistoryOptions says. An event for rooms in which nobody is, and from which nobody is away (Hold), is not remembered.
// Restore attaches a socket between two broadcasts and gives it what was sent to its rooms before: so each event comes once,
// from there or as a Delivery. What an event was sent to is looked up by that, so a socket that comes back costs what it gets,
// however much is remembered. Without Options.History all that costs nothing, and with it one more copy of each event.
//
// Where events are remembered elsewhere, Replay takes the place of Restore: see there.
//
// # A crash of a shard
//
// The shard restarts empty with the next epoch and asks its source for the connections. Until all have announced their
// sockets, or Options.RebuildTimeout has passed, it holds what arrives in order: broadcasts up to Options.HoldLimit
// (what comes then is dropped and counted), direct messages, flushes and queries without limit. A run whose delivery
// crashed is not delivered again: its members may have got it. Meanwhile MayHave is true for every room; RoomChanged tells of
// rooms that come at once, and of those that are missing when the shard is complete, so that a crash by itself tells
// nothing. A connection must add a room to its own set before it sends Join and remove it before it sends Leave, so that an
// announcement is never older than a membership message sent before it. Ten restarts of one shard in ten seconds are the limit;
// the next crash closes the registry and calls Options.Failed.
package roomregistry
