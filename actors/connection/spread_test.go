package connection

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

func TestHeartbeats_OfSessionsThatBeginTogether_AreSpread(t *testing.T) {
	const (
		sessions, parts = 5000, 10
		pings           = 2 * sessions        // one of each kind
		most            = 1.3 * pings / parts // chance makes it this uneven in one of many billions of runs
		interval        = 30 * time.Second
	)
	actortest.Bubble(t, func(t *testing.T) {
		r := newRig(t, &transport.Handshake{RemoteAddr: "192.0.2.1:1"}, func(o *Options) {
			o.Early, o.Authenticate = nil, accept
			o.PingInterval, o.AppPingInterval = interval, interval
			o.PingTimeout, o.QueueBytes = time.Hour, 1<<20 // nobody reads or answers
		})
		crowd := beginTogether(r, sessions)
		sent := &r.env.Counters.PacketsOut
		begun := sent.Load()
		for before, part := begun, 0; part < parts; part++ {
			time.Sleep(interval / parts)
			synctest.Wait()
			assert.LessOrEqual(t, float64(sent.Load()-before), most, "part %d", part)
			before = sent.Load()
		}
		time.Sleep(latest)
		synctest.Wait()
		assert.GreaterOrEqual(t, sent.Load()-begun, uint64(pings), "each was pinged")
		for _, s := range append(crowd, r.session) {
			r.system.Send(s.PID(), &Abort{Reason: ReasonServerShutdown})
			<-s.Done()
		}
		require.NoError(t, r.registry.Stop(context.Background()))
		require.NoError(t, r.system.Stop(context.Background(), r.relay))
	})
}

// beginTogether opens sessions in one moment, each with an authenticated socket.
func beginTogether(r *rig, n int) []*Session {
	r.t.Helper()
	crowd := make([]*Session, n)
	for i := range crowd {
		pid := r.system.Spawn(Props(r.env), "connection")
		crowd[i] = NewSession(r.env, NewSessionID(), pid, &transport.Handshake{})
		r.system.Send(pid, &Begin{Session: crowd[i], Link: new(transport.Poll), Begun: make(chan struct{})})
		for _, text := range []string{"0", `2["authenticate"]`} {
			crowd[i].read(nil, wire.EnginePacket{Type: wire.EngineMessage, Data: []byte(text)})
		}
	}
	synctest.Wait()
	require.EqualValues(r.t, n, r.env.Counters.AuthSucceeded.Load())
	return crowd
}

// No client may have to wait longer for its first ping than for those that follow.
func TestFirstHeartbeat_AtItsEarliestAndLatest_KeepsToTheInterval(t *testing.T) {
	earliest := func(most time.Duration) time.Duration { return most - 1 }
	latest := func(time.Duration) time.Duration { return 0 }
	for _, test := range []struct {
		early          func(most time.Duration) time.Duration
		interval, want time.Duration
	}{
		{latest, 25 * time.Second, 25 * time.Second},
		{earliest, 25 * time.Second, time.Second + 1},
		{earliest, 300 * time.Millisecond, 150*time.Millisecond + 1},
		{earliest, 1, 1},
		{earliest, 0, 0},
		{earliest, -1, 0},
	} {
		e := NewEnv(Env{Options: Options{Early: test.early}})
		assert.Equal(t, test.want, e.firstOf(test.interval), "%v", test.interval)
	}
	e := NewEnv(Env{})
	for range 1000 {
		first := e.firstOf(3)
		assert.Greater(t, first, time.Duration(1))
		assert.LessOrEqual(t, first, time.Duration(3))
	}
}
