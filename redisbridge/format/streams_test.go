package format_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

func TestStreams_Stream_IsThatOfNodeWhereNodeReadsIt(t *testing.T) {
	one := streams(foreignUID)
	assert.Equal(t, []string{"socket.io"}, one.Streams())
	assert.Equal(t, "socket.io", one.Stream("/any"))
	d := format.Streams(format.StreamsConfig{Stream: "s", Count: 5})
	assert.Equal(t, []string{"s-0", "s-1", "s-2", "s-3", "s-4"}, d.Streams())
	for namespace, want := range nodeStreams(t) {
		got := d.Stream(namespace)
		assert.Contains(t, d.Streams(), got, namespace)
		if !strings.HasPrefix(want, "s--") {
			assert.Equal(t, want, got, namespace)
		}
	}
	assert.Equal(t, "s-4", d.Stream("/notifications"), "Node.js takes s--1, which nobody reads")
}

// nodeStreams are the streams of namespaces as the adapter for Node.js computes them; see testdata/streams-names.txt.
func nodeStreams(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "streams-names.txt"))
	require.NoError(t, err)
	names := map[string]string{}
	for line := range strings.Lines(string(data)) {
		namespace, stream, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		require.True(t, ok)
		names[namespace] = stream
	}
	require.Greater(t, len(names), 10)
	return names
}

func TestStreamsEntry_UserAlone_IsHiddenFromNode(t *testing.T) {
	m := &format.Message{
		Kind: format.Broadcast, Sender: foreignUID, Namespace: "/x", Event: event(`["e"]`), Target: format.Target{User: "u"},
	}
	f := encode(t, streams(foreignUID), m)
	e := *f.Entry
	assert.Empty(t, e.Namespace, "Node.js passes over what has none")
	e.Data, e.ID = f.Payload, "1-0"
	got, err := streams(shardedUID).DecodeEntry(&e)
	require.NoError(t, err)
	assert.Equal(t, mustPlain(t, m), mustPlain(t, got))
	m.Target.Rooms = []string{"r"}
	assert.Equal(t, "/x", encode(t, streams(foreignUID), m).Entry.Namespace)
	m.Target.Rooms, m.Kind, m.Request = nil, format.Fetch, "q"
	assert.Equal(t, "socket.io-actio#/x#", encode(t, streams(foreignUID), m).Channel)
}

func TestStreamsDecodeEntry_Own_OnlyBroadcastsOnlyOnDemand(t *testing.T) {
	for _, echo := range []bool{false, true} {
		d := format.Streams(format.StreamsConfig{Config: format.Config{UID: shardedUID}, Echo: echo})
		for _, kind := range []format.Kind{format.Broadcast, format.Join, format.Disconnect} {
			f := encode(t, d, &format.Message{Kind: kind, Sender: shardedUID, Namespace: "/", Event: event(`["e"]`)})
			e := *f.Entry
			e.Data = f.Payload
			_, err := d.DecodeEntry(&e)
			if echo && kind == format.Broadcast {
				assert.NoError(t, err)
			} else {
				assert.ErrorIs(t, err, format.ErrOwn)
			}
		}
	}
}

func TestStreamsDecodeEntry_Garbage_IsNoMessage(t *testing.T) {
	good := `{"packet":{"type":2,"data":["e"]},"opts":{"rooms":[],"except":[],"flags":{}}}`
	for name, c := range map[string]struct {
		entry format.Entry
		want  error
	}{
		"no sender":      {format.Entry{Namespace: "/", Type: "3", Data: []byte(good)}, format.ErrMalformed},
		"no type":        {format.Entry{UID: "u", Namespace: "/", Data: []byte(good)}, format.ErrMalformed},
		"no namespace":   {format.Entry{UID: "u", Type: "3", Data: []byte(good)}, format.ErrUnknown},
		"a heartbeat":    {format.Entry{UID: "u", Namespace: "/", Type: "2"}, format.ErrUnknown},
		"no such type":   {format.Entry{UID: "u", Namespace: "/", Type: "99", Data: []byte(good)}, format.ErrUnknown},
		"negative type":  {format.Entry{UID: "u", Namespace: "/", Type: "-3", Data: []byte(good)}, format.ErrUnknown},
		"no JSON":        {format.Entry{UID: "u", Namespace: "/", Type: "3", Data: []byte(good[1:])}, format.ErrMalformed},
		"no base64":      {format.Entry{UID: "u", Namespace: "/", Type: "3", Data: []byte("*")}, format.ErrMalformed},
		"no MessagePack": {format.Entry{UID: "u", Namespace: "/", Type: "3", Data: []byte("wQ==")}, format.ErrMalformed},
		"no target": {
			format.Entry{UID: "u", Namespace: "/", Type: "6", Data: []byte(`{"close":true}`)}, format.ErrMalformed,
		},
	} {
		m, err := streams(shardedUID).DecodeEntry(&c.entry)
		assert.ErrorIs(t, err, c.want, name)
		assert.Nil(t, m, name)
	}
}

func TestStreams_ShardedChannels_AreThoseOfRedis7(t *testing.T) {
	d := format.Streams(format.StreamsConfig{Config: format.Config{UID: shardedUID}, ShardedChannels: true})
	for _, s := range append(d.Channels("/"), d.Census("/", false), d.Census("/", true), d.Members()) {
		assert.Equal(t, format.Shard, s.Kind)
	}
	f := encode(t, d, &format.Message{
		Kind: format.ClientCount, Sender: shardedUID, Namespace: "/", Request: "q", To: "x", Count: 2, IDs: []string{"a", "b"},
	})
	assert.True(t, f.Sharded)
	m := decode(t, streams("x"), f.Channel, f.Payload)
	assert.Equal(t, []string{"a", "b"}, m.IDs)
}

func TestTarget_Concerns_AsARegistryWouldDeliver(t *testing.T) {
	for _, c := range []struct {
		target format.Target
		want   bool
	}{
		{format.Target{}, true},
		{format.Target{Rooms: []string{"x", "b"}}, true},
		{format.Target{Rooms: []string{"x"}}, false},
		{format.Target{Except: []string{"b"}}, false},
		{format.Target{Rooms: []string{"a"}, Except: []string{"b"}}, false},
		{format.Target{User: "u"}, true},
		{format.Target{User: "v"}, false},
		{format.Target{User: "v", Rooms: []string{"a"}}, true},
	} {
		assert.Equal(t, c.want, c.target.Concerns([]string{"a", "b"}, "u"), "%+v", c.target)
	}
}

func TestEntryID_PrevAndNext_AreNeighbours(t *testing.T) {
	zero := format.EntryID{}
	assert.Equal(t, zero, zero.Prev(), "there is none")
	for _, id := range []format.EntryID{{}, {Sequence: 1}, {Milliseconds: 3}, {Milliseconds: 3, Sequence: 1<<64 - 1}} {
		assert.Equal(t, id, id.Next().Prev())
		assert.Positive(t, id.Next().Compare(id))
	}
}

func TestParseEntryID_OnlyWhatRedisWrites(t *testing.T) {
	id, ok := format.ParseEntryID("1526919030474-55")
	require.True(t, ok)
	assert.Equal(t, "1526919030474-55", id.String())
	assert.Equal(t, "1526919030474-56", id.Next().String())
	assert.Positive(t, id.Next().Compare(id))
	last := format.EntryID{Milliseconds: 1, Sequence: 1<<64 - 1}
	assert.Equal(t, "2-0", last.Next().String())
	assert.Negative(t, last.Compare(last.Next()))
	for _, text := range []string{"", "$", "-", "1", "1-", "-1", "1-1-1", "+1-1", " 1-1", "1-1 ", "a-b", "99999999999999999999-0"} {
		_, ok := format.ParseEntryID(text)
		assert.False(t, ok, text)
	}
}

func FuzzStreamsEntry(f *testing.F) {
	for _, c := range streamCommands(f) {
		if c.words[0] == "XADD" {
			_, e := c.entry("")
			f.Add(e.UID, e.Namespace, e.Private, e.Type, e.Data)
		}
	}
	f.Add("u", "", "/", "3", []byte(`{"packet":{"type":2,"data":["e",1e400]},"opts":{"rooms":[],"except":[],"user":"x"}}`))
	f.Fuzz(func(t *testing.T, uid, namespace, private, kind string, data []byte) {
		d := streams(shardedUID)
		m, err := d.DecodeEntry(&format.Entry{ID: "1-1", UID: uid, Namespace: namespace, Private: private, Type: kind, Data: data})
		if err != nil {
			require.Nil(t, m)
			return
		}
		checkEvent(t, m)
		if m.Kind > format.Disconnect || m.Kind == format.AckBroadcast {
			return // not written into streams
		}
		want, err := plainly(m)
		if err != nil {
			require.ErrorIs(t, err, format.ErrMalformed)
			return
		}
		frame, err := d.Encode(m)
		require.NoError(t, err)
		if m.Sender == format.Emitter || !validText(want) {
			return
		}
		e := *frame.Entry
		e.Data = frame.Payload
		got, err := d.DecodeEntry(&e)
		require.NoError(t, err)
		require.Equal(t, relevant(want), relevant(mustPlain(t, got)))
	})
}
