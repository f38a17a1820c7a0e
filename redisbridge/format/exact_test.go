package format_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

const (
	zero = `{"_placeholder":true,"num":0}`
	one  = `{"_placeholder":true,"num":1}`
)

func TestBroadcast_NumbersBeyondFloat64_ComeBackExactly(t *testing.T) {
	for _, text := range []string{
		`["e",36893488147419103233]`,
		`["e",0.10000000000000000001,` + zero + `]`,
		`["e",1e400,` + one + `,` + zero + `,` + one + `]`,
		`["e",1e400,` + one + `]`,
	} {
		for _, d := range []format.Dialect{classic(), sharded()} {
			m := &format.Message{Kind: format.Broadcast, Sender: "o", Namespace: "/", Event: event(text, []byte{1}, []byte{2})}
			f := encode(t, d, m)
			assert.Equal(t, mustPlain(t, m), mustPlain(t, decode(t, d, f.Channel, f.Payload)), text)
		}
	}
}

func TestBroadcast_OrdinaryNumbers_NeedNoTextBeside(t *testing.T) {
	m := &format.Message{
		Kind: format.Broadcast, Sender: "o", Namespace: "/", Event: event(`["e",9007199254740993,1.5,-0,1e21,18446744073709551615]`),
	}
	f := encode(t, classic(), m)
	assert.Equal(t, byte(0x93), f.Payload[0])
	assert.Equal(t, `["e",9007199254740993,1.5,-0,1e+21,18446744073709551615]`, mustPlain(t, decode(t, classic(), f.Channel, f.Payload)).Event)
}

func TestBroadcast_TextBeside_StandsLast(t *testing.T) {
	m := &format.Message{Kind: format.Broadcast, Sender: "o", Namespace: "/", Event: event(`["e",1e400]`)}
	plainly := pack(t, "93 'o' 83 'type'02 'data'92'e'cb7ff0000000000000 'nsp''/' 83 'rooms'90 'except'90 'flags'80")
	plainly[0] = 0x94
	assert.Equal(t, append(plainly, pack(t, `'["e",1e400]'`)...), encode(t, classic(), m).Payload)

	m.Event = event(`["e",1e400,`+one+`]`, []byte{1}, []byte{2})
	f := encode(t, classic(), m)
	assert.True(t, bytes.HasSuffix(f.Payload, []byte("\x92\xd9\x29"+`["e",1e400,`+one+"]\x01")), "%q", f.Payload)
}

func TestBroadcast_ManySpareAttachments_LoseTheTextAlone(t *testing.T) {
	attachments := make([][]byte, 2000)
	m := &format.Message{
		Kind: format.Broadcast, Sender: "o", Namespace: "/",
		Event: event(`["e",1e400,{"_placeholder":true,"num":1999}]`, attachments...),
	}
	f := encode(t, classic(), m)
	assert.Equal(t, byte(0x93), f.Payload[0])
	assert.Equal(t, `["e",null,<>]`, mustPlain(t, decode(t, classic(), f.Channel, f.Payload)).Event)
}

func TestPayload_BadTextBeside_IsMalformed(t *testing.T) {
	const event = "94 'o' 82'type'02'data'92'e'c40107 81'rooms'90"
	good := decode(t, classic(), "socket.io#/#", append(pack(t, event), pack(t, `'[ "x" , 1e999]'`)...))
	assert.Equal(t, `[ "x" , 1e999]`, mustPlain(t, good).Event)
	for _, beside := range []string{
		"''", "'['", "'[]'", "'7'", "'[null]'", `'["connect"]'`, `'["e"],["e"]'`, `'["e"]]['`, `'["` + "\xff" + `"]'`,
		`91'["e"]'`,              // the binary part is not said to belong to anything
		`93'["e"]'00 00`,         // there is but one
		`92'["e"]'cd ffff`,       // a number that would take memory
		`92'{"e":1}'00`,          // no event
		`92'["e",` + `1` + `'00`, // truncated
	} {
		m := decode(t, classic(), "socket.io#/#", append(pack(t, event), pack(t, beside)...))
		_, _, err := m.Event.JSON()
		assert.ErrorIs(t, err, format.ErrMalformed, beside)
		_, err = m.Event.Args()
		assert.ErrorIs(t, err, format.ErrMalformed, beside)
		var v any
		assert.ErrorIs(t, m.Event.Decode(&v), format.ErrMalformed, beside)
	}
	for _, beside := range []string{"c0", "2a", "90", "92 c0 00", "92 '[]' 'x'", "92 '[]' ff"} {
		_, err := classic().Decode("socket.io#/#", append(pack(t, event), pack(t, beside)...))
		if beside == "90" { // no text is found out when it is read
			assert.NoError(t, err, beside)
			continue
		}
		assert.ErrorIs(t, err, format.ErrMalformed, beside)
	}
}

func TestPayload_NestedDeeperThanMessagePackMay_ComesBack(t *testing.T) {
	const depth = 100
	text := `["e",` + string(bytes.Repeat([]byte{'['}, depth)) + zero + string(bytes.Repeat([]byte{']'}, depth)) + `]`
	m := &format.Message{Kind: format.Broadcast, Sender: "o", Namespace: "/", Event: event(text, []byte{1})}
	for _, d := range []format.Dialect{classic(), sharded()} {
		f := encode(t, d, m)
		assert.Equal(t, mustPlain(t, m), mustPlain(t, decode(t, d, f.Channel, f.Payload)))
	}
}

func TestPayload_Zero_IsAbsent(t *testing.T) {
	var p format.Payload
	assert.True(t, p.IsZero())
	text, attachments, err := p.JSON()
	require.NoError(t, err)
	assert.Nil(t, text)
	assert.Nil(t, attachments)
	args, err := p.Args()
	require.NoError(t, err)
	assert.Zero(t, args.Len())
	v := 7
	require.NoError(t, p.Decode(&v))
	assert.Equal(t, 7, v)
}

func TestPayload_Decode_GivesBytesWhereBinary(t *testing.T) {
	var v struct {
		Name string
		Data []byte
	}
	p := event(`{"name":"n","data":`+zero+`}`, []byte{1, 2})
	assert.False(t, p.IsZero())
	require.NoError(t, p.Decode(&v))
	assert.Equal(t, "n", v.Name)
	assert.Equal(t, []byte{1, 2}, v.Data)

	m := &format.Message{
		Kind: format.Fetched, Sender: "o", Namespace: "/", Request: "q",
		Sockets: []format.Socket{{ID: "s", Handshake: event(`{}`), Data: p}},
	}
	for _, d := range []format.Dialect{classic(), sharded()} {
		f := encode(t, d, m)
		v.Data = nil
		require.NoError(t, decode(t, d, f.Channel, f.Payload).Sockets[0].Data.Decode(&v))
		assert.Equal(t, []byte{1, 2}, v.Data)
	}
	var wrong int
	assert.Error(t, p.Decode(&wrong))
	assert.ErrorIs(t, event(`{`).Decode(&wrong), format.ErrMalformed)
	_, err := event(`{}`).Args()
	assert.ErrorIs(t, err, format.ErrMalformed)
}

func TestPayload_MapLikeAPlaceholder_IsNone(t *testing.T) {
	const around = "93 'o' 82'type'02'data'93'e'%82'_placeholder'c3'num'05 81'rooms'90"
	alone := decode(t, classic(), "socket.io#/#", pack(t, strings.Replace(around, "%", "c0", 1)))
	assert.Equal(t, `["e",null,{"_placeholder":true,"num":5}]`, mustPlain(t, alone).Event)

	besideBinary := decode(t, classic(), "socket.io#/#", pack(t, strings.Replace(around, "%", "c40107", 1)))
	_, _, err := besideBinary.Event.JSON()
	assert.ErrorIs(t, err, format.ErrMalformed)
}

func TestAck_OneArgumentBeyondFloat64_ComesBackExactly(t *testing.T) {
	for _, kind := range []format.Kind{format.Ack, format.ServerReply} {
		for _, text := range []string{`[1e400]`, `[[1e400,` + one + `,` + zero + `]]`, `[1e400,1e-400]`} {
			for _, d := range []format.Dialect{classic(), sharded()} {
				m := &format.Message{
					Kind: kind, Sender: "o", Namespace: "/", Request: "q", To: shardedUID, Event: event(text, []byte{1}, []byte{2}),
				}
				f := encode(t, d, m)
				assert.Equal(t, mustPlain(t, m), mustPlain(t, decode(t, d, f.Channel, f.Payload)), text)
			}
		}
	}
}
