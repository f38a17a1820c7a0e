package redisbridge_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
)

// recovering are options with which sessions are kept.
func recovering(d time.Duration) redisbridge.Options {
	return redisbridge.Options{Adapter: redisbridge.StreamsAdapter, Recovery: d}
}

func session(id string, rooms ...string) *redisbridge.Session {
	return &redisbridge.Session{
		ID: sid(id), PID: "private " + id, Rooms: append([]string{sid(id)}, rooms...), Namespace: "/", Data: event(`{"n":1}`),
	}
}

// stored is the session that Redis has; nil: none, or one that is over.
func stored(t *testing.T, client redis.UniversalClient, pid string) *format.Session {
	t.Helper()
	text, err := client.Get(t.Context(), "sio:session:"+pid).Bytes()
	if err != nil {
		require.ErrorIs(t, err, redis.Nil)
	}
	if len(text) == 0 {
		return nil
	}
	s, err := format.DecodeSession(text)
	require.NoError(t, err)
	return s
}

// anything has any session taken.
func anything(*redisbridge.Session) error { return nil }

// holding is a session as one instance has it.
type holding struct {
	t      *testing.T
	client redis.UniversalClient
	at     *member
	id     string
	holder redisbridge.Holder
	lost   chan struct{}
}

// open has an instance keep a new session, until Redis has it.
func (m *member) open(t *testing.T, client redis.UniversalClient, id string) *holding {
	t.Helper()
	h := &holding{t: t, client: client, at: m, id: id, holder: m.NewHolder(), lost: make(chan struct{}, 10)}
	h.kept("first")
	return h
}

// take has an instance take the session.
func (h *holding) take(m *member) *holding {
	h.t.Helper()
	s, holder, err := m.TakeSession(h.t.Context(), "private "+h.id, anything)
	require.NoError(h.t, err)
	require.Equal(h.t, session(h.id).PID, s.PID)
	require.True(h.t, h.holder.Had(s))
	return &holding{t: h.t, client: h.client, at: m, id: h.id, holder: holder, lost: make(chan struct{}, 10)}
}

// keep has the session written, in this room.
func (h *holding) keep(room string) {
	h.at.KeepSession(session(h.id, room), h.holder, func() { h.lost <- struct{}{} })
}

func (h *holding) leave(room string, silent time.Time) {
	h.at.LeaveSession(session(h.id, room), h.holder, silent)
}

func (h *holding) end() { h.at.EndSession("private "+h.id, h.holder) }

// in tells whether Redis has the session in this room.
func (h *holding) in(room string) bool {
	h.t.Helper()
	s := stored(h.t, h.client, "private "+h.id)
	return s != nil && s.Rooms[1] == room
}

// kept is keep, until Redis has it.
func (h *holding) kept(room string) {
	h.t.Helper()
	h.keep(room)
	until(h.t, "not written", func() bool { return h.in(room) })
}

// done waits until the instance has done with what was to be written before.
func (h *holding) done() {
	h.t.Helper()
	behind := &holding{t: h.t, client: h.client, at: h.at, id: "behind", holder: h.at.NewHolder()}
	behind.kept("room")
	behind.end()
	until(h.t, "not forgotten", func() bool { return stored(h.t, h.client, "private behind") == nil })
}

// surrendered waits until the instance knows that another has the session.
func (h *holding) surrendered() {
	h.t.Helper()
	select {
	case <-h.lost:
	case <-time.After(patience):
		require.FailNow(h.t, "the instance takes the session for its own")
	}
}
