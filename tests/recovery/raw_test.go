package recovery

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/wire"
)

// identity is what a client is told in answer to its CONNECT.
type identity struct{ SID, PID string }

// dial opens a connection without a namespace.
func (s *stand) dial(t *testing.T) *rawclient.Client {
	t.Helper()
	c, err := rawclient.Dial(strings.TrimPrefix(s.proxy.URL(), "http://"), rawclient.Options{Path: s.Path()})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// enter joins the default namespace.
func enter(t *testing.T, c *rawclient.Client, connect string) (i identity) {
	t.Helper()
	require.NoError(t, c.Send(connect))
	return confirmed(t, c)
}

func confirmed(t *testing.T, c *rawclient.Client) (i identity) {
	t.Helper()
	m, err := c.Next()
	require.NoError(t, err)
	require.Equal(t, wire.Connect, m.Type)
	require.NoError(t, json.Unmarshal(m.Data, &i))
	require.NotEmpty(t, i.PID)
	return i
}

func connectWith(pid, offset string) string {
	text, _ := json.Marshal(map[string]string{"pid": pid, "offset": offset})
	return "40" + string(text)
}

// event is the next event that a client gets: its arguments as JSON, the last being the offset.
func event(t *testing.T, c *rawclient.Client) (args string, offset string) {
	t.Helper()
	m, err := c.Next()
	require.NoError(t, err)
	require.Equal(t, wire.Event, m.Type)
	require.NoError(t, m.Args.Decode(m.Args.Len()-1, &offset))
	for i := range m.Args.Len() - 1 {
		args += string(m.Args.Raw(i))
	}
	return args, offset
}

// greet has a client enter the default namespace and get a first event.
func (s *stand) greet(t *testing.T) (c *rawclient.Client, i identity, offset string) {
	t.Helper()
	c = s.dial(t)
	i = enter(t, c, "40")
	require.NoError(t, s.join(t).Emit("n", 1))
	_, offset = event(t, c)
	return c, i, offset
}

// lose is greet, after which the client loses its connection, and the server knows.
func (s *stand) lose(t *testing.T) (i identity, offset string) {
	t.Helper()
	c, i, offset := s.greet(t)
	c.Reset()
	await.Value(t, s.ended)
	return i, offset
}

func TestWire_RecoveredSession_IsConfirmedBeforeWhatWasMissed(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{})
	i, offset := s.lose(t)
	require.NoError(t, s.Emit("n", 2))
	second := s.dial(t)
	assert.Equal(t, i, enter(t, second, connectWith(i.PID, offset)))
	s.join(t)
	args, last := event(t, second)
	assert.Equal(t, "2", args)
	assert.NotEqual(t, offset, last)
}

func TestWire_SessionIsAskedForOverAndOver_EveryTimeFromWhereItsClientWas(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{})
	c, i, offset := s.greet(t)
	for n := range 5 {
		c.Reset()
		await.Value(t, s.ended)
		require.NoError(t, s.Emit("n", 2+n))
		c = s.dial(t)
		require.Equal(t, i, enter(t, c, connectWith(i.PID, offset)), "its client has not got what was sent last time")
		s.join(t)
	}
	for n := range 5 {
		args, _ := event(t, c)
		assert.JSONEq(t, string(rune('2'+n)), args)
	}
}

func TestWire_TwoClientsWithOneSession_OneGoesOnAndTheOtherBeginsAfresh(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{})
	i, offset := s.lose(t)
	// Both ask on one connection each; whichever is heard first, exactly one has the session in the end.
	a, b := s.dial(t), s.dial(t)
	require.NoError(t, a.Send(connectWith(i.PID, offset)))
	require.NoError(t, b.Send(connectWith(i.PID, offset)))
	x, y := confirmed(t, a), confirmed(t, b)
	await.Value(t, s.connected)
	await.Value(t, s.connected)
	if x == y { // the second came when the first was there already: it has taken over
		assert.Equal(t, i, x)
		assert.Equal(t, actio.ReasonTransportClose, await.Value(t, s.ended))
		require.NoError(t, s.Emit("n", 2))
		var got []wire.PacketType
		for _, c := range []*rawclient.Client{a, b} {
			m, err := c.Next()
			require.NoError(t, err)
			got = append(got, m.Type)
		}
		assert.ElementsMatch(t, []wire.PacketType{wire.Event, wire.Disconnect}, got, "the other must not come back by itself")
		return
	}
	assert.True(t, x == i || y == i)
	s.eventually(t, func(r actio.RecoveryStats) bool { return r.Recovered == 1 && r.SessionTaken == 1 })
}

func TestWire_WhatIsNoSession_BeginsAfreshAndSaysWhy(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{})
	other, err := s.Of("/other")
	require.NoError(t, err)
	other.OnConnection(s.note)
	i, offset := s.lose(t)
	for connect, want := range map[string]error{
		connectWith("made-up", offset):                                  actio.ErrSessionUnknown,
		`40/other,{"pid":"` + i.PID + `","offset":"` + offset + `"}`:    actio.ErrSessionUnknown,
		`40{"pid":7,"offset":"` + offset + `"}`:                         nil,
		`40{"pid":""}`:                                                  nil,
		`40{"pid":null,"offset":null,"token":"t"}`:                      nil,
		`40{"pid":["` + i.PID + `"],"offset":"` + offset + `","a":"b"}`: nil,
	} {
		d := s.dial(t)
		require.NoError(t, d.Send(connect))
		assert.NotEqual(t, i, confirmed(t, d))
		assert.ErrorIs(t, s.join(t).RecoveryFailure(), want)
	}
	d := s.dial(t)
	assert.Equal(t, i, enter(t, d, connectWith(i.PID, offset)), "nothing of that did any harm")
}

func TestWire_OffsetThatIsNone_BeginsAfreshAndSaysWhy(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{})
	for _, offset := range []string{"text", "1700000000000-0", ".", "zzzzzzzz.1"} {
		i, _ := s.lose(t)
		d := s.dial(t)
		assert.NotEqual(t, i, enter(t, d, connectWith(i.PID, offset)))
		require.ErrorIs(t, s.join(t).RecoveryFailure(), actio.ErrOffsetUnknown)
		d.Reset()
		await.Value(t, s.ended)
	}
}
