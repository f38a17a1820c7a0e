package format_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

// The servers of the captured run.
const (
	askingUID    = "75c4f48513e2c0bf"
	answeringUID = "7a87250d3f8ab426"
)

func streams(uid string) format.StreamDialect {
	return format.Streams(format.StreamsConfig{Config: format.Config{UID: uid}})
}

// command is one that the adapter for Node.js sent to Redis.
type command struct {
	step  string
	words []string
}

// entry is the entry that the command adds.
func (c command) entry(id string) (stream string, e *format.Entry) {
	e = &format.Entry{ID: id}
	for i := 6; i+1 < len(c.words); i += 2 {
		switch value := c.words[i+1]; c.words[i] {
		case "uid":
			e.UID = value
		case "nsp":
			e.Namespace = value
		case "type":
			e.Type = value
		case "data":
			e.Data = []byte(value)
		}
	}
	return c.words[1], e
}

func streamCommands(t testing.TB) (all []command) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "streams.txt"))
	require.NoError(t, err)
	step := ""
	for line := range strings.Lines(string(data)) {
		if rest := ""; cut(line, "### ", &rest) {
			step = strings.TrimSpace(rest)
			continue
		}
		if !strings.HasPrefix(line, `  "`) {
			continue
		}
		c := command{step: step}
		for _, quoted := range quotedWords.FindAllString(line, -1) {
			word, err := strconv.Unquote(quoted)
			require.NoError(t, err)
			c.words = append(c.words, word)
		}
		all = append(all, c)
	}
	require.NotEmpty(t, all)
	return all
}

// readAll reads what was captured, as another instance or, on the channel of an instance, as that.
func readAll(t testing.TB, each func(c command, m *format.Message)) {
	t.Helper()
	for _, c := range streamCommands(t) {
		switch c.words[0] {
		case "XADD":
			stream, e := c.entry("1-1")
			assert.Equal(t, "socket.io", stream)
			m, err := streams(foreignUID).DecodeEntry(e)
			require.NoError(t, err, c.step)
			assert.Equal(t, "1-1", m.Offset)
			each(c, m)
		case "PUBLISH":
			uid := foreignUID
			if strings.HasSuffix(c.words[1], "#"+askingUID+"#") {
				uid = askingUID
			}
			each(c, decode(t, streams(uid), c.words[1], []byte(c.words[2])))
		}
	}
}

func TestStreamsDecode_CapturedMessages_SayWhatWasDone(t *testing.T) {
	capture := capture{asks: askingUID, answers: answeringUID}
	got := map[string][]plain{}
	readAll(t, func(c command, m *format.Message) {
		p := mustPlain(t, m)
		for i := range p.Sockets {
			assert.Contains(t, p.Sockets[i].Handshake, `"issued":`)
			p.Sockets[i] = plainSocket{ID: "SID", Rooms: p.Sockets[i].Rooms[1:], Data: p.Sockets[i].Data, Handshake: ""}
		}
		sockets := p.Sockets
		p.Sockets = nil
		p = capture.anonymous(t, p)
		p.Sockets = sockets
		got[c.step] = append(got[c.step], p)
	})
	from := func(uid string, p plain) plain {
		p.Sender = uid
		if p.Namespace == "" {
			p.Namespace = "/"
		}
		return p
	}
	volatile := broadcast(`["v"]`)
	volatile.Flags.Volatile = true
	assert.Equal(t, map[string][]plain{
		"A io.emit('hello','world')":             {from("A", broadcast(`["hello","world"]`))},
		"A io.to('rB').emit('bin', Buffer[1,2])": {from("A", to(broadcast(`["bin",<0102>]`), "rB"))},
		"A io.volatile.emit('v')":                {from("A", volatile)},
		"A io.timeout(200).emit('q',cb)": {
			from("A", asks(`["q"]`, 200e6)), from("B", plain{Kind: format.ClientCount, Request: "REQ", Count: 1}),
			from("B", plain{Kind: format.Ack, Request: "REQ", Event: `["a1"]`}),
		},
		"A io.fetchSockets()": {
			from("A", plain{Kind: format.Fetch, Request: "REQ"}),
			from("B", plain{Kind: format.Fetched, Request: "REQ", Sockets: []plainSocket{
				{ID: "SID", Rooms: []string{"rB"}, Data: `{"n":1}`},
			}}),
		},
		"A io.in('rB').socketsJoin('j1')": {from("A", to(plain{Kind: format.Join, Rooms: []string{"j1"}}, "rB"))},
		"A io.socketsLeave('j1')":         {from("A", plain{Kind: format.Leave, Rooms: []string{"j1"}})},
		"A io.serverSideEmit('sse',1)":    {from("A", plain{Kind: format.ServerEvent, Event: `["sse",1]`})},
		"A io.serverSideEmit('sse',cb)": {
			from("A", plain{Kind: format.ServerEvent, Event: `["sse"]`, Request: "REQ"}),
			from("B", plain{Kind: format.ServerReply, Request: "REQ", Event: `["pong"]`}),
		},
		"A io.emit('again') (refresh offset)": {from("A", broadcast(`["again"]`))},
		"A io.in('rB').disconnectSockets()":   {from("A", to(plain{Kind: format.Disconnect}, "rB"))},
		"B client engine close (session persisted), A emits 2 events meanwhile": {
			from("A", broadcast(`["missed",1]`)), from("A", to(broadcast(`["missed",2]`), "nope")),
		},
	}, got)
}

func TestStreamsEncode_CapturedMessages_GiveTheSameBytes(t *testing.T) {
	readAll(t, func(c command, m *format.Message) {
		for _, fromText := range []bool{false, true} {
			if fromText { // as what is emitted here begins
				text, attachments, err := m.Event.JSON()
				require.NoError(t, err)
				m.Event = format.NewPayload(text, attachments)
			}
			if m.Kind > format.ServerEvent {
				m.To = askingUID
			}
			f := encode(t, streams(foreignUID), m)
			assert.False(t, f.Sharded)
			if c.words[0] == "PUBLISH" {
				assert.Nil(t, f.Entry)
				assert.Equal(t, []string{f.Channel, string(f.Payload)}, c.words[1:], c.step)
				continue
			}
			stream, want := c.entry("")
			require.NotNil(t, f.Entry, c.step)
			assert.Equal(t, stream, f.Channel)
			got := *f.Entry
			got.Data = f.Payload
			assert.Equal(t, *want, got, c.step)
		}
	})
}

func TestStreamsChannels_CapturedSubscriptions_AreAmongThem(t *testing.T) {
	var names []string
	for _, uid := range []string{askingUID, answeringUID} {
		for _, s := range streams(uid).Channels("/") {
			assert.Equal(t, format.Plain, s.Kind)
			names = append(names, s.Name)
		}
	}
	for _, c := range streamCommands(t) {
		if c.words[0] == "subscribe" {
			assert.Subset(t, names, c.words[1:])
		}
	}
}
