package format

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// The types of cluster messages.
const (
	clusterBroadcast   = 3
	clusterJoin        = 4
	clusterLeave       = 5
	clusterDisconnect  = 6
	clusterFetch       = 7
	clusterFetched     = 8
	clusterServerEmit  = 9
	clusterServerReply = 10
	clusterClientCount = 11
	clusterAck         = 12
)

// socketIDLength is the length of the ids of sockets; a room whose name is so long is taken for one.
const socketIDLength = 20

// sharded is the dialect of the sharded adapter of @socket.io/redis-adapter.
type sharded struct {
	names

	mode SubscriptionMode
	end  []byte // of messages of this instance, but for the namespace
}

// Sharded is the dialect of the sharded adapter of @socket.io/redis-adapter 8, for Redis 7.
func Sharded(c ShardedConfig) Dialect {
	s := &sharded{names: newNames(c.Config), mode: c.Mode}
	if c.UID != "" {
		w := writer{out: []byte{','}}
		w.key("uid")
		w.text(c.UID)
		w.key("nsp")
		s.end = append(w.out, '"')
	}
	return s
}

// Room implements Dialect.
func (s *sharded) Room(channel string) (namespace, room string, ok bool) {
	namespace, room, ok = s.split(channel)
	return namespace, room, ok && room != s.uid
}

// Channels implements Dialect.
func (s *sharded) Channels(namespace string) []Subscription {
	return []Subscription{
		{Shard, s.ofRoom(namespace, s.uid)},
		{Shard, s.private + namespace + "#"},
		{Shard, s.ofNamespace(namespace)},
	}
}

// RoomChannel implements Dialect. The channel of a room that is named like this instance is that of the answers to it, which is
// listened to anyway, and also when the room is empty.
func (s *sharded) RoomChannel(namespace, room string) (Subscription, bool) {
	return Subscription{Shard, s.ofRoom(namespace, room)}, s.own(room) && room != s.uid
}

// own tells whether a room has a channel of its own.
func (s *sharded) own(room string) bool {
	switch s.mode {
	case DynamicMode:
		return utf16Length(room) != socketIDLength
	case DynamicPrivateMode:
		return true
	case StaticMode:
		return false
	default:
		return false
	}
}

// utf16Length is the length of a string in JavaScript.
func utf16Length(s string) (n int) {
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// Census implements Dialect.
func (s *sharded) Census(namespace string, private bool) Subscription {
	if private {
		return Subscription{Shard, s.private + namespace + "#"}
	}
	return Subscription{Shard, s.ofNamespace(namespace)}
}

// Members implements Dialect.
func (s *sharded) Members() Subscription { return Subscription{Shard, s.members} }

// Encode implements Dialect.
func (s *sharded) Encode(m *Message) (Frame, error) {
	f := Frame{Sharded: true, Channel: s.channel(m)}
	if m.Kind == Hello || m.Kind == Beat || m.Kind == Bye || m.Kind == Taken {
		f.Payload = encodeMember(m)
		return f, nil
	}
	payload, err := s.encode(m)
	if err != nil {
		return Frame{}, fmt.Errorf("encode: %w", err)
	}
	f.Payload = payload
	return f, nil
}

func (s *sharded) channel(m *Message) string {
	switch m.Kind { //nolint:exhaustive // the rest are operations
	case Hello, Beat, Bye, Taken:
		return s.members
	case ClientCount, Ack, Fetched, ServerReply:
		return s.ofRoom(m.Namespace, m.To)
	}
	switch t := m.Target; {
	case m.private():
		return s.private + m.Namespace + "#"
	case m.Kind == Broadcast && !m.General && len(t.Rooms) == 1 && t.User == "" && s.own(t.Rooms[0]):
		return s.ofRoom(m.Namespace, t.Rooms[0])
	default:
		return s.ofNamespace(m.Namespace)
	}
}

// Decode implements Dialect.
func (s *sharded) Decode(channel string, payload []byte) (*Message, error) {
	switch {
	case channel == s.members:
		return decodeMember(payload, s.uid)
	case !strings.HasPrefix(channel, s.room) && !strings.HasPrefix(channel, s.private):
		return nil, fmt.Errorf("%w: channel", ErrUnknown)
	}
	return s.decode(channel, payload)
}
