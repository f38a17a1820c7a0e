package redisbridge_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

func TestSession_WhileItsSocketLives_IsWrittenAgainBeforeItExpires(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	h := add(t, server, recovering(400*time.Millisecond)).open(t, client, "s")
	h.kept("room")
	ends := time.Now().Add(1500 * time.Millisecond)
	until(t, "it expired", func() bool {
		require.NotNil(t, stored(t, client, "private s"))
		return time.Now().After(ends)
	})
	h.leave("last", time.Time{})
	until(t, "the end is not written", func() bool {
		s := stored(t, client, "private s")
		return s == nil || s.Rooms[1] == "last"
	})
	until(t, "it does not expire", func() bool { return stored(t, client, "private s") == nil })
}

func TestSession_Ended_IsForgotten(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a := add(t, server, recovering(time.Minute))
	h := a.open(t, client, "s")
	h.end()
	until(t, "not forgotten", func() bool { return stored(t, client, "private s") == nil })
	_, _, err := a.TakeSession(t.Context(), "private s", anything)
	require.ErrorIs(t, err, redisbridge.ErrNoSession)
}

// TestSession_TakenWhileItsSocketSeemsToLive_IsNotTouchedByTheFormerInstance: whatever that does, at whatever time.
func TestSession_TakenWhileItsSocketSeemsToLive_IsNotTouchedByTheFormerInstance(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a, b := add(t, server, recovering(time.Minute)), add(t, server, recovering(time.Minute))
	sessions := 0
	for does, zombie := range map[string]func(h *holding){
		"changes": func(h *holding) {
			h.keep("of a zombie")
			h.surrendered()
		},
		"leaves":               func(h *holding) { h.leave("of a zombie", time.Time{}) },
		"leaves after silence": func(h *holding) { h.leave("of a zombie", time.Now()) },
		"ends":                 func(h *holding) { h.end() },
	} {
		for when, take := range map[string]func(h *holding) (room string){
			"while it is restored": func(h *holding) string {
				h.take(b)
				return "first"
			},
			"when it was restored": func(h *holding) string {
				h.take(b).kept("next")
				return "next"
			},
			"when it was left": func(h *holding) string {
				h.take(b).leave("last", time.Time{})
				until(t, "not written", func() bool { return h.in("last") })
				return "last"
			},
		} {
			sessions++
			id := fmt.Sprint("s", sessions)
			h := a.open(t, client, id)
			room := take(h)
			zombie(h)
			h.done()
			assert.True(t, h.in(room), "%s %s", does, when)
			s, holder, err := a.TakeSession(t.Context(), "private "+id, anything)
			require.NoError(t, err)
			assert.False(t, h.holder.Had(s))
			a.EndSession("private "+id, holder)
			until(t, "not forgotten", func() bool { return !h.in(room) })
		}
	}
}

func TestSession_TakenAndEnded_IsNotBroughtBackByTheFormerInstance(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a, b := add(t, server, recovering(time.Minute)), add(t, server, recovering(time.Minute))
	h := a.open(t, client, "s")
	next := h.take(b)
	next.kept("next")
	next.end()
	until(t, "not forgotten", func() bool { return stored(t, client, "private s") == nil })
	h.keep("of a zombie")
	h.surrendered()
	assert.Nil(t, stored(t, client, "private s"))
	_, _, err := b.TakeSession(t.Context(), "private s", anything)
	require.ErrorIs(t, err, redisbridge.ErrSessionOver)
	ttl, err := client.PTTL(t.Context(), "sio:session:private s").Result()
	require.NoError(t, err)
	assert.Positive(t, ttl)
	assert.LessOrEqual(t, ttl, time.Minute)
}

// TestTakeSession_OfAnotherInstance_ThatOneLearnsOfItAtOnce: long before it would write the session again.
func TestTakeSession_OfAnotherInstance_ThatOneLearnsOfItAtOnce(t *testing.T) {
	server := redisproc.Start(t)
	a, b := add(t, server, recovering(time.Hour)), add(t, server, recovering(time.Hour))
	h := a.open(t, server.Client(), "s")
	h.take(b)
	h.surrendered()
}

// TestSession_WhoseKeyIsSomethingElse_KeepsNoOtherFromBeingWritten: somebody else's list, under the name of a session.
func TestSession_WhoseKeyIsSomethingElse_KeepsNoOtherFromBeingWritten(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a := add(t, server, recovering(time.Minute))
	require.NoError(t, client.LPush(t.Context(), "sio:session:private odd", "x").Err())
	odd := &holding{t: t, client: client, at: a, id: "odd", holder: a.NewHolder(), lost: make(chan struct{}, 10)}
	odd.keep("room")
	h := a.open(t, client, "s")
	h.kept("once more")
	h.kept("and again")
	stats, err := client.Info(t.Context(), "errorstats").Result()
	require.NoError(t, err)
	assert.Contains(t, stats, "errorstat_WRONGTYPE:count=1\r\n", "it is not tried again with every other")
	kind, err := client.Type(t.Context(), "sio:session:private odd").Result()
	require.NoError(t, err)
	assert.Equal(t, "list", kind)
}

// TestSession_MovedToAndFro_IsOfWhoHadItLast: A, B, A, and neither of the zombies that it left behind.
func TestSession_MovedToAndFro_IsOfWhoHadItLast(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a, b := add(t, server, recovering(time.Minute)), add(t, server, recovering(time.Minute))
	first := a.open(t, client, "s")
	second := first.take(b)
	second.kept("second")
	third := second.take(a)
	third.kept("third")
	second.keep("of a zombie")
	second.surrendered()
	third.kept("still")
	assert.Empty(t, third.lost)
	third.end()
	until(t, "not forgotten", func() bool { return stored(t, client, "private s") == nil })
}

// TestSession_LeftByNode_IsNotTouchedByTheFormerInstance: what Node.js writes names no holder.
func TestSession_LeftByNode_IsNotTouchedByTheFormerInstance(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a := add(t, server, recovering(time.Minute))
	for name, zombie := range map[string]func(h *holding){
		"changes": func(h *holding) {
			h.keep("of a zombie")
			h.surrendered()
		},
		"leaves": func(h *holding) { h.leave("of a zombie", time.Time{}) },
		"ends":   func(h *holding) { h.end() },
	} {
		h := a.open(t, client, name)
		s := session(name, "of Node")
		s.Namespace = ""
		text, err := format.EncodeSession(s)
		require.NoError(t, err)
		require.NoError(t, client.Set(t.Context(), "sio:session:private "+name, text, time.Minute).Err())
		zombie(h)
		h.done()
		assert.True(t, h.in("of Node"), name)
		got, _, err := a.TakeSession(t.Context(), "private "+name, anything)
		require.NoError(t, err)
		assert.Empty(t, got.Holder)
	}
}

func TestTakeSession_ThatDoesNotFit_StaysWithItsHolder(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a, b := add(t, server, recovering(time.Minute)), add(t, server, recovering(time.Minute))
	h := a.open(t, client, "s")
	unfit := errors.New("unfit")
	_, _, err := b.TakeSession(t.Context(), "private s", func(s *redisbridge.Session) error {
		assert.Equal(t, session("s", "first").Rooms, s.Rooms)
		return unfit
	})
	require.ErrorIs(t, err, unfit)
	h.kept("second")
	assert.Empty(t, h.lost)
}

// TestTakeSession_WhileItIsWrittenAgainAndAgain_HasWhatWasWrittenLast: what the former instance writes afterwards is not written.
func TestTakeSession_WhileItIsWrittenAgainAndAgain_HasWhatWasWrittenLast(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a, b := add(t, server, recovering(time.Minute)), add(t, server, recovering(time.Minute))
	for i := range 20 {
		h := a.open(t, client, fmt.Sprint(i))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for n := 0; len(h.lost) == 0; n++ {
				h.keep(fmt.Sprint(n))
			}
		}()
		s, _, err := b.TakeSession(t.Context(), "private "+h.id, anything)
		require.NoError(t, err)
		<-ended
		h.done()
		assert.True(t, h.in(s.Rooms[1]))
	}
}

func TestSession_RedisForgotItsScripts_IsWrittenAndTaken(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a, b := add(t, server, recovering(time.Minute)), add(t, server, recovering(time.Minute))
	h := a.open(t, client, "s")
	require.NoError(t, client.ScriptFlush(t.Context()).Err())
	h.kept("second")
	require.NoError(t, client.ScriptFlush(t.Context()).Err())
	h.take(b).kept("third")
}

// TestSession_Cluster_IsOfItsHolderOnEveryNode: also where a slot has come from another.
func TestSession_Cluster_IsOfItsHolderOnEveryNode(t *testing.T) {
	cluster := redisproc.StartCluster(t)
	client := cluster.Client()
	a, b := addTo(t, client, recovering(time.Minute)), addTo(t, client, recovering(time.Minute))
	const n = 50
	zombies, live := make([]*holding, n), make([]*holding, n)
	for i := range n {
		zombies[i] = a.open(t, client, fmt.Sprint(i))
	}
	for i, zombie := range zombies {
		live[i] = zombie.take(b)
		zombie.keep("of a zombie")
		live[i].keep("next")
	}
	for i := range n {
		zombies[i].surrendered()
		until(t, "not written", func() bool { return live[i].in("next") })
		assert.Empty(t, live[i].lost)
	}
	h := a.open(t, client, "moves")
	h.end()
	until(t, "not forgotten", func() bool { return stored(t, client, "private moves") == nil })
	cluster.MigrateSlot("sio:session:private moves")
	a.open(t, client, "moves").take(b).kept("next")
}

// TestSession_TakenBackWhileItsEndIsWritten_IsWritten: a client comes back to its own instance so soon that what became of the
// end is heard of afterwards. It gets the session, or its connection is lost before.
func TestSession_TakenBackWhileItsEndIsWritten_IsWritten(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a := add(t, server, recovering(time.Minute))
	for i := range 200 {
		for name, back := range map[string]func(*holding){
			"kept": func(h *holding) { h.keep("back") }, "returned": func(h *holding) { h.leave("back", time.Time{}) },
		} {
			h := a.open(t, client, fmt.Sprint(name, i))
			h.keep("room")
			h.leave("last", time.Time{})
			back(h.take(a))
			until(t, name+": not written again", func() bool { return h.in("back") })
			h.done()
			require.True(t, h.in("back"))
		}
	}
}

func TestSession_RedisForgotEverything_IsWrittenAgain(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a, b := add(t, server, recovering(time.Minute)), add(t, server, recovering(time.Minute))
	h := a.open(t, client, "s")
	server.Restart()
	until(t, "not written again", func() bool {
		n, err := client.Exists(t.Context(), "sio:session:private s").Result()
		return err == nil && n == 1
	})
	for name, next := range map[string]func(){
		"changed": func() { h.keep("room") },
		"left":    func() { h.leave("room", time.Time{}) },
	} {
		h = a.open(t, client, name)
		require.NoError(t, client.FlushAll(t.Context()).Err())
		next()
		until(t, "not written", func() bool { return h.in("room") })
		h.take(b).kept("next")
	}
}

// TestSession_GoneFromRedis_IsNotBroughtBackForAClientThatIsSilent: a server of Node.js that takes a session leaves nothing
// there. Nor does a Redis that forgets: then the client is heard of, sooner or later.
func TestSession_GoneFromRedis_IsNotBroughtBackForAClientThatIsSilent(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a := add(t, server, recovering(time.Minute))
	taken := func(h *holding) {
		require.NoError(t, client.Del(t.Context(), "sio:session:private "+h.id).Err())
	}
	h := a.open(t, client, "silent")
	taken(h)
	h.leave("last", time.Now())
	h.done()
	assert.Nil(t, stored(t, client, "private silent"))

	h = a.open(t, client, "changed meanwhile")
	since := time.Now()
	taken(h)
	h.kept("of a zombie, perhaps")
	h.done()
	h.leave("last", since)
	until(t, "not taken back", func() bool { return stored(t, client, "private "+h.id) == nil })

	h = a.open(t, client, "heard of")
	taken(h)
	h.kept("second")
	h.done()
	h.leave("last", time.Now())
	until(t, "not written", func() bool { return h.in("last") })
}

// TestSession_TakenBeforeAnOutage_IsNotWrittenByTheFormerInstanceAfterwards: when Redis is back all write what they have.
func TestSession_TakenBeforeAnOutage_IsNotWrittenByTheFormerInstanceAfterwards(t *testing.T) {
	server := redisproc.StartWith(t, redisproc.Options{Arguments: []string{"--appendonly", "yes", "--appendfsync", "always"}})
	client := server.Client()
	a, b := add(t, server, recovering(time.Minute)), add(t, server, recovering(time.Minute))
	h := a.open(t, client, "s")
	next := h.take(b)
	next.kept("next")
	server.Kill()
	until(t, "not all parts are down", func() bool { return len(a.Status().Reasons) == 4 && len(b.Status().Reasons) == 4 })
	h.keep("of a zombie")
	next.keep("after the outage")
	server.Restart()
	h.surrendered()
	until(t, "not back", func() bool { return b.Status().Up })
	until(t, "not written", func() bool { return next.in("after the outage") })
	assert.Empty(t, next.lost)
}

func TestClose_SessionsLeftJustBefore_AreWritten(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a := add(t, server, recovering(time.Minute))
	const n = 1000
	for i := range n {
		a.LeaveSession(session(fmt.Sprint(i)), a.NewHolder(), time.Time{})
	}
	require.NoError(t, a.Close(t.Context()))
	size, err := client.DBSize(t.Context()).Result()
	require.NoError(t, err)
	assert.GreaterOrEqual(t, size, int64(n))
}
