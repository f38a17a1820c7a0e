package connection

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

func TestSession_NoNamespaceInTime_IsClosed(t *testing.T) {
	inBubble(t, func(o *Options) { o.PingInterval = 25 * time.Second }, func(r *rig) {
		time.Sleep(25 * time.Second)
		assert.Equal(t, "2", r.get())
		r.post("3")
		time.Sleep(20*time.Second - 1)
		synctest.Wait()
		assert.False(t, r.session.ended())
		time.Sleep(1 + latest)
		assert.Equal(t, "1", r.get(), "the next GET gets the farewell")
		synctest.Wait()
		assert.True(t, r.session.ended())
	})
}

func TestSession_PongMissing_EndsAtThePingTimeout(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		time.Sleep(25 * time.Second)
		require.Equal(t, "2", r.get())
		time.Sleep(20*time.Second - 1)
		synctest.Wait()
		assert.False(t, s.Closed())
		time.Sleep(1 + latest)
		synctest.Wait()
		assert.Equal(t, ReasonPingTimeout, s.Reason())
		assert.Equal(t, "Session ID unknown", r.get())
	})
}

// A process that stood still must not take it out on its clients: those that it has not asked, and those whose answers it has
// not read.
func TestSession_HeartbeatDueWhileTheProcessStoodStill_LeavesTheClientTime(t *testing.T) {
	for name, test := range map[string]struct {
		begins, lasts, leaves time.Duration // when it stands still and how long, and what the client has afterwards
		excused               uint64
	}{
		"ping":           {20 * time.Second, time.Minute, 20 * time.Second, 0},
		"pong":           {30 * time.Second, time.Minute, 20 * time.Second, 1},
		"pong, for less": {44 * time.Second, 2 * time.Second, readersTurn, 0},
	} {
		for _, answers := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, answered %v", name, answers), func(t *testing.T) {
				inBubble(t, nil, func(r *rig) {
					s := connectFreely(r)
					time.Sleep(test.begins)
					r.app.onEntrance = func() { time.Sleep(test.lasts) }
					go r.session.read(nil, wire.EnginePacket{Type: wire.EngineMessage, Data: []byte("0/none,")})
					time.Sleep(test.lasts)
					synctest.Wait()
					assert.Contains(t, r.get(), "2")
					time.Sleep(test.leaves - 1)
					synctest.Wait()
					assert.False(t, s.Closed())
					if answers {
						r.post("3")
					}
					time.Sleep(1 + latest)
					synctest.Wait()
					assert.Equal(t, !answers, s.Closed())
					assert.Equal(t, test.excused, r.env.Counters.PongsExcused.Load())
				})
			})
		}
	}
}

// connectFreely connects the only socket of a server without authentication.
func connectFreely(r *rig) *Socket {
	r.t.Helper()
	r.post("40")
	require.Contains(r.t, r.get(), `40{"sid":"~`)
	require.Equal(r.t, []string{"connected /"}, r.app.told())
	return r.app.sockets[0]
}

// heartbeats are what a client that always has a GET waiting, and answers after a round trip, sees of them.
func (r *rig) heartbeats(s *Socket, roundTrip, d time.Duration) (gaps []time.Duration) {
	r.t.Helper()
	last, end := time.Now(), time.Now().Add(d)
	for !s.Closed() && time.Now().Before(end) {
		p := new(transport.Poll)
		r.session.Poll(p)
		<-p.Answered()
		if describe(p) != "2" {
			break
		}
		gaps = append(gaps, time.Since(last))
		last = time.Now()
		time.Sleep(roundTrip)
		r.post("3")
	}
	return gaps
}

func TestSession_PongsInTime_IsPingedAtEachInterval(t *testing.T) {
	for _, test := range []struct{ interval, timeout, roundTrip, most time.Duration }{
		{25 * time.Second, 20 * time.Second, time.Second, 25*time.Second + latest},
		{25 * time.Second, 20 * time.Second, 20*time.Second - 1, 25*time.Second + latest},
		{25 * time.Second, 100 * time.Millisecond, 90 * time.Millisecond, 25*time.Second + latest},
		{2 * time.Second, 20 * time.Second, 2500 * time.Millisecond, 2500 * time.Millisecond}, // pinged as soon as it has answered
		{200 * time.Millisecond, 20 * time.Second, 250 * time.Millisecond, 250 * time.Millisecond},
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			configure := func(o *Options) { o.PingInterval, o.PingTimeout = test.interval, test.timeout }
			inBubble(t, configure, func(r *rig) {
				s := connectFreely(r)
				least := max(test.interval, test.roundTrip)
				gaps := r.heartbeats(s, test.roundTrip, 40*least)
				require.False(t, s.Closed(), s.Reason())
				require.Greater(t, len(gaps), 30)
				for _, gap := range gaps[1:] {
					require.GreaterOrEqual(t, gap, least)
					require.LessOrEqual(t, gap, test.most)
				}
			})
		})
	}
}

func TestSession_FallsSilentAfterALatePong_EndsAfterTheTimeout(t *testing.T) {
	inBubble(t, func(o *Options) { o.PingInterval = 2 * time.Second }, func(r *rig) {
		s := connectFreely(r)
		require.Len(t, r.heartbeats(s, 2500*time.Millisecond, time.Second), 1)
		time.Sleep(20*time.Second - 1)
		assert.False(t, s.Closed())
		time.Sleep(latest + 1)
		synctest.Wait()
		assert.Equal(t, ReasonPingTimeout, s.Reason())
	})
}

// A client may send the upgrade packet when its probe has been given up.
func TestSession_UpgradePacketOfAWebSocketThatNobodyAwaits_PongsByPostStillCount(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		r.session.Message(new(transport.WebSocket), false, []byte("5"))
		require.Greater(t, len(r.heartbeats(s, time.Second, 10*time.Minute)), 20)
		assert.False(t, s.Closed(), s.Reason())
	})
}

func TestSession_PongThatNobodyAskedFor_AnswersNothingAndDelaysNothing(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		time.Sleep(24 * time.Second)
		r.post("3", "3")
		time.Sleep(time.Second)
		require.Equal(t, "2", r.get())
		time.Sleep(20*time.Second + latest)
		synctest.Wait()
		assert.Equal(t, ReasonPingTimeout, s.Reason())
	})
}

func TestSession_TwoPollsAtATime_EndsWithOneAnsweredByAClosePacket(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		first, second := new(transport.Poll), new(transport.Poll)
		r.session.Poll(first)
		r.session.Poll(second)
		synctest.Wait()
		assert.Equal(t, "1", describe(first))
		assert.Equal(t, "Bad request", describe(second))
		assert.Equal(t, ReasonTransportError, s.Reason())
	})
}

func TestSession_PollAborted_Ends(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		p := new(transport.Poll)
		r.session.Poll(p)
		r.session.PollAborted(p)
		synctest.Wait()
		assert.Equal(t, ReasonTransportError, s.Reason())
		assert.Equal(t, []string{"disconnected transport error"}, r.app.told())
	})
}

func TestSession_ClosePacketWhilePolling_AnswersTheGetAndEnds(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		p := new(transport.Poll)
		r.session.Poll(p)
		r.post("1")
		assert.Equal(t, "6", describe(p))
		assert.Equal(t, ReasonTransportClose, s.Reason())
		assert.Equal(t, "Session ID unknown", r.get())
	})
}

func TestSession_ClosePacketBeforeTheGetOfTheSameMoment_AnswersItToo(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		r.post("1")
		assert.Equal(t, ReasonTransportClose, s.Reason())
		assert.Equal(t, "6", r.get())
		assert.Equal(t, "Session ID unknown", r.get())
	})
}

func TestSession_FarewellNeverFetched_IsGivenUpAfterPollLinger(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		connectFreely(r)
		r.session.Close(ReasonServerShutdown)
		time.Sleep(5*time.Second - 1)
		synctest.Wait()
		assert.False(t, r.session.ended())
		time.Sleep(1 + latest)
		synctest.Wait()
		assert.True(t, r.session.ended())
	})
}

func TestSession_MalformedPacket_EndsWithParseError(t *testing.T) {
	for _, packet := range []string{"4abc", "42{}", `42abc["x"]`, "4", "40[]", "9", `452-["x"]`, `42["x"`, "42[null]", "4\xff"} {
		t.Run(packet, func(t *testing.T) {
			inBubble(t, nil, func(r *rig) {
				s := connectFreely(r)
				p := r.post(packet, "4\xff") // the second breaks what does not break by the first alone
				_, refusal := p.Answer()
				require.NotNil(t, refusal)
				assert.Equal(t, 400, refusal.Status)
				assert.True(t, s.Closed())
				assert.Equal(t, "Session ID unknown", r.get())
			})
		})
	}
}

func TestSession_QueueOverItsBound_IsCutAsSlowConsumer(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		for !s.Closed() {
			emitText(t, s, FlagNone, "some words that fill the queue")
			synctest.Wait()
		}
		assert.Equal(t, ReasonSlowConsumer, s.Reason())
		assert.EqualValues(t, 1, r.env.Counters.SlowConsumers.Load())
		assert.Equal(t, []string{"disconnected slow consumer"}, r.app.told())
	})
}

func TestSession_QueueOverItsBoundDroppingOldest_KeepsTheNewest(t *testing.T) {
	inBubble(t, func(o *Options) { o.QueuePolicy = DropOldest }, func(r *rig) {
		s := connectFreely(r)
		for i := range 50 {
			emitText(t, s, FlagNone, "some words that fill the queue", i)
		}
		payload := r.get()
		assert.NotContains(t, payload, "queue\",0]")
		assert.Contains(t, payload, "queue\",49]")
		assert.False(t, s.Closed())
		assert.NotZero(t, r.env.Counters.MessagesDropped.Load())
	})
}

func TestSession_VolatileWithoutAWaitingGet_IsDropped(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		emitText(t, s, FlagVolatile, "lost")
		emitText(t, s, FlagNone, "kept")
		assert.Equal(t, `42["kept"]`, r.get())
		p := new(transport.Poll)
		r.session.Poll(p)
		emitText(t, s, FlagVolatile, "caught")
		synctest.Wait()
		assert.Equal(t, `42["caught"]`, describe(p))
	})
}

func TestSession_Opened_TellsTheSupervisorOfEachSocketOnceAndOfItsEnd(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		s := connectFreely(r)
		assert.Same(t, s, actortest.Expect[*SocketOpened](t, r.supervisor).Socket)
		assert.Equal(t, Authenticated, actortest.Expect[*SocketState](t, r.supervisor).State)
		r.post("41")
		assert.Equal(t, ReasonClientDisconnect, actortest.Expect[*SocketClosed](t, r.supervisor).Reason)
		r.post("40")
		assert.NotSame(t, s, actortest.Expect[*SocketOpened](t, r.supervisor).Socket)
	})
}

func TestSession_ShutdownBeforeItHasBegun_IsClosedAsSoonAsItHas(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		pid := r.system.Spawn(Props(r.env), "connection")
		r.system.Send(pid, &Shutdown{})
		s := NewSession(r.env, NewSessionID(), pid, &transport.Handshake{})
		p := new(transport.Poll)
		r.system.Send(pid, &Begin{Session: s, Link: p, Begun: make(chan struct{})})
		synctest.Wait()
		assert.Contains(t, describe(p), "0{")
		farewell := new(transport.Poll)
		s.Poll(farewell)
		<-s.Done()
		assert.Equal(t, "1", describe(farewell))
	})
}

func TestSession_ClientNeverComesBack_EndsAfterTheHandshakeTimeout(t *testing.T) {
	soon := func(o *Options) { o.HandshakeTimeout = 10 * time.Second }
	inBubble(t, soon, func(r *rig) {
		time.Sleep(10*time.Second - 1)
		synctest.Wait()
		assert.False(t, r.session.ended())
		time.Sleep(1 + latest)
		synctest.Wait()
		assert.True(t, r.session.ended())
		assert.Equal(t, "Session ID unknown", r.get())
		assert.EqualValues(t, 1, r.env.Counters.HandshakesAbandoned.Load())
	})
	for name, request := range map[string]func(r *rig){
		"GET":  func(r *rig) { r.session.Poll(new(transport.Poll)) },
		"POST": func(r *rig) { r.post("40") },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, soon, func(r *rig) {
				request(r)
				time.Sleep(15 * time.Second)
				synctest.Wait()
				assert.False(t, r.session.ended())
				assert.Zero(t, r.env.Counters.HandshakesAbandoned.Load())
			})
		})
	}
}
