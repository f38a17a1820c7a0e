package format

import (
	"fmt"
	"strings"
)

// The types of requests and answers of the classic adapter.
const (
	classicSockets = iota
	classicAllRooms
	classicJoin
	classicLeave
	classicDisconnect
	classicFetch
	classicServerEmit
	classicBroadcast
	classicClientCount
	classicAck
)

// classic is the dialect of @socket.io/redis-adapter.
type classic struct {
	names

	specific bool
	dynamic  bool
}

// Classic is the dialect of @socket.io/redis-adapter 8, and of @socket.io/redis-emitter 5.
func Classic(c ClassicConfig) Dialect {
	return &classic{names: newNames(c.Config), specific: c.SpecificResponses, dynamic: c.DynamicRooms}
}

// Room implements Dialect.
func (c *classic) Room(channel string) (namespace, room string, ok bool) { return c.split(channel) }

// Channels implements Dialect. What concerns rooms comes before the channel whose subscribers others count.
func (c *classic) Channels(namespace string) []Subscription {
	general := Subscription{Pattern, escape(c.ofNamespace(namespace)) + "*"}
	if c.dynamic {
		general = Subscription{Plain, c.ofNamespace(namespace)}
	}
	answers := c.response + namespace + "#"
	return []Subscription{
		general,
		{Plain, answers},
		{Plain, answers + c.uid + "#"},
		{Plain, c.private + namespace + "#"},
		{Plain, c.request + namespace + "#"},
	}
}

// RoomChannel implements Dialect.
func (c *classic) RoomChannel(namespace, room string) (Subscription, bool) {
	return Subscription{Plain, c.ofRoom(namespace, room)}, c.dynamic
}

// Census implements Dialect.
func (c *classic) Census(namespace string, private bool) Subscription {
	if private {
		return Subscription{Plain, c.private + namespace + "#"}
	}
	return Subscription{Plain, c.request + namespace + "#"}
}

// Members implements Dialect.
func (c *classic) Members() Subscription { return Subscription{Plain, c.members} }

// Encode implements Dialect.
func (c *classic) Encode(m *Message) (Frame, error) {
	var f Frame
	var err error
	switch m.Kind {
	case Broadcast:
		f.Payload, err = c.encodeBroadcast(m)
		f.Channel = c.broadcastChannel(m)
	case AckBroadcast:
		f.Payload, err = c.encodeAckBroadcast(m)
		f.Channel = c.requestChannel(m)
	case Join, Leave, Disconnect, Fetch, ListIDs, ListRooms, ServerEvent:
		f.Payload, err = c.encodeRequest(m)
		f.Channel = c.requestChannel(m)
	case ClientCount, Ack, Fetched, IDs, RoomNames, ServerReply, Done:
		f.Payload, err = c.encodeAnswer(m)
		f.Channel = c.answerChannel(m)
	case Hello, Beat, Bye, Taken:
		f.Payload = encodeMember(m)
		f.Channel = c.members
	default:
		err = malformed("no such kind")
	}
	if err != nil {
		return Frame{}, fmt.Errorf("encode: %w", err)
	}
	return f, nil
}

func (c *classic) broadcastChannel(m *Message) string {
	switch {
	case m.private():
		return c.private + m.Namespace + "#"
	case len(m.Target.Rooms) == 1 && m.Target.User == "" && !m.General:
		return c.ofRoom(m.Namespace, m.Target.Rooms[0])
	default:
		return c.ofNamespace(m.Namespace)
	}
}

func (c *classic) requestChannel(m *Message) string {
	if m.private() {
		return c.private + m.Namespace + "#"
	}
	return c.request + m.Namespace + "#"
}

// answerChannel is the shared one unless the instance answers on that of who asked; replies to server events always take the
// former.
func (c *classic) answerChannel(m *Message) string {
	if c.specific && m.To != "" && m.Kind != ServerReply {
		return c.response + m.Namespace + "#" + m.To + "#"
	}
	return c.response + m.Namespace + "#"
}

// Decode implements Dialect.
func (c *classic) Decode(channel string, payload []byte) (*Message, error) {
	if len(payload) == 0 {
		return nil, malformed("empty")
	}
	switch {
	case channel == c.members:
		return decodeMember(payload, c.uid)
	case strings.HasPrefix(channel, c.private):
		if payload[0] == '{' || isMap(payload[0]) {
			return c.decodeRequest(namespaceOf(channel, c.private), payload)
		}
		return c.decodeBroadcast(channel, payload)
	case strings.HasPrefix(channel, c.request):
		return c.decodeRequest(namespaceOf(channel, c.request), payload)
	case strings.HasPrefix(channel, c.response):
		namespace := strings.TrimSuffix(namespaceOf(channel, c.response), "#"+c.uid)
		return c.decodeAnswer(namespace, payload)
	case strings.HasPrefix(channel, c.room):
		return c.decodeBroadcast(channel, payload)
	default:
		return nil, fmt.Errorf("%w: channel", ErrUnknown)
	}
}

// isMap tells whether a MessagePack value that begins so is a map.
func isMap(first byte) bool { return first&0xf0 == 0x80 || first == 0xde || first == 0xdf }
