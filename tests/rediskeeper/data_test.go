package rediskeeper

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/keeper"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// encoder is an application whose data takes until it is let go on.
type encoder struct {
	begun   chan struct{} // has an element for each encoding
	goOn    chan struct{}
	version atomic.Pointer[string]
	at      atomic.Int32
}

func newEncoder() *encoder {
	e := &encoder{begun: make(chan struct{}, 100), goOn: make(chan struct{})}
	e.be("first")
	return e
}

func (e *encoder) be(version string) { e.version.Store(&version) }

// encode is what it was when it began.
func (e *encoder) encode(t *testing.T) format.Payload {
	t.Helper()
	assert.EqualValues(t, 1, e.at.Add(1), "it is encoded twice at a time")
	defer e.at.Add(-1)
	version := *e.version.Load()
	e.begun <- struct{}{}
	select {
	case <-e.goOn:
	case <-t.Context().Done(): // it has failed
	}
	return data(version)
}

func of(t *testing.T, version string) func(s *format.Session) bool {
	return func(s *format.Session) bool {
		if s == nil {
			return false
		}
		text, _, err := s.Data.JSON()
		require.NoError(t, err)
		return string(text) == `{"of":"`+version+`"}`
	}
}

// TestData_ThatTakesItsTimeToEncode_HoldsUpNoOtherSession: all others are kept, taken up and left meanwhile, and its own has
// what it had in the end.
func TestData_ThatTakesItsTimeToEncode_HoldsUpNoOtherSession(t *testing.T) {
	t.Parallel()
	slow, e := new(atomic.Pointer[string]), newEncoder()
	r := start(t, redisproc.Start(t), keeper.Options{Data: func(s *connection.Socket) format.Payload {
		if id := slow.Load(); id != nil && *id == s.ID() {
			return e.encode(t)
		}
		return data(s.ID())
	}})
	c := r.dial()
	_, id, pid := c.enter("40")
	socket := await.Value(t, r.app.sockets)
	r.until(pid, of(t, id))
	slow.Store(&id)

	for _, room := range []string{"a", "b", "c"} {
		require.NoError(t, socket.Join(t.Context(), room))
	}
	await.Value(t, e.begun)
	w := walk(t, r)
	w.to(r)
	w.join("second")
	_, _, ends := r.dial().enter("40")
	last := await.Value(t, r.app.sockets)
	r.until(ends, there)
	last.Disconnect(false)
	r.until(ends, gone)
	assert.False(t, in("a")(r.stored(pid)))

	e.be("second")
	e.goOn <- struct{}{}
	r.until(pid, of(t, "first"))
	await.Value(t, e.begun) // once for all that has changed meanwhile
	e.be("third")
	c.session.Close(connection.ReasonTransportClose)
	e.goOn <- struct{}{}
	await.Value(t, e.begun)
	e.goOn <- struct{}{}
	r.until(pid, of(t, "third"))
	assert.ElementsMatch(t, []string{id, "a", "b", "c"}, r.stored(pid).Rooms)
	assert.Empty(t, e.begun)
}

// TestData_WhoseEncodingPanics_IsWhatItWasBefore: the session is kept, and others are not concerned.
func TestData_WhoseEncodingPanics_IsWhatItWasBefore(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	broken.Store(true)
	server := redisproc.Start(t)
	r := start(t, server, keeper.Options{Data: func(s *connection.Socket) format.Payload {
		if broken.Load() {
			panic("of the application")
		}
		return data(s.ID())
	}})
	c := r.dial()
	_, id, pid := c.enter("40")
	socket := await.Value(t, r.app.sockets)
	r.until(pid, there)
	text, _, err := r.stored(pid).Data.JSON()
	require.NoError(t, err)
	assert.JSONEq(t, "{}", string(text))
	assert.Positive(t, r.system.Panics())

	broken.Store(false)
	require.NoError(t, socket.Join(t.Context(), "a"))
	r.until(pid, of(t, id))
	before := r.system.Panics()
	broken.Store(true)
	require.NoError(t, socket.Join(t.Context(), "b"))
	r.until(pid, in("b"))
	assert.True(t, of(t, id)(r.stored(pid)))
	assert.Greater(t, r.system.Panics(), before)
	c.session.Close(connection.ReasonTransportClose)
	assert.Same(t, socket, await.Value(t, r.app.ended))
	_, answers := start(t, server, keeper.Options{}).claim(pid, "/")
	assert.Equal(t, map[string]any{"of": id}, given(t, answers).Data)
}
