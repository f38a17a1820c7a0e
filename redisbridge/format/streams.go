package format

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Entry is one entry of a stream: the fields of it that adapters write.
type Entry struct {
	ID        string // that Redis gave it; "" before
	UID       string // field uid: the sender
	Namespace string // field nsp; "" when the entry has none: Node.js passes it over
	Private   string // field actio, an extension: the namespace, in place of nsp, of what instances of actio alone understand
	Type      string // field type, decimal
	Data      []byte // field data, of an entry that was read: JSON, or MessagePack as base64
}

// StreamsConfig configures Streams. All instances of a cluster must agree on everything but the UID and Echo.
type StreamsConfig struct {
	Config

	// Stream is the name of the stream, streamName in Node.js. "" = "socket.io".
	Stream string
	// Count is the number of streams, streamCount in Node.js: each namespace has one of them. 0 = 1.
	Count int
	// ShardedChannels uses the sharded channels of Redis 7 for what goes over channels, as useShardedPubSub.
	ShardedChannels bool
	// Echo has DecodeEntry return the own Broadcasts of this instance, too.
	Echo bool
}

// StreamDialect is a Dialect whose messages are entries of streams, but for requests, server events and answers, which
// go over channels.
type StreamDialect interface {
	Dialect

	// DecodeEntry reads an entry of one of the streams, as Decode does.
	DecodeEntry(e *Entry) (*Message, error)
	// Streams are the names of all streams.
	Streams() []string
	// Stream is the name of that of a namespace.
	Stream(namespace string) string
}

// streams is the dialect of @socket.io/redis-streams-adapter.
type streams struct {
	names

	config StreamsConfig
	kind   SubscriptionKind
	all    []string
}

// Streams is the dialect of @socket.io/redis-streams-adapter 0.3.
func Streams(c StreamsConfig) StreamDialect {
	s := &streams{names: newNames(c.Config), config: c}
	if s.config.Stream == "" {
		s.config.Stream = defaultPrefix
	}
	if c.ShardedChannels {
		s.kind = Shard
	}
	s.all = []string{s.config.Stream}
	if c.Count > 1 {
		s.all = make([]string, c.Count)
		for i := range s.all {
			s.all[i] = s.config.Stream + "-" + strconv.Itoa(i)
		}
	}
	return s
}

// Streams implements StreamDialect.
func (s *streams) Streams() []string { return slices.Clone(s.all) }

// Stream implements StreamDialect. Of several streams the remainder of a hash of the name chooses one. The hash may be
// negative; the remainder of Node.js is so too then, and names a stream that nobody reads, not even Node.js. Here it is that
// remainder and the number of streams, which Node.js reads.
func (s *streams) Stream(namespace string) string {
	n := int32(len(s.all)) //nolint:gosec // a number of streams
	i := hashCode(namespace) % n
	return s.all[(i+n)%n]
}

// hashCode is the hash by which Node.js chooses a stream: of the units of UTF-16, in 32 bits.
func hashCode(text string) (hash int32) {
	for _, unit := range utf16.Encode([]rune(text)) {
		hash = hash*31 + int32(unit)
	}
	return hash
}

// Room implements Dialect: no room has a channel of its own.
func (s *streams) Room(string) (namespace, room string, ok bool) { return "", "", false }

// RoomChannel implements Dialect.
func (s *streams) RoomChannel(string, string) (Subscription, bool) { return Subscription{}, false }

// Channels implements Dialect.
func (s *streams) Channels(namespace string) []Subscription {
	return []Subscription{
		{s.kind, s.ofRoom(namespace, s.uid)},
		{s.kind, s.private + namespace + "#"},
		{s.kind, s.ofNamespace(namespace)},
	}
}

// Census implements Dialect.
func (s *streams) Census(namespace string, private bool) Subscription {
	if private {
		return Subscription{s.kind, s.private + namespace + "#"}
	}
	return Subscription{s.kind, s.ofNamespace(namespace)}
}

// Members implements Dialect.
func (s *streams) Members() Subscription { return Subscription{s.kind, s.members} }

// Encode implements Dialect.
func (s *streams) Encode(m *Message) (f Frame, err error) {
	switch m.Kind {
	case Hello, Beat, Bye, Taken:
		return Frame{Channel: s.members, Sharded: s.config.ShardedChannels, Payload: encodeMember(m)}, nil
	case Broadcast, Join, Leave, Disconnect:
		f, err = s.entry(m)
	default:
		f = Frame{Channel: s.channel(m), Sharded: s.config.ShardedChannels}
		f.Payload, err = encodeCluster(m, true)
	}
	if err != nil {
		return Frame{}, fmt.Errorf("encode: %w", err)
	}
	return f, nil
}

// channel is that of a request or an answer.
func (s *streams) channel(m *Message) string {
	switch m.Kind { //nolint:exhaustive // the rest are requests
	case ClientCount, Ack, Fetched, ServerReply:
		return s.ofRoom(m.Namespace, m.To)
	}
	if m.private() {
		return s.private + m.Namespace + "#"
	}
	return s.ofNamespace(m.Namespace)
}

// Decode implements Dialect.
func (s *streams) Decode(channel string, payload []byte) (*Message, error) {
	switch {
	case channel == s.members:
		return decodeMember(payload, s.uid)
	case !strings.HasPrefix(channel, s.room) && !strings.HasPrefix(channel, s.private):
		return nil, fmt.Errorf("%w: channel", ErrUnknown)
	}
	return s.decodeCluster(channel, payload)
}

// entry makes an entry of a message.
func (s *streams) entry(m *Message) (Frame, error) {
	packed := m.binary()
	w := writer{packed: packed, out: make([]byte, 0, m.size())}
	w.clusterData(m)
	if w.err != nil {
		return Frame{}, w.err
	}
	if packed {
		w.out = base64.StdEncoding.AppendEncode(nil, w.out)
	}
	e := &Entry{UID: m.Sender, Namespace: m.Namespace, Type: strconv.Itoa(clusterType(m.Kind))}
	if m.private() {
		e.Namespace, e.Private = "", m.Namespace
	}
	return Frame{Channel: s.Stream(m.Namespace), Entry: e, Payload: w.out}, nil
}

// DecodeEntry implements StreamDialect.
func (s *streams) DecodeEntry(e *Entry) (*Message, error) {
	own := e.UID != "" && e.UID == s.uid
	if own && !(s.config.Echo && e.Type == "3") {
		return nil, ErrOwn
	}
	r := clusterMessage{}
	var err error
	if r.kind, err = strconv.Atoi(e.Type); err != nil || e.UID == "" {
		return nil, malformed("no cluster message")
	}
	if r.Namespace = e.Namespace; r.Namespace == "" {
		r.Namespace = e.Private
	}
	switch {
	case r.Namespace == "":
		return nil, fmt.Errorf("%w: no namespace", ErrUnknown)
	case len(e.Data) == 0: // heartbeats of versions before 0.3
		return nil, fmt.Errorf("%w: cluster message %d without data", ErrUnknown, r.kind)
	}
	r.Sender, r.Offset = e.UID, e.ID
	data, err := readable(e.Data)
	if err != nil {
		return nil, err
	}
	if r.data, err = parse(data); err != nil {
		return nil, err
	}
	return r.read()
}

// readable returns the JSON or the MessagePack of a text that is JSON, or MessagePack as base64.
func readable(text []byte) ([]byte, error) {
	if text[0] == '{' {
		return text, nil
	}
	// Node.js writes and reads base64 by way of Buffer, which does not insist on padding.
	text = []byte(strings.TrimRight(string(text), "="))
	packed, err := base64.RawStdEncoding.AppendDecode(nil, text)
	if err != nil {
		return nil, malformed("no base64")
	}
	return packed, nil
}
