package format_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

// pack makes MessagePack of hexadecimal digits; what stands in quotes is a short string.
func pack(t testing.TB, s string) []byte {
	t.Helper()
	var out []byte
	for i, part := range strings.Split(s, "'") {
		if i%2 == 1 {
			require.Less(t, len(part), 32)
			out = append(append(out, 0xa0|byte(len(part))), part...)
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
		require.NoError(t, err)
		out = append(out, b...)
	}
	return out
}

func TestClassicDecode_BadBroadcasts_AreMalformed(t *testing.T) {
	const opts = " 81'rooms'90"
	sound := "93 'o' 82'type'02'data'91'e'" + opts
	require.Equal(t, format.Broadcast, decode(t, classic(), "socket.io#/#", pack(t, sound)).Kind)
	for name, payload := range map[string]string{
		"nothing":                "",
		"no MessagePack":         "c1",
		"JSON":                   "7b7d",
		"a number":               "2a",
		"a map":                  "80",
		"too short":              "92 'o' 82'type'02'data'91'e'",
		"truncated":              "93 'o' 82'type'02'data'91'e'",
		"bytes after it":         sound + "c0",
		"sender is a number":     "93 2a 82'type'02'data'91'e'" + opts,
		"packet is no map":       "93 'o' 91'e'" + opts,
		"packet without type":    "93 'o' 81'data'91'e'" + opts,
		"packet without data":    "93 'o' 81'type'02" + opts,
		"packet is no event":     "93 'o' 82'type'03'data'91'e'" + opts,
		"type is text":           "93 'o' 82'type''x''data'91'e'" + opts,
		"data is no array":       "93 'o' 82'type'02'data''e'" + opts,
		"data is empty":          "93 'o' 82'type'02'data'90" + opts,
		"event without name":     "93 'o' 82'type'02'data'91c0" + opts,
		"event named NaN":        "93 'o' 82'type'02'data'91 cb7ff8000000000000" + opts,
		"reserved event":         "93 'o' 82'type'02'data'91'disconnect'" + opts,
		"namespace is nil":       "93 'o' 83'type'02'data'91'e''nsp'c0" + opts,
		"no opts":                "93 'o' 82'type'02'data'91'e' c0",
		"rooms is a map":         "93 'o' 82'type'02'data'91'e' 81'rooms'80",
		"a room is true":         "93 'o' 82'type'02'data'91'e' 81'rooms'91c3",
		"huge array":             "dd ffffffff 'o' 82'type'02'data'91'e'" + opts,
		"huge map":               "93 'o' df ffffffff 'type'02",
		"huge string":            "93 db ffffffff 6f",
		"huge rooms":             "93 'o' 82'type'02'data'91'e' 81'rooms'dd ffffffff",
		"text beside is a float": "94 'o' 82'type'02'data'91'e'" + opts + "ca00000000 00",
	} {
		_, err := classic().Decode("socket.io#/#", pack(t, payload))
		assert.ErrorIs(t, err, format.ErrMalformed, name)
		_, err = classic().Decode("socket.io#/#r#", pack(t, payload))
		assert.ErrorIs(t, err, format.ErrMalformed, name)
	}
}

func TestDecode_OtherNamespace_IsUnknown(t *testing.T) {
	payload := pack(t, "93 'o' 83'type'02'data'91'e''nsp''/x' 81'rooms'90")
	for _, channel := range []string{"socket.io#/#", "socket.io#/#/x#", "socket.io#/xy#", "socket.io#/x", "socket.io-actio#/#"} {
		_, err := classic().Decode(channel, payload)
		assert.ErrorIs(t, err, format.ErrUnknown, channel)
	}
	for _, channel := range []string{"socket.io#/x#", "socket.io#/x#r#", "socket.io-actio#/x#"} {
		assert.Equal(t, "/x", decode(t, classic(), channel, payload).Namespace)
	}
	asks := pack(t, "84'requestId''q''type'07'packet'83'type'02'data'91'e''nsp''/x''opts'80")
	_, err := classic().Decode(classicRequests, asks)
	assert.ErrorIs(t, err, format.ErrUnknown)
	assert.Equal(t, "/x", decode(t, classic(), "socket.io-request#/x#", asks).Namespace)

	for _, nsp := range []string{`"/x"`, `""`, `7`} {
		_, err = sharded().Decode(shardedGeneral, []byte(`{"type":9,"data":{"packet":["e"]},"uid":"o","nsp":`+nsp+`}`))
		assert.ErrorIs(t, err, format.ErrUnknown)
	}
	for _, d := range []format.Dialect{classic(), sharded()} {
		for _, channel := range []string{"", "other", "other#/#", "socket.io"} {
			_, err = d.Decode(channel, payload)
			assert.ErrorIs(t, err, format.ErrUnknown)
		}
	}
}

func TestClassicDecode_BadRequests_AreMalformed(t *testing.T) {
	for payload, want := range map[string]error{
		``:                                    format.ErrMalformed,
		`{`:                                   format.ErrMalformed,
		`{}`:                                  format.ErrMalformed,
		`{}x`:                                 format.ErrMalformed,
		`[]`:                                  format.ErrMalformed,
		`{"type":4`:                           format.ErrMalformed,
		"{\"type\":1,\"requestId\":\"\xff\"}": format.ErrMalformed,
		`{"type":"4"}`:                        format.ErrMalformed,
		`{"type":-1}`:                         format.ErrMalformed,
		`{"type":1.5}`:                        format.ErrMalformed,
		`{"type":8}`:                          format.ErrUnknown,
		`{"type":100}`:                        format.ErrUnknown,
		// Without a target it would be for everybody.
		`{"type":2,"rooms":["r"]}`:             format.ErrMalformed,
		`{"type":3,"rooms":["r"]}`:             format.ErrMalformed,
		`{"type":4,"close":true}`:              format.ErrMalformed,
		`{"type":4,"opts":null}`:               format.ErrMalformed,
		`{"type":4,"opts":[]}`:                 format.ErrMalformed,
		`{"type":5,"requestId":"q"}`:           format.ErrMalformed,
		`{"type":5,"requestId":"q","sid":"s"}`: format.ErrMalformed,
		// Without an id nobody could be answered.
		`{"type":0,"rooms":[]}`: format.ErrMalformed,
		`{"type":1}`:            format.ErrMalformed,
		`{"type":5,"opts":{}}`:  format.ErrMalformed,
		`{"type":7,"opts":{},"packet":{"type":2,"data":["e"]}}`: format.ErrMalformed,
		`{"type":6}`:                           format.ErrMalformed,
		`{"type":6,"data":[]}`:                 format.ErrMalformed,
		`{"type":6,"data":"e"}`:                format.ErrMalformed,
		`{"type":6,"data":[[]]}`:               format.ErrMalformed,
		`{"type":7,"requestId":"q","opts":{}}`: format.ErrMalformed,
		`{"type":7,"requestId":"q","packet":{"type":2,"data":["e"]}}`:                 format.ErrMalformed,
		`{"type":7,"requestId":"q","packet":{"type":2,"data":["connect"]},"opts":{}}`: format.ErrMalformed,
		`{"type":2,"opts":{"rooms":"r"},"rooms":["r"]}`:                               format.ErrMalformed,
		`{"type":2,"opts":{"rooms":[{}]},"rooms":["r"]}`:                              format.ErrMalformed,
		`{"type":2,"sid":"s","room":null}`:                                            format.ErrMalformed,
		`{"uid":{},"type":1,"requestId":"q"}`:                                         format.ErrMalformed,
	} {
		for _, channel := range []string{classicRequests, "socket.io-actio#/#"} {
			_, err := classic().Decode(channel, []byte(payload))
			assert.ErrorIs(t, err, want, payload)
		}
	}
}

func TestClassicDecode_BadAnswers_AreMalformed(t *testing.T) {
	for payload, want := range map[string]error{
		`{"type":8,"clientCount":1}`:                                             format.ErrMalformed,
		`{"type":8,"requestId":"q","clientCount":-1}`:                            format.ErrMalformed,
		`{"type":8,"requestId":"q","clientCount":1e300}`:                         format.ErrMalformed,
		`{"type":8,"requestId":"q","clientCount":"1"}`:                           format.ErrMalformed,
		`{"type":5,"requestId":"q"}`:                                             format.ErrUnknown,
		`{"requestId":"q","sockets":{}}`:                                         format.ErrMalformed,
		`{"requestId":"q","sockets":[7]}`:                                        format.ErrMalformed,
		`{"requestId":"q","sockets":[{}]}`:                                       format.ErrMalformed,
		`{"requestId":"q","sockets":[{"id":"s"}]}`:                               format.ErrMalformed,
		`{"requestId":"q","sockets":["a",{"id":"s","handshake":{},"rooms":[]}]}`: format.ErrMalformed,
		`{"requestId":"q","sockets":[{"id":"s","handshake":{},"rooms":[]},"a"]}`: format.ErrMalformed,
		`{"requestId":"q","rooms":[true]}`:                                       format.ErrMalformed,
		`{"type":9,"requestId":"q","args":7}`:                                    format.ErrMalformed,
		"\x81\xa9requestId":                                                      format.ErrMalformed,
	} {
		_, err := classic().Decode(classicAnswers, []byte(payload))
		assert.ErrorIs(t, err, want, payload)
	}
}

func TestShardedDecode_BadMessages_AreMalformed(t *testing.T) {
	const end = `,"uid":"o","nsp":"/"}`
	for _, payload := range []string{
		``, `{`, `{}`, `[]`, "\x80", "\xc1", `{"type":3}` + end, `{"type":3,"data":{}}`,
		`{"type":3,"data":{},"nsp":"/"}`,
		`{"type":3` + end,
		`{"type":3,"data":null` + end,
		`{"type":3,"data":{}` + end,
		`{"type":3,"data":{"opts":{}}` + end,
		`{"type":3,"data":{"packet":{"type":2,"data":["e"]}}` + end,
		`{"type":3,"data":{"opts":{},"packet":["e"]}` + end,
		`{"type":3,"data":{"opts":{},"packet":{"type":2,"data":["connect_error"]}}` + end,
		`{"type":4,"data":{"rooms":["r"]}` + end,
		`{"type":6,"data":{"close":true}` + end,
		`{"type":7,"data":{"requestId":"q"}` + end,
		`{"type":7,"data":{"opts":{}}` + end,
		`{"type":8,"data":{"sockets":[]}` + end,
		`{"type":8,"data":{"requestId":"q","sockets":["s"]}` + end,
		`{"type":9,"data":{}` + end,
		`{"type":9,"data":{"packet":{}}` + end,
		`{"type":10,"data":{"packet":1}` + end,
		`{"type":11,"data":{"requestId":"q","clientCount":[]}` + end,
		`{"type":12,"data":{"packet":1}` + end,
		`{"type":9,"data":{"packet":["e"]},"uid":"","nsp":"/"}`,
		`{"type":9,"data":{"packet":["e"]},"uid":null,"nsp":"/"}`,
	} {
		_, err := sharded().Decode(shardedGeneral, []byte(payload))
		assert.ErrorIs(t, err, format.ErrMalformed, payload)
	}
}

func TestDecode_DeepNesting_IsHarmless(t *testing.T) {
	const depth = 1 << 20
	arrays := strings.Repeat("\x91", depth) + "\xc0"
	m := decode(t, classic(), "socket.io#/#", append(append(
		pack(t, "93 'o' 82'type'02'data'92'e'"), arrays...), pack(t, "80")...))
	_, _, err := m.Event.JSON()
	assert.ErrorIs(t, err, format.ErrMalformed)

	text := `{"type":9,"data":{"packet":["e",` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `]},"uid":"o","nsp":"/"}`
	_, err = sharded().Decode(shardedGeneral, []byte(text))
	assert.ErrorIs(t, err, format.ErrMalformed)
}

func TestDecode_KeysAsTheyCome_TheLastOneCounts(t *testing.T) {
	m := decode(t, sharded(), shardedGeneral, []byte(
		`{"type":1, "\u0074ype" : 8 ,"data" : {"requestId":"a","sockets":[{"id":"x","handshake":0,"rooms":[]}], `+
			`"sockets":[],"requestId":"b\ud800"},"uid":"o","nsp":"\/"}`))
	assert.Equal(t, plain{Kind: format.Fetched, Sender: "o", Namespace: "/", Request: "b\ufffd"}, mustPlain(t, m))

	m = decode(t, classic(), "socket.io#/#", pack(t, "93 'o' 84 2a'x' c0 c0 'type'02'data'91 07 81'rooms'c0"))
	assert.Equal(t, `[7]`, mustPlain(t, m).Event, "an event may be named by a number, and keys may be anything")
}

func TestEncode_WithoutEvent_IsRefused(t *testing.T) {
	for _, d := range []format.Dialect{classic(), sharded()} {
		for _, kind := range []format.Kind{format.Broadcast, format.AckBroadcast, format.ServerEvent} {
			_, err := d.Encode(&format.Message{Kind: kind, Sender: "o", Namespace: "/", Request: "q"})
			assert.ErrorIs(t, err, format.ErrMalformed)
		}
		for _, kind := range []format.Kind{0, 99} {
			_, err := d.Encode(&format.Message{Kind: kind, Sender: "o", Namespace: "/"})
			assert.ErrorIs(t, err, format.ErrMalformed)
		}
		for _, text := range []string{`["e"`, "[\"\xff\"]", `["e",{"_placeholder":true,"num":7}]`} {
			_, err := d.Encode(&format.Message{
				Kind: format.Broadcast, Sender: "o", Namespace: "/", Event: event(text, []byte{1}),
			})
			assert.ErrorIs(t, err, format.ErrMalformed, text)
		}
		_, err := d.Encode(&format.Message{Kind: format.Ack, Sender: "o", Namespace: "/", Request: "q", Event: event(`{}`)})
		assert.ErrorIs(t, err, format.ErrMalformed)
	}
}
