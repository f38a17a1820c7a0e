package redisbridge

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

// enter has a bridge read an entry of its stream, as an instance with that uid adds it.
func (r *rig) enter(m *testMember, uid string, ms uint64, message *format.Message) {
	r.t.Helper()
	message.Sender, message.Namespace = uid, "/"
	f, err := m.options.streamDialect(uid).Encode(message)
	require.NoError(r.t, err)
	f.Entry.ID, f.Entry.Data = id(ms).String(), f.Payload
	handler{m.Bridge}.entry(stream, f.Entry)
}

func TestEntry_OwnOnesBeforeItWerePushedOut_AreHandedOutBeforeIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.add(Options{Adapter: StreamsAdapter, Recovery: time.Minute}, "x")
		for ms, name := range []string{"first", "second"} {
			one := a.echo.begin(broadcastOf(name), nil)
			awaited, skipped := a.echo.confirmed(one, stream, id(uint64(ms+1)).String())
			assert.True(r.t, awaited)
			assert.False(r.t, skipped)
		}
		r.enter(a, "neighbour", 3, broadcastOf("behind them"))
		assert.Equal(r.t, []string{`broadcast ["first"]`, `broadcast ["second"]`, `broadcast ["behind them","3-0"]`}, a.in.story())
		assert.False(r.t, a.Behind())
	})
}

// TestEntry_OwnJoinsAndLeaves_AreNotDoneAgain: they were done when they were emitted, and others may have been done since.
func TestEntry_OwnJoinsAndLeaves_AreNotDoneAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.add(Options{Adapter: StreamsAdapter, Recovery: time.Minute}, "x")
		echoes := a.Stats().Echoes
		for i, m := range []*format.Message{
			{Kind: format.Join, Rooms: []string{"room"}}, {Kind: format.Leave, Rooms: []string{"room"}}, {Kind: format.Disconnect},
		} {
			own, other := *m, *m
			r.enter(a, a.UID(), uint64(2*i+1), &own)
			assert.Len(r.t, a.in.story(), i)
			r.enter(a, "neighbour", uint64(2*i+2), &other)
			assert.Len(r.t, a.in.story(), i+1)
		}
		assert.Equal(r.t, []string{"join", "leave", "disconnect"}, a.in.story())
		assert.Equal(r.t, echoes+3, a.Stats().Echoes)
	})
}

// TestEntry_OwnForASocketThatHasJustConnected_IsHandedOut: nobody is known in its room before the registry has got round to it.
func TestEntry_OwnForASocketThatHasJustConnected_IsHandedOut(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.add(Options{Adapter: StreamsAdapter, Recovery: time.Minute}, "x")
		own, other := broadcastOf("welcome"), broadcastOf("of a neighbour")
		own.Target, other.Target = Target{Rooms: []string{"just connected"}}, Target{Rooms: []string{"just connected"}}
		unwanted := a.Stats().Unwanted
		r.enter(a, a.UID(), 1, own)
		r.enter(a, "neighbour", 2, other)
		assert.Equal(r.t, []string{`broadcast ["welcome","1-0"]`}, a.in.story())
		assert.Equal(r.t, unwanted+1, a.Stats().Unwanted)
	})
}
