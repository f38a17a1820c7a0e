package redisbridge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/internal/redisproc"
)

// TestTakeSession_ThatTheInstanceIsYetToWrite_IsAsItWasLeft: a client comes back to its own instance before that has written
// what it left. It finds what it was last, also when nothing was written before.
func TestTakeSession_ThatTheInstanceIsYetToWrite_IsAsItWasLeft(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a := add(t, server, recovering(time.Minute))
	const n = 1000
	all := make([]*holding, n)
	for i := range all {
		all[i] = &holding{t: t, client: client, at: a, id: fmt.Sprint(i), holder: a.NewHolder()}
		all[i].keep("first")
	}
	for _, h := range all {
		h.leave("last", time.Time{})
	}
	for _, h := range all[n-100:] {
		s, _, err := a.TakeSession(t.Context(), "private "+h.id, anything)
		require.NoError(t, err)
		assert.Equal(t, "last", s.Rooms[1])
	}
}

// TestSession_LeftWhileRedisIsDownForLongerThanItIsKept_IsForgotten: its time is over when Redis is back.
func TestSession_LeftWhileRedisIsDownForLongerThanItIsKept_IsForgotten(t *testing.T) {
	const kept = time.Second
	server := redisproc.Start(t)
	client := server.Client()
	a := add(t, server, recovering(kept))
	server.Kill()
	until(t, "not all parts are down", func() bool { return len(a.Status().Reasons) == 4 })
	h := &holding{t: t, client: client, at: a, id: "s", holder: a.NewHolder()}
	h.leave("room", time.Time{})
	ends := time.Now().Add(kept)
	until(t, "time stands still", func() bool { return time.Now().After(ends) })
	server.Restart()
	until(t, "not back", func() bool { return a.Status().Up })
	h.done()
	assert.Nil(t, stored(t, client, "private s"))
}

// TestSession_TakenOnceMoreBeforeItWasWritten_ClientMayComeAgain: a claim that was given up elsewhere may have overtaken that
// of the client that is here. One that was written is elsewhere.
func TestSession_TakenOnceMoreBeforeItWasWritten_ClientMayComeAgain(t *testing.T) {
	server := redisproc.Start(t)
	client := server.Client()
	a, b := add(t, server, recovering(time.Minute)), add(t, server, recovering(time.Minute))
	h := a.open(t, client, "s").take(a)
	h.take(b)
	h.keep("of who is not the holder")
	h.surrendered()

	h = a.open(t, client, "written").take(a)
	h.kept("second")
	h.take(b)
	h.keep("of who is not the holder")
	h.surrendered()
}
