package format_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

const (
	classicRequests = "socket.io-request#/#"
	classicAnswers  = "socket.io-response#/#"
)

func TestClassic_Channels_AreThoseOfTheAdapter(t *testing.T) {
	d := format.Classic(format.ClassicConfig{Config: format.Config{Prefix: "a*b", UID: classicUID}})
	channels := d.Channels("/x[1]?")
	assert.Equal(t, []format.Subscription{
		{Kind: format.Pattern, Name: `a\*b#/x\[1\]\?#*`},
		{Kind: format.Plain, Name: "a*b-response#/x[1]?#"},
		{Kind: format.Plain, Name: "a*b-response#/x[1]?#UID_01#"},
		{Kind: format.Plain, Name: "a*b-actio#/x[1]?#"},
		{Kind: format.Plain, Name: "a*b-request#/x[1]?#"},
	}, channels)
	assert.Equal(t, channels[len(channels)-1], d.Census("/x[1]?", false))
	assert.Equal(t, channels[len(channels)-2], d.Census("/x[1]?", true))
	assert.Equal(t, format.Subscription{Kind: format.Plain, Name: "a*b-actio-members#"}, d.Members())
	_, ok := d.RoomChannel("/", "r")
	assert.False(t, ok)

	d = format.Classic(format.ClassicConfig{Config: format.Config{UID: classicUID}, DynamicRooms: true})
	assert.Equal(t, format.Subscription{Kind: format.Plain, Name: "socket.io#/#"}, d.Channels("/")[0])
	s, ok := d.RoomChannel("/", "r")
	assert.True(t, ok)
	assert.Equal(t, format.Subscription{Kind: format.Plain, Name: "socket.io#/#r#"}, s)
}

func TestRoom_Channels_AreTakenApart(t *testing.T) {
	for channel, want := range map[string][2]string{
		"socket.io#/#r#":             {"/", "r"},
		"socket.io#/custom#a b#":     {"/custom", "a b"},
		"socket.io#/#":               {},
		"socket.io#/##":              {},
		"socket.io#/#r#x#":           {}, // a room with a # or a namespace with one
		"socket.io#/#r":              {},
		"socket.io-request#/#":       {},
		"socket.io-response#/#U#":    {},
		"other#/#r#":                 {},
		"socket.io":                  {},
		"":                           {},
		"socket.io-actio-members#":   {},
		"socket.io#/#" + classicUID:  {},
		"socket.io-response#/#x#y#z": {},
	} {
		for _, d := range []format.Dialect{classic(), sharded()} {
			namespace, room, ok := d.Room(channel)
			assert.Equal(t, want[1] != "", ok, channel)
			if ok {
				assert.Equal(t, want, [2]string{namespace, room}, channel)
			}
		}
	}
	_, _, ok := sharded().Room("socket.io#/#" + shardedUID + "#")
	assert.False(t, ok, "answers")
}

func TestClassicEncode_Target_ChoosesTheChannel(t *testing.T) {
	const general, private, requests = "socket.io#/n#", "socket.io-actio#/n#", "socket.io-request#/n#"
	for _, tt := range []struct {
		target          format.Target
		broadcast, asks string
	}{
		{format.Target{}, general, requests},
		{format.Target{Rooms: []string{"r"}, Except: []string{"x"}}, general + "r#", requests},
		{format.Target{Rooms: []string{"r", "s"}}, general, requests},
		{format.Target{Rooms: []string{"r"}, User: "u"}, general, requests},
		{format.Target{User: "u", Except: []string{"x"}}, private, private},
	} {
		m := &format.Message{
			Kind: format.Broadcast, Sender: classicUID, Namespace: "/n", Target: tt.target, Event: event(`["e"]`),
		}
		assert.Equal(t, tt.broadcast, encode(t, classic(), m).Channel)
		for _, kind := range []format.Kind{
			format.AckBroadcast, format.Join, format.Leave, format.Disconnect, format.Fetch,
		} {
			m.Kind, m.Request = kind, "r"
			assert.Equal(t, tt.asks, encode(t, classic(), m).Channel)
		}
	}
}

func TestClassicEncode_Answers_TakeTheChannelOfWhoAsked(t *testing.T) {
	specific := format.Classic(format.ClassicConfig{Config: format.Config{UID: classicUID}, SpecificResponses: true})
	for _, kind := range []format.Kind{
		format.ClientCount, format.Ack, format.Fetched, format.IDs, format.RoomNames, format.ServerReply, format.Done,
	} {
		m := &format.Message{Kind: kind, Sender: classicUID, Namespace: "/", Request: "r", To: "asker"}
		assert.Equal(t, classicAnswers, encode(t, classic(), m).Channel)
		want := classicAnswers + "asker#"
		if kind == format.ServerReply {
			want = classicAnswers
		}
		assert.Equal(t, want, encode(t, specific, m).Channel)
		m.To = ""
		assert.Equal(t, classicAnswers, encode(t, specific, m).Channel)
	}
}

func TestClassicDecode_OlderForms_ConcernOneSocket(t *testing.T) {
	for payload, want := range map[string]plain{
		`{"requestId":"q","type":2,"sid":"s","room":"r"}`:           {Kind: format.Join, Request: "q", Socket: "s", Rooms: []string{"r"}},
		`{"uid":"o","requestId":"q","type":3,"sid":"s","room":7}`:   {Kind: format.Leave, Sender: "o", Request: "q", Socket: "s", Rooms: []string{"7"}},
		`{"requestId":"q","type":4,"sid":"s","close":true}`:         {Kind: format.Disconnect, Request: "q", Socket: "s", Close: true},
		`{"type":2,"sid":"s","opts":{"rooms":["a"]},"rooms":["r"]}`: {Kind: format.Join, Rooms: []string{"r"}, Target: format.Target{Rooms: []string{"a"}}},
	} {
		want.Namespace = "/"
		m := decode(t, classic(), classicRequests, []byte(payload))
		assert.Equal(t, want, mustPlain(t, m), payload)
		again := encode(t, classic(), m)
		assert.Equal(t, want, mustPlain(t, decode(t, classic(), again.Channel, again.Payload)), payload)
	}
}

func TestClassicDecode_OwnMessages_AreDropped(t *testing.T) {
	for _, payload := range []string{
		`{"uid":"UID_01","type":2,"opts":{"rooms":[],"except":[]},"rooms":["r"]}`,
		`{"type":3,"opts":{"rooms":[],"except":[]},"rooms":["r"],"uid":"UID_01"}`,
		`{"uid":"UID_01","type":4}`,
	} {
		for _, channel := range []string{classicRequests, "socket.io-actio#/#"} {
			_, err := classic().Decode(channel, []byte(payload))
			assert.Equal(t, format.ErrOwn, err)
		}
	}
	_, err := classic().Decode(classicAnswers, []byte(`{"requestId":"q","sockets":[],"uid":"UID_01"}`))
	assert.Equal(t, format.ErrOwn, err)
}

func TestClassicDecode_NumbersAsRooms_AreTheirText(t *testing.T) {
	payload, err := hex.DecodeString("93a16f83a474797065" + "02a46461746191a165a36e7370a12f" +
		"83a5726f6f6d7394" + "2a" + "cb3ff8000000000000" + "ff" + "cf0020000000000000" + "a665786365707490" + "a5666c61677390")
	require.NoError(t, err)
	m := decode(t, classic(), "socket.io#/#", payload)
	assert.Equal(t, []string{"42", "1.5", "-1", "9007199254740992"}, m.Target.Rooms)
	assert.Zero(t, m.Flags, "an empty array of flags, as PHP sends it")

	m = decode(t, classic(), classicRequests, []byte(`{"type":2,"opts":{"rooms":[42,"a",1e21],"except":[-1.50]},"rooms":[0]}`))
	assert.Equal(t, format.Target{Rooms: []string{"42", "a", "1e+21"}, Except: []string{"-1.5"}}, m.Target)
	assert.Equal(t, []string{"0"}, m.Rooms)
}

func TestClassicDecode_Questions_FromOlderServers(t *testing.T) {
	m := decode(t, classic(), classicRequests, []byte(`{"uid":"o","requestId":"q","type":0,"rooms":["r"]}`))
	assert.Equal(t, plain{
		Kind: format.ListIDs, Sender: "o", Request: "q", Namespace: "/", Target: format.Target{Rooms: []string{"r"}},
	}, mustPlain(t, m))
	m = decode(t, classic(), classicAnswers, []byte(`{"requestId":"q","sockets":["a","b"]}`))
	assert.Equal(t, plain{Kind: format.IDs, Request: "q", Namespace: "/", IDs: []string{"a", "b"}}, mustPlain(t, m))
	m = decode(t, classic(), classicAnswers, []byte(`{"requestId":"q"}`))
	assert.Equal(t, plain{Kind: format.Done, Request: "q", Namespace: "/"}, mustPlain(t, m))
	m = decode(t, classic(), classicAnswers, []byte(`{"requestId":"q","sockets":[]}`))
	assert.Equal(t, plain{Kind: format.Fetched, Request: "q", Namespace: "/"}, mustPlain(t, m))
}

func TestClassicDecode_AnswersWithoutArguments_AreEmpty(t *testing.T) {
	for _, payload := range []string{`{"type":6,"requestId":"q"}`, `{"type":9,"requestId":"q"}`, `{"type":9,"requestId":"q","gone":true}`} {
		args, err := decode(t, classic(), classicAnswers, []byte(payload)).Event.Args()
		require.NoError(t, err)
		assert.Zero(t, args.Len())
	}
}

func TestClassicDecode_TimeoutOfNode_IsRoundedUp(t *testing.T) {
	const request = `{"uid":"o","requestId":"q","type":7,"packet":{"type":2,"data":["e"]},"opts":{"flags":{"timeout":%}}}`
	for timeout, want := range map[string]time.Duration{
		"300": 300 * time.Millisecond, "0.5": time.Millisecond, "-1": 0, "0": 0, "1e99": 0, "null": 0, `"300"`: 0,
	} {
		m := decode(t, classic(), classicRequests, []byte(strings.Replace(request, "%", timeout, 1)))
		assert.Equal(t, want, m.Flags.Timeout, timeout)
	}
}

func TestClassicDecode_Members_AreOnOneChannel(t *testing.T) {
	f := encode(t, classic(), &format.Message{Kind: format.Hello, Sender: "o"})
	assert.JSONEq(t, `{"actio":1,"uid":"o","kind":"hello"}`, string(f.Payload))
	assert.Equal(t, classic().Members().Name, f.Channel)
	assert.False(t, f.Sharded)
	m := decode(t, classic(), f.Channel, []byte(`{"actio":2,"uid":"o","kind":"bye","more":[1]}`))
	assert.Equal(t, format.Bye, m.Kind)
	for payload, want := range map[string]error{
		`{"actio":1,"uid":"UID_01","kind":"beat"}`: format.ErrOwn,
		`{"actio":1,"uid":"o","kind":"other"}`:     format.ErrUnknown,
		`{"uid":"o","kind":"beat"}`:                format.ErrMalformed,
		`{"actio":1,"kind":"beat"}`:                format.ErrMalformed,
		`{"actio":1`:                               format.ErrMalformed,
		``:                                         format.ErrMalformed,
	} {
		_, err := classic().Decode(f.Channel, []byte(payload))
		assert.ErrorIs(t, err, want, payload)
	}
}
