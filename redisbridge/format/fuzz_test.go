package format_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

func seed(f *testing.F, isSharded bool) {
	f.Helper()
	for _, c := range captures(f) {
		if c.sharded() != isSharded {
			continue
		}
		for _, m := range c.messages {
			f.Add(m.channel, m.payload)
		}
	}
	d := classic()
	if isSharded {
		d = sharded()
	}
	for _, m := range []*format.Message{
		{Kind: format.Hello},
		{Kind: format.Broadcast, Event: event(`["e",1e400,`+one+`,`+zero+`]`, []byte{1}, []byte{2}), Target: format.Target{User: "u"}},
		{Kind: format.AckBroadcast, Extended: true, Event: event(`["e",1e400,` + `{"a":null}]`)},
		{Kind: format.Ack, Socket: "s", Event: event(`[1,`+zero+`]`, []byte{1})},
		{Kind: format.Ack, Socket: "s", Gone: true},
		{Kind: format.ClientCount, Count: 2, IDs: []string{"a", "b"}},
		{Kind: format.Fetched, Sockets: []format.Socket{{ID: "s", User: "u", Data: event(`{"a":[1e400,`+zero+`]}`, []byte{1})}}},
	} {
		m.Sender, m.Namespace, m.Request, m.To = foreignUID, "/", "q", shardedUID
		frame := encode(f, d, m)
		f.Add(frame.Channel, frame.Payload)
	}
}

// checkDecode decodes what may be anything. What is sound can be encoded, and comes back as it was.
func checkDecode(t *testing.T, d format.Dialect, channel string, payload []byte) {
	t.Helper()
	d.Room(channel)
	m, err := d.Decode(channel, payload)
	if err != nil {
		require.Nil(t, m)
		require.True(t, errors.Is(err, format.ErrMalformed) || errors.Is(err, format.ErrOwn) || errors.Is(err, format.ErrUnknown))
		return
	}
	checkEvent(t, m)
	want, err := plainly(m)
	if err != nil {
		require.ErrorIs(t, err, format.ErrMalformed)
		return
	}
	if m.Kind > format.ServerEvent {
		m.To = shardedUID
	}
	f, err := d.Encode(m)
	require.NoError(t, err)
	if !utf8.ValidString(fmt.Sprint(want)) || m.Sender == format.Emitter {
		return // the former is replaced, the latter does not always say who it is
	}
	got, err := d.Decode(f.Channel, f.Payload)
	require.NoError(t, err, "%s %q", f.Channel, f.Payload)
	again, err := plainly(got)
	require.NoError(t, err)
	require.Equal(t, relevant(want), relevant(again))
}

// checkEvent checks what clients get as it is.
func checkEvent(t *testing.T, m *format.Message) {
	t.Helper()
	text, attachments, err := m.Event.JSON()
	if err != nil {
		require.ErrorIs(t, err, format.ErrMalformed)
		return
	}
	if m.Kind != format.Broadcast && m.Kind != format.AckBroadcast {
		return
	}
	require.True(t, json.Valid(text), "%q", text)
	require.True(t, utf8.Valid(text))
	c := wire.Complete{Packet: wire.Packet{Type: wire.Event, Data: text}}
	if attachments != nil {
		c.Packet.Type, c.Attachments = wire.BinaryEvent, attachments
	}
	name, _, err := wire.ParseEvent(c)
	require.NoError(t, err)
	require.False(t, wire.IsReserved(name))
}

// relevant leaves out what a kind does not have.
func relevant(p plain) plain {
	q := plain{Kind: p.Kind, Sender: p.Sender, Namespace: p.Namespace, Request: p.Request}
	switch p.Kind { //nolint:exhaustive // the rest has nothing else
	case format.Broadcast, format.AckBroadcast:
		q.Target, q.Event, q.Extended = p.Target, p.Event, p.Extended
		q.Flags = p.Flags
		if p.Kind == format.Broadcast {
			q.Extended, q.Request = false, ""
		}
	case format.Join, format.Leave:
		q.Target, q.Rooms, q.Socket = p.Target, p.Rooms, p.Socket
	case format.Disconnect:
		q.Target, q.Close, q.Socket = p.Target, p.Close, p.Socket
	case format.Fetch, format.ListIDs:
		q.Target = p.Target
	case format.ServerEvent:
		q.Event = p.Event
	case format.ClientCount:
		q.Count, q.IDs = p.Count, p.IDs
	case format.Ack:
		q.Socket, q.Gone = p.Socket, p.Gone
		if !p.Gone {
			q.Event = p.Event
		}
	case format.ServerReply:
		q.Event = p.Event
	case format.Fetched:
		q.Sockets = p.Sockets
	case format.IDs:
		q.IDs = p.IDs
	case format.RoomNames:
		q.Rooms = p.Rooms
	}
	return q
}

func FuzzClassicDecode(f *testing.F) {
	seed(f, false)
	f.Fuzz(func(t *testing.T, channel string, payload []byte) {
		for _, channel := range []string{
			channel, "socket.io#/#", classicRequests, classicAnswers, "socket.io-actio#/#", "socket.io-actio-members#",
		} {
			checkDecode(t, classic(), channel, payload)
		}
	})
}

func FuzzShardedDecode(f *testing.F) {
	seed(f, true)
	f.Fuzz(func(t *testing.T, channel string, payload []byte) {
		for _, channel := range []string{channel, shardedGeneral, "socket.io-actio#/#", "socket.io-actio-members#"} {
			checkDecode(t, sharded(), channel, payload)
		}
	})
}
