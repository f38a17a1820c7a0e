package format_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

const shardedGeneral = "socket.io#/#"

func TestSharded_Channels_AreThoseOfTheAdapter(t *testing.T) {
	d := format.Sharded(format.ShardedConfig{Config: format.Config{Prefix: "a*", UID: shardedUID}})
	channels := d.Channels("/x")
	assert.Equal(t, []format.Subscription{
		{Kind: format.Shard, Name: "a*#/x#" + shardedUID + "#"},
		{Kind: format.Shard, Name: "a*-actio#/x#"},
		{Kind: format.Shard, Name: "a*#/x#"},
	}, channels)
	assert.Equal(t, channels[2], d.Census("/x", false))
	assert.Equal(t, channels[1], d.Census("/x", true))
	assert.Equal(t, format.Subscription{Kind: format.Shard, Name: "a*-actio-members#"}, d.Members())
}

func TestSharded_Mode_SaysWhichRoomsHaveAChannel(t *testing.T) {
	twenty := strings.Repeat("x", 20)
	for mode, want := range map[format.SubscriptionMode]map[string]bool{
		format.DynamicMode: {
			"r": true, twenty: false, twenty + "x": true, strings.Repeat("ü", 20): false,
			strings.Repeat("😀", 10): false, strings.Repeat("😀", 20): true, // in JavaScript one of them has the length 2
		},
		format.StaticMode:          {"r": false, twenty: false},
		format.DynamicPrivateMode:  {"r": true, twenty: true},
		format.SubscriptionMode(9): {"r": false},
	} {
		d := format.Sharded(format.ShardedConfig{Config: format.Config{UID: shardedUID}, Mode: mode})
		for room, own := range want {
			s, ok := d.RoomChannel("/", room)
			assert.Equal(t, own, ok, room)
			m := &format.Message{
				Kind: format.Broadcast, Sender: shardedUID, Namespace: "/", Event: event(`["e"]`),
				Target: format.Target{Rooms: []string{room}},
			}
			f := encode(t, d, m)
			assert.True(t, f.Sharded)
			if own {
				assert.Equal(t, s.Name, f.Channel)
			} else {
				assert.Equal(t, shardedGeneral, f.Channel)
			}
			m.Target.User = "u"
			assert.Equal(t, shardedGeneral, encode(t, d, m).Channel, "with a user")
			m.Target.User, m.Kind, m.Request = "", format.AckBroadcast, "q"
			assert.Equal(t, shardedGeneral, encode(t, d, m).Channel, "with acknowledgements")
			m.Kind = format.Join
			assert.Equal(t, shardedGeneral, encode(t, d, m).Channel, "an operation")
		}
	}
}

func TestSharded_RoomNamedLikeTheInstance_HasNoChannelThatComesAndGoes(t *testing.T) {
	for _, mode := range []format.SubscriptionMode{format.DynamicMode, format.DynamicPrivateMode} {
		d := format.Sharded(format.ShardedConfig{Config: format.Config{UID: shardedUID}, Mode: mode})
		_, ok := d.RoomChannel("/", shardedUID)
		assert.False(t, ok, "it is that of the answers")
		_, ok = format.Sharded(format.ShardedConfig{Config: format.Config{UID: "other"}, Mode: mode}).RoomChannel("/", shardedUID)
		assert.True(t, ok)
	}
}

func TestShardedEncode_UserAlone_TakesThePrivateChannel(t *testing.T) {
	for _, kind := range []format.Kind{
		format.Broadcast, format.AckBroadcast, format.Join, format.Leave, format.Disconnect, format.Fetch,
	} {
		m := &format.Message{
			Kind: kind, Sender: shardedUID, Namespace: "/", Request: "q", Event: event(`["e"]`), Target: format.Target{User: "u"},
		}
		assert.Equal(t, "socket.io-actio#/#", encode(t, sharded(), m).Channel)
	}
}

func TestShardedEncode_Binary_DecidesTheForm(t *testing.T) {
	binary := event(`["e",{"_placeholder":true,"num":0}]`, []byte{1})
	for _, m := range []*format.Message{
		{Kind: format.Broadcast, Event: binary},
		{Kind: format.AckBroadcast, Request: "q", Event: binary},
		{Kind: format.ServerEvent, Event: binary},
		{Kind: format.ServerReply, Request: "q", Event: binary},
		{Kind: format.Ack, Request: "q", Event: binary},
		{Kind: format.Fetched, Request: "q", Sockets: []format.Socket{{ID: "s", Data: binary}}},
		{Kind: format.Fetched, Request: "q", Sockets: []format.Socket{{ID: "s", Handshake: binary}}},
	} {
		m.Sender, m.Namespace = shardedUID, "/"
		assert.Equal(t, byte(0x84), encode(t, sharded(), m).Payload[0])
		m.Event = event(`["e",{"_placeholder":true,"num":0}]`)
		m.Sockets = nil
		assert.Equal(t, byte('{'), encode(t, sharded(), m).Payload[0], "what looks like a placeholder is none")
	}
}

func TestShardedEncode_OtherKinds_AreRefused(t *testing.T) {
	for _, kind := range []format.Kind{0, format.ListIDs, format.ListRooms, format.IDs, format.RoomNames, format.Done, 99} {
		_, err := sharded().Encode(&format.Message{Kind: kind, Sender: shardedUID, Namespace: "/", Request: "q"})
		assert.ErrorIs(t, err, format.ErrMalformed)
	}
}

func TestSharded_Emitter_SpeaksClusterMessages(t *testing.T) {
	d := format.Sharded(format.ShardedConfig{Config: format.Config{UID: format.Emitter}})
	m := &format.Message{
		Kind: format.Broadcast, Sender: format.Emitter, Namespace: "/n", Event: event(`["e",1]`),
		Target: format.Target{Rooms: []string{"r"}}, Flags: format.Flags{Volatile: true},
	}
	f := encode(t, d, m)
	assert.Equal(t, "socket.io#/n#r#", f.Channel)
	want := `{"type":3,"data":{"packet":{"type":2,"data":["e",1]},` +
		`"opts":{"rooms":["r"],"flags":{"volatile":true},"except":[]}},"uid":"emitter","nsp":"/n"}`
	assert.Equal(t, []byte(want), f.Payload)
	assert.Equal(t, mustPlain(t, m), mustPlain(t, decode(t, sharded(), f.Channel, f.Payload)))

	f = encode(t, d, &format.Message{Kind: format.ServerEvent, Sender: format.Emitter, Namespace: "/", Event: event(`["e"]`)})
	want = `{"type":9,"data":{"packet":["e"]},"uid":"emitter","nsp":"/"}`
	assert.Equal(t, []byte(want), f.Payload)
}

func TestShardedDecode_OwnUIDElsewhere_IsNoEcho(t *testing.T) {
	const tail = `"uid":"` + shardedUID + `","nsp":"/"}`
	for _, payload := range []string{
		`{"type":9,"uid":"other","nsp":"/","data":{"packet":["e",{` + tail + `]}}`,
		`{"type":9,"uid":"other","nsp":"/","data":{"packet":["e","` + strings.ReplaceAll(tail, `"`, `\"`) + `"]}}`,
		`{"type":9,"data":{"packet":["e"],` + tail + `,"uid":"other","nsp":"/"}`,
		`{"uid":"other","type":9,"nsp":"/","data":{"packet":["e"],` + tail + ` }`,
	} {
		assert.Equal(t, "other", decode(t, sharded(), shardedGeneral, []byte(payload)).Sender, payload)
	}
	for _, payload := range []string{
		`{"type":9,"data":{"packet":["e"]},"uid":"` + shardedUID + `","nsp":"/"}`,
		`{"type":9,"data":{"packet":["e"]},` + tail + ` `,
		`{ "uid" : "` + shardedUID + `", "type":9,"data":{"packet":["e"]}, "nsp":"/"}`,
		`{"uid":"0123456789\u0061bcdef","type":9,"data":{"packet":["e"]},"nsp":"/"}`,
	} {
		_, err := sharded().Decode(shardedGeneral, []byte(payload))
		assert.Equal(t, format.ErrOwn, err, payload)
	}
}

func TestShardedDecode_Heartbeats_AreUnknown(t *testing.T) {
	for _, payload := range []string{
		`{"type":1,"data":{},"uid":"o","nsp":"/"}`, `{"type":2,"data":{},"uid":"o","nsp":"/"}`,
		`{"type":13,"data":{},"uid":"o","nsp":"/"}`, `{"type":0,"data":{},"uid":"o","nsp":"/"}`,
	} {
		_, err := sharded().Decode(shardedGeneral, []byte(payload))
		assert.ErrorIs(t, err, format.ErrUnknown, payload)
	}
}

func TestUIDs_TheirForms(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		c, s := format.NewClassicUID(), format.NewShardedUID()
		require.Regexp(t, `^[A-Za-z0-9_-]{6}$`, c)
		require.Regexp(t, `^[0-9a-f]{16}$`, s)
		seen[s] = true
	}
	assert.Len(t, seen, 1000)
}
