// Package format is how instances talk through Redis: the wire formats of the official adapters of Socket.IO, as pure functions
// between a Message and what is published. A Dialect is one adapter: Classic is @socket.io/redis-adapter 8 together with
// @socket.io/redis-emitter 5, Sharded its sharded adapter, Streams @socket.io/redis-streams-adapter 0.3. What they write is
// what the packages write, byte for byte, but for the extensions below; they read what the packages read.
//
// In the tables P is the prefix ("socket.io"), N a namespace, R a room, U the uid of an instance.
//
// # Classic
//
//	channel              what comes there                               listened to
//	P#N#                 broadcasts: MessagePack [uid, packet, opts]    by the pattern P#N#*, or with DynamicRooms by name
//	P#N#R#               broadcasts to this room alone                  by the pattern, or while the room has members
//	P-response#N#        answers                                        always
//	P-response#N#U#      answers to U, of SpecificResponses             always
//	P-actio#N#           broadcasts and requests to a user (extension)  always; private census
//	P-request#N#         requests: JSON; type 7 and binary MessagePack  always; census
//	P-actio-members#     Hello, Beat, Bye, Taken (extension)            always
//
//	type  Kind            fields beside uid, requestId       answer (type) and its fields
//	-     Broadcast
//	0     ListIDs         rooms                              IDs (-): sockets
//	1     ListRooms                                          RoomNames (-): rooms
//	2     Join            opts, rooms; older: sid, room      Done (-), of the older form with requestId
//	3     Leave           as 2                               as 2
//	4     Disconnect      opts, close; older: sid, close     as 2
//	5     Fetch           opts                               Fetched (-): sockets
//	6     ServerEvent     data                               ServerReply (6): data; on the shared channel always
//	7     AckBroadcast    packet, opts                       ClientCount (8): clientCount; then each Ack (9): packet
//
// An instance gets its own messages back and drops them as ErrOwn. (Those of type 2 to 4 Node.js carries out only then.)
//
// # Sharded
//
//	channel              what comes there                               listened to
//	P#N#U#               answers to U                                   always
//	P-actio#N#           broadcasts and requests to a user (extension)  always; private census
//	P#N#                 everything else                                always; census
//	P#N#R#               broadcasts to this room alone                  while the room has members and the mode gives it a channel
//	P-actio-members#     Hello, Beat, Bye, Taken (extension)            always
//
// Messages are {type, data, uid, nsp}: JSON, or MessagePack when they hold binary. In DynamicMode rooms with names of 20
// characters, as ids of sockets have, share the general channel.
//
//	type  Kind                        data
//	3     Broadcast, AckBroadcast     packet, [requestId], opts
//	4, 5  Join, Leave                 opts, rooms
//	6     Disconnect                  opts, close
//	7     Fetch                       opts, requestId
//	8     Fetched                     requestId, sockets
//	9     ServerEvent                 [requestId], packet
//	10    ServerReply                 requestId, packet
//	11    ClientCount                 requestId, clientCount
//	12    Ack                         requestId, packet
//
// # Streams
//
// What has to reach everybody is an entry of a stream: fields uid, nsp, type, and data, which is JSON, or MessagePack as base64
// when it holds binary. The rest is a cluster message as MessagePack over a channel: plain, or with ShardedChannels those of
// Redis 7. Types and their data are those of the sharded adapter.
//
//	where                what comes there                               read
//	S                    types 3 (without requestId), 4, 5, 6           always; the only stream, if there is one
//	S-0, S-1, ...        as S, of several; the namespace chooses        always
//	P#N#U#               answers to U                                   always
//	P-actio#N#           requests to a user (extension)                 always; private census
//	P#N#                 types 3 (with requestId), 7, 9                 always; census
//	P-actio-members#     Hello, Beat, Bye, Taken (extension)            always
//
// The stream of a namespace is that of a hash of its name, which may be negative: then Node.js writes to a stream like S--1,
// which nobody reads. So instances of actio write to one that Node.js reads, and do not read what it writes for these
// namespaces: with several streams choose names that Node.js can use itself.
//
// A Session is MessagePack {sid, pid, rooms, data} as base64.
//
// # Emitters
//
// A message whose Sender is Emitter is written as programs without a server write it: opts are {rooms, flags, except}, in
// place of {rooms, except, flags}, and requests of type 2 to 4 have no uid. For the sharded adapter, which has no official
// emitter, it is a cluster message with this uid, as for the streams adapter.
//
// # Extensions
//
// Node.js ignores keys and elements that it does not know. Instances of actio have these besides:
//
//   - opts.user: the target includes the sockets of a user. Without rooms the message takes the private channel, so that others,
//     who would see no rooms and mean everybody, do not get it; with rooms it takes the general channel, never that of a
//     room. In a stream its entry has a field actio in place of nsp: Node.js passes it over.
//   - Numbers that MessagePack cannot carry exactly: beside the packed value stands its JSON text, as the fourth element of a
//     broadcast, elsewhere under "json" (for the handshake of a socket, "handshakeJSON"). Placeholders in it stand for the binary
//     parts of the packed value, in their order; when they are not numbered so, it is an array of the text and their
//     numbers. Readers prefer the text.
//   - Requests of type 7, and 3 of the sharded adapter, say "actio": true. Then ClientCount has "ids", each Ack "sid" and,
//     when the socket has ended instead of answering, "gone": true.
//   - Answers of the classic adapter have "uid"; descriptions of sockets "user"; an Ack or ServerReply with several arguments
//     "args", beside the first.
//   - A Session says its namespace ("nsp"), "user", and when its authentication "expires", in milliseconds.
//   - Hello, Beat and Bye: {"actio": 1, "uid", "kind": "hello", "beat" or "bye"}; Taken likewise, with kind
//     "taken" and "session".
//
// # What is read
//
// Whatever comes, Decode returns a message or an error that wraps one of three: ErrOwn as soon as the sender is known,
// ErrUnknown for another namespace or a type that this version does not have, ErrMalformed for the rest. It takes memory in
// proportion to the payload and does not recurse. A message has what its kind needs; a request without a target is malformed, not
// one for everybody, and so is an event that clients would end their session for: without a name, or with one of the
// protocol. What an event holds behind its name is looked at when Payload.JSON is called: MessagePack may turn out malformed
// then.
//
// Rooms that are numbers, as JavaScript allows, become their decimal text. Flags that the model does not have are passed over,
// "compress": false among them: it is the default of actio.
package format
