package rediskeeper

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/keeper"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

func TestClaim_SessionThatWasLeft_IsGivenAsItIsAndHasAnotherHolder(t *testing.T) {
	t.Parallel()
	r := start(t, redisproc.Start(t), keeper.Options{})
	expires := time.UnixMilli(time.Now().Add(time.Hour).UnixMilli())
	r.left(format.Session{PID: "p", Namespace: "/", User: "ann", Expires: expires})
	was := r.stored("p").Holder
	_, answers := r.claim("p", "/")
	assert.Equal(t, &connection.Kept{
		PrivateID: "p", ID: "id of p", Namespace: "/", Rooms: []string{"room"}, Data: map[string]any{"of": "id of p"},
		Principal: &connection.Principal{UserID: "ann", Expires: expires},
	}, given(t, answers))
	assert.NotEqual(t, was, r.stored("p").Holder)
}

func TestClaim_NoSuchSession_IsRefused(t *testing.T) {
	t.Parallel()
	server := redisproc.Start(t)
	r := start(t, server, keeper.Options{})
	strict := start(t, server, keeper.Options{Authenticates: true})
	r.left(format.Session{PID: "elsewhere", Namespace: "/chat"})
	for _, pid := range []string{"nobody's", "elsewhere"} {
		_, answers := r.claim(pid, "/")
		refused(t, answers, connection.ErrSessionUnknown)
	}
	r.left(format.Session{PID: "of Node"})
	_, answers := strict.claim("of Node", "/")
	refused(t, answers, connection.ErrSessionUnknown)
	r.left(format.Session{PID: "of Node"})
	_, answers = r.claim("of Node", "/")
	assert.Equal(t, "/", given(t, answers).Namespace)
}

func TestClaim_Several_OneHasItAndTheYoungestWaits(t *testing.T) {
	t.Parallel()
	r := start(t, redisproc.Start(t), keeper.Options{})
	r.left(format.Session{PID: "p", Namespace: "/"})
	first, answers := r.claim("p", "/")
	given(t, answers)
	_, second := r.claim("p", "/")
	third, answers := r.claim("p", "/")
	refused(t, second, connection.ErrSessionTaken)
	r.keeper.Unclaim(first) // its connection was lost
	assert.Equal(t, "id of p", given(t, answers).ID)
	_, fourth := r.claim("p", "/")
	r.keeper.Spent(third, nil)
	refused(t, fourth, connection.ErrSessionUnknown)
	r.until("p", gone)
	_, fifth := r.claim("p", "/")
	refused(t, fifth, connection.ErrSessionUnknown)
}

// TestClaim_NextOfOneThatWasGivenUp_HasWhatTheClientLeftElsewhere: it was there in between, and has come back.
func TestClaim_NextOfOneThatWasGivenUp_HasWhatTheClientLeftElsewhere(t *testing.T) {
	t.Parallel()
	server := redisproc.Start(t)
	one, two := start(t, server, keeper.Options{}), start(t, server, keeper.Options{})
	w := walk(t, one)
	first, answers := one.claim(w.pid, "/")
	given(t, answers)
	w.to(two)
	w.join("second")
	_, next := one.claim(w.pid, "/")
	one.keeper.Unclaim(first)
	assert.ElementsMatch(t, []string{"room", "second"}, given(t, next).Rooms)
}

func TestClaim_GivenUp_SessionIsPutBack(t *testing.T) {
	t.Parallel()
	r := start(t, redisproc.Start(t), keeper.Options{})
	r.left(format.Session{PID: "p", Namespace: "/", User: "ann"})
	for range 3 {
		c, answers := r.claim("p", "/")
		given(t, answers)
		taken := r.stored("p")
		r.vanish("p")
		r.keeper.Unclaim(c)
		r.until("p", there)
		s := r.stored("p")
		assert.Equal(t, taken.Holder, s.Holder)
		assert.Equal(t, "ann", s.User)
		assert.Equal(t, []string{"id of p", "room"}, s.Rooms)
	}
}

func TestClaim_GivenUpWhileRedisIsAsked_SessionIsPutBackOrGivenToTheNext(t *testing.T) {
	t.Parallel()
	server := redisproc.Start(t)
	r := start(t, server, keeper.Options{})
	r.left(format.Session{PID: "p", Namespace: "/"})
	server.Pause()
	c, answers := r.claim("p", "/")
	r.keeper.Unclaim(c)
	_, next := r.claim("p", "/")
	server.Resume()
	assert.Equal(t, "id of p", given(t, next).ID)
	assert.Empty(t, answers)
}

func TestClaim_RedisSaysNothing_IsRefusedInTime(t *testing.T) {
	t.Parallel()
	server := redisproc.Start(t)
	r := start(t, server, keeper.Options{Timeout: 50 * time.Millisecond})
	r.left(format.Session{PID: "p", Namespace: "/"})
	server.Pause()
	defer server.Resume()
	_, answers := r.claim("p", "/")
	refused(t, answers, connection.ErrRecoveryTimeout)
}

// TestStop_WhatWasTakenOutForNobody_IsPutBack: the connection that wanted it has ended, as all have by then.
func TestStop_WhatWasTakenOutForNobody_IsPutBack(t *testing.T) {
	t.Parallel()
	server := redisproc.Start(t)
	r := start(t, server, keeper.Options{})
	r.left(format.Session{PID: "p", Namespace: "/"})
	server.Pause()
	c, _ := r.claim("p", "/")
	r.keeper.Unclaim(c)
	stopped := make(chan error, 1)
	go func() { stopped <- r.keeper.Stop(context.Background()) }()
	server.Resume()
	require.NoError(t, await.Value(t, stopped))
	require.NoError(t, r.bridge.Close(t.Context()))
	assert.NotNil(t, r.stored("p"))
}

func TestStop_RedisSaysNothing_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	server := redisproc.Start(t)
	r := start(t, server, keeper.Options{})
	server.Pause()
	defer server.Resume()
	r.claim("p", "/")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	begun := time.Now()
	require.NoError(t, r.keeper.Stop(ctx))
	assert.Less(t, time.Since(begun), patience/2)
}
