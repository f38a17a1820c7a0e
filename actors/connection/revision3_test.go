package connection

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// inOldBubble is inBubble for a session of revision 3, which polls.
func inOldBubble(t *testing.T, configure func(*Options), test func(r *rig)) {
	t.Helper()
	inBubbleOf(t, &transport.Handshake{Revision3: true}, configure, test)
}

func TestRevision3_ClientThatPings_LivesUntilItFallsSilent(t *testing.T) {
	inOldBubble(t, nil, func(r *rig) {
		s := r.app.sockets[0]
		for range 30 {
			time.Sleep(40 * time.Second)
			r.post("2")
			require.Equal(t, "1:3", r.get())
		}
		r.post(`42["x"]`) // what else it sends is no ping
		time.Sleep(45*time.Second - 1)
		synctest.Wait()
		require.False(t, s.Closed())
		time.Sleep(1 + latest)
		synctest.Wait()
		assert.Equal(t, ReasonPingTimeout, s.Reason())
	})
}

func TestRevision3_PingsThatLieUnread_AreNotMissed(t *testing.T) {
	inOldBubble(t, nil, func(r *rig) {
		s := r.app.sockets[0]
		release := make(chan struct{})
		r.app.onEvent = func(*Socket, Event) { <-release }
		go func() {
			var packets []wire.EnginePacket
			for range r.env.Options.InboxEvents + 1 {
				packets = append(packets, wire.EnginePacket{Type: wire.EngineMessage, Data: []byte(`2["x"]`)})
			}
			r.session.Post(context.Background(), &transport.Post{Packets: packets})
		}()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		require.False(t, s.Closed(), "the server does not read")
		assert.NotZero(t, r.env.Counters.PongsExcused.Load())
		close(release)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		assert.Equal(t, ReasonPingTimeout, s.Reason())
	})
}

func TestRevision3_Begun_HasJoinedTheMainNamespace(t *testing.T) {
	inOldBubble(t, nil, func(r *rig) {
		require.Len(t, r.app.sockets, 1)
		s := r.app.sockets[0]
		assert.Equal(t, r.session.ID(), s.ID())
		assert.True(t, isSocketID(s.ID()))
		assert.Equal(t, []string{"connected /"}, r.app.told())
		r.post(`40/b?token=1&token=2&x=%C3%A9`)
		require.Len(t, r.app.sockets, 2)
		b := r.app.sockets[1]
		assert.Equal(t, "/b#"+r.session.ID(), b.ID())
		assert.True(t, isSocketID(b.ID()))
		assert.JSONEq(t, `{"token":"2","x":"é"}`, string(b.Handshake().Auth))
		assert.Equal(t, "5:40/b,", r.get())
		r.post("40/c")
		assert.Equal(t, `24:44/c,"Invalid namespace"`, r.get())
	})
}

func TestRevision3_NamespaceLeftAndJoinedAgain_HasItsIDAgain(t *testing.T) {
	inOldBubble(t, nil, func(r *rig) {
		r.post("40/b")
		first := r.app.sockets[1]
		r.post("41/b")
		assert.Equal(t, ReasonClientDisconnect, first.Reason())
		r.post("40/b")
		require.Len(t, r.app.sockets, 3)
		second := r.app.sockets[2]
		assert.Equal(t, first.ID(), second.ID())
		members, err := r.registry.Members(context.Background(), "/b", []string{second.ID()}, nil)
		require.NoError(t, err)
		assert.Equal(t, []string{second.ID()}, members)
		emitText(t, second, FlagNone, "again")
		assert.Contains(t, r.get(), `42/b,["again"]`)
	})
}

func TestRevision3_NamespaceWithQuery_IsTheNamespaceInAnyPacket(t *testing.T) {
	inOldBubble(t, nil, func(r *rig) {
		r.post("40/b?x=1")
		require.Equal(t, "5:40/b,", r.get())
		r.app.onEvent = func(_ *Socket, e Event) {
			if e.Replier != nil {
				assert.NoError(t, e.Replier.Reply("done"))
			}
		}
		r.post(`42/?x=1,["main"]`)
		assert.Equal(t, []string{"connected /", "connected /b", "event main"}, r.app.told())
		r.post(`42/b?x=1,["as it came"]`, `42/b?y=2,7["another"]`, `42/b?,["none"]`)
		assert.Equal(t, []string{"event as it came", "event another", "event none"}, r.app.told())
		assert.Equal(t, `14:43/b,7["done"]`, r.get())
		r.post("41/b?x=1", `42/b?x=1,["late"]`)
		assert.Equal(t, []string{"disconnected client namespace disconnect"}, r.app.told())
		r.post(`42/c?x=1,["never joined"]`)
		assert.Equal(t, []string{"disconnected forced server close"}, r.app.told())
	})
}

// roomy lets all in that a test sends while a handler runs.
func roomy(o *Options) { o.InboxEvents, o.InboxEventsHard = 50, 60 }

// rejoined is a session that has left /b and joined it again, while a handler of the first socket runs until it is released.
func rejoined(r *rig) (release chan struct{}) {
	r.t.Helper()
	release = make(chan struct{})
	r.app.onEvent = func(_ *Socket, e Event) {
		if e.Name == "slow" {
			<-release
			r.app.note("slow is done")
		}
	}
	r.post("40/b", `42/b,["slow"]`, `42/b,["behind"]`, "41/b", "40/b", `42/b,["of the second"]`)
	require.Equal(r.t, []string{"connected /", "connected /b", "event slow"}, r.app.told())
	return release
}

func TestRevision3_NamespaceJoinedAgainDuringAHandler_ItsSecondSocketBeginsWhenTheFirstHasEnded(t *testing.T) {
	inOldBubble(t, roomy, func(r *rig) {
		close(rejoined(r))
		assert.Equal(t, []string{
			"slow is done", "event behind", "disconnected client namespace disconnect", "connected /b", "event of the second",
		}, r.app.told())
		assert.Equal(t, "5:40/b,5:40/b,", r.get(), "the client has not waited")
	})
}

func TestRevision3_NamespaceLeftAndJoinedOften_ItsSocketsComeOneAfterAnother(t *testing.T) {
	inOldBubble(t, roomy, func(r *rig) {
		release := rejoined(r)
		r.post("41/b", "40/b", `42/b,["of the third"]`)
		require.Empty(t, r.app.told())
		close(release)
		assert.Equal(t, []string{
			"slow is done", "event behind", "disconnected client namespace disconnect",
			"connected /b", "event of the second", "disconnected client namespace disconnect",
			"connected /b", "event of the third",
		}, r.app.told())
	})
}

func TestRevision3_SessionEndsBeforeTheSecondSocketBegan_ItBeginsAndEndsAfterTheFirst(t *testing.T) {
	inOldBubble(t, roomy, func(r *rig) {
		release := rejoined(r)
		r.session.Close(ReasonForcedServerClose)
		require.Equal(t, []string{"disconnected forced server close"}, r.app.told(), "of the main namespace")
		close(release)
		assert.Equal(t, []string{
			"slow is done", "event behind", "disconnected client namespace disconnect",
			"connected /b", "event of the second", "disconnected forced server close",
		}, r.app.told())
	})
}

func TestRevision3_SecondSocketIsRefused_TheThirdStillWaitsForTheFirst(t *testing.T) {
	inOldBubble(t, roomy, func(r *rig) {
		release := make(chan struct{})
		r.app.onEvent = func(*Socket, Event) { <-release }
		refuse := false
		r.app.entrance = func(string) *Entrance {
			return &Entrance{Admit: func(context.Context, *Socket) error {
				if refuse {
					return &ConnectError{Message: "no"}
				}
				return nil
			}}
		}
		r.post("40/b")
		r.post(`42/b,["slow"]`, "41/b")
		refuse = true
		r.post("40/b")
		refuse = false
		r.post("40/b")
		require.Equal(t, []string{"connected /", "connected /b", "event slow"}, r.app.told())
		assert.Equal(t, `5:40/b,9:44/b,"no"5:40/b,`, r.get())
		close(release)
		assert.Equal(t, []string{"disconnected client namespace disconnect", "connected /b"}, r.app.told())
	})
}

func TestRevision3_RefusedOverAndOverDuringAHandler_LeavesNothingBehind(t *testing.T) {
	inOldBubble(t, roomy, func(r *rig) {
		release := rejoined(r)
		defer close(release)
		r.post("41/b")
		var refused []weak.Pointer[Socket]
		r.app.entrance = func(string) *Entrance {
			return &Entrance{Admit: func(_ context.Context, s *Socket) error {
				refused = append(refused, weak.Make(s))
				return &ConnectError{Message: "no"}
			}}
		}
		const times = 20
		for range times {
			r.post("40/b")
			require.Contains(t, r.get(), `44/b,"no"`)
		}
		require.Len(t, refused, times)
		r.app.sockets = nil
		runtime.GC()
		refused = slices.DeleteFunc(refused, func(p weak.Pointer[Socket]) bool { return p.Value() == nil })
		assert.Less(t, len(refused), times/2, "sockets that never were are kept until the handler is done")
	})
}

func TestSocketIDs_OfBothRevisions_AreNoRoomsOfOthers(t *testing.T) {
	o := testOptions()
	o.MaxRoomNameBytes = 100
	for _, id := range []string{
		newSocketID(), "/a#" + newSocketID(), "/a#b#" + newSocketID(), SessionIDFor(&transport.Handshake{Revision3: true}),
	} {
		assert.False(t, o.permits(id), id)
	}
	for _, name := range []string{"a#" + newSocketID(), "#" + newSocketID(), "/a" + newSocketID(), NewSessionID(), "/a#" + NewSessionID(), "/"} {
		assert.True(t, o.permits(name), name)
	}
	o.RefuseNodeIDs = true
	for _, id := range []string{NewSessionID(), "/a#" + NewSessionID()} {
		assert.False(t, o.permits(id), id)
	}
}

func TestEscaped_IDsOfNamespaces_AreJSON(t *testing.T) {
	assert.Equal(t, "~abc", escaped("~abc"))
	assert.Equal(t, `/a\"b\\#~abc`, escaped(`/a"b\#~abc`))
}
