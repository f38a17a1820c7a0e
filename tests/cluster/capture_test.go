package cluster

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/tests/internal/jsprocess"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// captured is one message as tests/js/capture-redis.mjs writes it down.
type captured struct {
	Source, Step, Channel, Receiver string
	Sharded                         bool
	Text, Hex                       *string
}

func (c captured) String() string { return c.Source + ": " + c.Step }

func (c captured) payload(t *testing.T) []byte {
	t.Helper()
	if c.Text != nil {
		return []byte(*c.Text)
	}
	data, err := hex.DecodeString(*c.Hex)
	require.NoError(t, err)
	return data
}

// dialect is that of an instance that talks to the one which published the message.
func (c captured) dialect(uid string) format.Dialect {
	config := format.Config{UID: uid}
	mode, sharded := strings.CutPrefix(c.Source, "sharded-")
	if !sharded {
		return format.Classic(format.ClassicConfig{Config: config, SpecificResponses: c.Source == "classic-specific"})
	}
	return format.Sharded(format.ShardedConfig{Config: config, Mode: map[string]format.SubscriptionMode{
		"dynamic": format.DynamicMode, "static": format.StaticMode, "dynamic-private": format.DynamicPrivateMode,
	}[mode]})
}

// capture runs the script.
func capture(t *testing.T) []captured {
	t.Helper()
	var all []captured
	p := jsprocess.Start(t, func(line []byte) {
		var c captured
		assert.NoError(t, json.Unmarshal(line, &c))
		all = append(all, c)
	}, "capture-redis.mjs", redisproc.Start(t).Addr())
	select {
	case <-p.Ended():
	case <-time.After(60 * time.Second):
		t.Fatal("the script does not end")
	}
	require.ErrorContains(t, p.Err(), "(exit status 0)")
	return all
}

// steps are the kinds of messages that each step of the script makes the packages publish.
func steps() map[string][]format.Kind {
	broadcast := []format.Kind{format.Broadcast}
	return map[string][]format.Kind{
		"emit": broadcast, "to room": broadcast, "to id": broadcast, "to rooms except": broadcast, "volatile compress": broadcast,
		"binary": broadcast, "everything": broadcast, "no arguments": broadcast, "namespace": broadcast,
		"question":        {format.AckBroadcast, format.ClientCount, format.Ack},
		"binary question": {format.AckBroadcast, format.ClientCount, format.Ack},
		"fetch":           {format.Fetch, format.Fetched}, "fetch rooms": {format.Fetch, format.Fetched},
		"all rooms": {format.ListRooms, format.RoomNames},
		"join":      {format.Join}, "leave": {format.Leave}, "disconnect": {format.Disconnect},
		"server event":          {format.ServerEvent},
		"server event with ack": {format.ServerEvent, format.ServerReply},
		"binary server event":   {format.ServerEvent, format.ServerReply},
	}
}

// TestCapturedAnew_WhatThePackagesPublish_IsRead: every kind of message of the npm packages, as they are installed now, is read
// as what it is, and what we write for it is the same where the packages agree with themselves.
func TestCapturedAnew_WhatThePackagesPublish_IsRead(t *testing.T) {
	t.Parallel()
	kinds := make(map[string]map[string][]format.Kind)
	for i, c := range capture(t) {
		t.Run(fmt.Sprintf("%s %d", c, i), func(t *testing.T) {
			m, err := c.dialect(c.Receiver).Decode(c.Channel, c.payload(t))
			require.NoError(t, err)
			if kinds[c.Source] == nil {
				kinds[c.Source] = make(map[string][]format.Kind)
			}
			kinds[c.Source][c.Step] = append(kinds[c.Source][c.Step], m.Kind)
			c.check(t, m)
			c.writeAgain(t, m)
		})
	}
	assert.Len(t, kinds, 6)
	for source, got := range kinds {
		want := steps()
		if sharded := strings.HasPrefix(source, "sharded"); sharded || source == "emitter" {
			delete(want, "all rooms")
		}
		if source == "emitter" {
			for _, step := range []string{"question", "binary question", "fetch", "fetch rooms", "server event with ack"} {
				delete(want, step)
			}
		}
		if !strings.HasPrefix(source, "sharded") {
			delete(want, "binary server event")
		}
		assert.Equal(t, want, got, source)
	}
}

// check looks at what was read.
func (c captured) check(t *testing.T, m *format.Message) {
	t.Helper()
	namespace := "/"
	if c.Step == "namespace" {
		namespace = "/custom"
	}
	assert.Equal(t, namespace, m.Namespace)
	switch m.Kind { //nolint:exhaustive // what the script makes
	case format.Broadcast, format.AckBroadcast, format.ServerEvent:
		c.checkEvent(t, m)
	case format.Join:
		assert.Equal(t, []string{"j1", "j2"}, m.Rooms)
		assert.Equal(t, format.Target{Rooms: []string{"rB"}, Except: []string{"x"}}, m.Target)
	case format.Leave:
		assert.Equal(t, []string{"j1"}, m.Rooms)
		assert.True(t, m.Target.All())
	case format.Disconnect:
		assert.True(t, m.Close)
		assert.Equal(t, []string{"rB"}, m.Target.Rooms)
	case format.Fetch:
		assert.Equal(t, c.Step == "fetch", m.Target.All())
	case format.Fetched:
		c.checkFetched(t, m)
	case format.RoomNames:
		assert.Contains(t, m.Rooms, "rB")
		assert.Len(t, m.Rooms, 3)
	case format.ClientCount:
		assert.Equal(t, 1, m.Count)
	case format.Ack, format.ServerReply:
		c.checkAnswer(t, m)
	}
}

// checkEvent looks at the event and its target.
func (c captured) checkEvent(t *testing.T, m *format.Message) {
	t.Helper()
	text, attachments, err := m.Event.JSON()
	require.NoError(t, err)
	type event struct {
		text string
		whom format.Target
	}
	binary := `{"_placeholder":true,"num":0}`
	want, ok := map[string]event{
		"emit":              {text: `["news","all"]`},
		"to room":           {`["news","room"]`, format.Target{Rooms: []string{"rB"}}},
		"to rooms except":   {`["news","rooms"]`, format.Target{Rooms: []string{"rA", "rB"}, Except: []string{"x", "y"}}},
		"volatile compress": {text: `["news","flags"]`},
		"binary": {
			`["news",` + binary + `,{"deep":[{"_placeholder":true,"num":1},null]},"2026-01-02T03:04:05.678Z"]`,
			format.Target{Rooms: []string{"rB"}},
		},
		"everything": {text: `["news","text",null,null,true,{"a":[],"ü":{"date":"2026-01-02T03:04:05.678Z"}},` +
			`0,-1,127,128,-32,-33,65536,4294967296,9007199254740992,-9007199254740992,1.5,1e+21,-0.1]`},
		"no arguments":          {text: `["news"]`},
		"namespace":             {`["news","custom"]`, format.Target{Rooms: []string{"x"}}},
		"question":              {text: `["question","q"]`},
		"binary question":       {`["binary question",` + binary + `]`, format.Target{Rooms: []string{"rB"}}},
		"server event":          {text: `["server event",1,"two",null]`},
		"server event with ack": {text: `["server event",1]`},
		"binary server event":   {text: `["binary server event",` + binary + `]`},
	}[c.Step]
	if c.Step == "to id" {
		assert.Len(t, m.Target.Rooms[0], 20)
		want, ok = event{`["news","id"]`, format.Target{Rooms: m.Target.Rooms[:1]}}, true
	}
	require.True(t, ok, c.Step)
	if c.Step == "everything" && !strings.HasPrefix(c.Source, "sharded") {
		// 1e21 is an integer to notepack.io, which cuts it to 64 bits.
		want.text = strings.Replace(want.text, "1e+21", "3875820019684212736", 1)
	}
	assert.Equal(t, want.text, string(text))
	assert.ElementsMatch(t, want.whom.Rooms, m.Target.Rooms)
	assert.ElementsMatch(t, want.whom.Except, m.Target.Except)
	for _, attachment := range attachments {
		assert.Equal(t, []byte{0, 1, 255}, attachment)
	}
	assert.Len(t, attachments, strings.Count(want.text, "_placeholder"))
	assert.Equal(t, c.Step == "volatile compress", m.Flags.Volatile)
	assert.False(t, m.Flags.Compress)
	if m.Kind == format.AckBroadcast {
		assert.Equal(t, 2*time.Second, m.Flags.Timeout)
	}
	assert.Equal(t, m.Kind == format.AckBroadcast || strings.HasPrefix(c.Step, "server event with") || c.Step == "binary server event",
		m.Request != "")
}

// checkFetched looks at a description of a socket.
func (c captured) checkFetched(t *testing.T, m *format.Message) {
	t.Helper()
	require.Len(t, m.Sockets, 1)
	s := m.Sockets[0]
	assert.Equal(t, []string{s.ID, "rB", "both"}, s.Rooms)
	assert.NotEmpty(t, m.Request)
	data, _, err := s.Data.JSON()
	require.NoError(t, err)
	assert.JSONEq(t, `{"name":"rB"}`, string(data))
	var handshake struct {
		URL, Address string
		Headers      map[string]string
		Query        map[string]string
	}
	require.NoError(t, s.Handshake.Decode(&handshake))
	assert.Equal(t, "4", handshake.Query["EIO"])
	assert.NotEmpty(t, handshake.Headers["host"])
}

// checkAnswer looks at the arguments of an answer.
func (c captured) checkAnswer(t *testing.T, m *format.Message) {
	t.Helper()
	assert.NotEmpty(t, m.Request)
	text, attachments, err := m.Event.JSON()
	require.NoError(t, err)
	switch c.Step {
	case "question":
		assert.Equal(t, `["answer in rB"]`, string(text))
	case "server event with ack":
		assert.JSONEq(t, `[{"answer":[1,"two",null]}]`, string(text))
	default:
		assert.Equal(t, `[{"_placeholder":true,"num":0}]`, string(text))
		assert.Equal(t, [][]byte{{0, 1, 255}}, attachments)
	}
}

// writeAgain encodes what was read, and compares. Not compared are flags that the model does not have, answers, to which
// actio adds what Node.js ignores, and the payload of the emitter, whose keys have another order.
func (c captured) writeAgain(t *testing.T, m *format.Message) {
	t.Helper()
	sender := m.Sender
	if sender == "" {
		sender = "abcdef"
	}
	f, err := c.dialect(sender).Encode(m)
	require.NoError(t, err)
	if slices.Contains([]format.Kind{format.ClientCount, format.Ack, format.Fetched, format.RoomNames, format.ServerReply}, m.Kind) {
		return
	}
	assert.Equal(t, c.Channel, f.Channel)
	assert.Equal(t, c.Sharded, f.Sharded)
	if c.Source == "emitter" || c.Step == "volatile compress" || m.Kind == format.ListRooms {
		return
	}
	assert.Equal(t, string(c.payload(t)), string(f.Payload))
}
