package redisbridge

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
	"github.com/actio-go/actio/wire"
)

func args(raws ...string) wire.Args {
	all := make([][]byte, len(raws))
	for i, raw := range raws {
		all[i] = []byte(raw)
	}
	return wire.RawArgs(all...)
}

func TestEmit_Broadcast_ReachesTheOthersAndNotUs(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b := r.add(o, "a1"), r.add(o, "b1")
		echoes := a.Stats().Echoes // heartbeats
		settled := 0
		a.Emit(&format.Message{
			Kind: format.Broadcast, Namespace: "/", Event: event(`["hello",1]`),
			Target: Target{Except: []string{"x"}}, Flags: format.Flags{Volatile: true, Compress: true},
		}, func() { settled++ })
		a.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(`["two"]`)}, nil)
		synctest.Wait()
		assert.Equal(r.t, 1, settled)
		assert.Equal(r.t, []string{`broadcast ["hello",1]`, `broadcast ["two"]`}, b.in.story())
		got := b.in.broadcasts[0]
		assert.Equal(r.t, "/", got.Namespace)
		assert.Equal(r.t, []string{"x"}, got.Except)
		assert.True(r.t, got.Volatile && got.Compress)
		assert.Empty(r.t, a.in.story())
		assert.EqualValues(r.t, 2, a.Stats().Echoes-echoes)
		assert.EqualValues(r.t, 2, b.Stats().Broadcasts)
	})
}

func TestEmit_ToRoomsWithoutLocalMembers_IsDropped(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b := r.add(o, "a1"), r.add(o, "b1")
		b.in.set(func(i *instance) { i.sockets["b1"] = []string{"b1", "in"} })
		b.RoomChanged("/", "in", true)
		synctest.Wait()
		for _, rooms := range [][]string{{"out"}, {"out", "away"}, {"in"}, {"out", "in"}} {
			a.Emit(&format.Message{
				Kind: format.Broadcast, Namespace: "/", Event: event(`["e"]`), Target: Target{Rooms: rooms},
			}, nil)
		}
		a.Emit(&format.Message{
			Kind: format.Broadcast, Namespace: "/", Event: event(`["u"]`), Target: Target{User: "ann"},
		}, nil)
		synctest.Wait()
		assert.Equal(r.t, []string{`broadcast ["e"]`, `broadcast ["e"]`, `broadcast ["u"]`}, b.in.story())
		assert.Equal(r.t, "ann", b.in.broadcasts[2].User)
	})
}

func TestRoomChanged_RoomNamedLikeAnInstance_AnswersArriveAndItsMembersAreReached(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b := r.add(o, "a1"), r.add(o, "b1")
		room := b.UID()
		for _, m := range []*testMember{a, b} {
			m.in.set(func(i *instance) {
				id := i.of(Target{})[0]
				i.sockets[id] = append(i.sockets[id], room)
			})
			m.RoomChanged("/", room, true)
		}
		synctest.Wait()
		for _, m := range []*testMember{a, b} {
			m.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(`["e"]`), Target: Target{Rooms: []string{room}}}, nil)
		}
		synctest.Wait()
		for _, m := range []*testMember{a, b} {
			assert.Equal(r.t, []string{`broadcast ["e"]`}, m.in.story())
			m.RoomChanged("/", room, false)
		}
		synctest.Wait()
		for _, m := range []*testMember{a, b} {
			ids, missing, _ := r.fetch(m)
			assert.Len(r.t, ids, 1, "of the other")
			assert.True(r.t, missing.None(), "%+v", missing)
		}
	})
}

func TestEmit_OperationsOnSockets_AreDoneBeforeWhatFollows(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b := r.add(o), r.add(o, "b1")
		b.in.set(func(i *instance) { i.block = make(chan struct{}) })
		emit := func(m *format.Message) {
			m.Namespace = "/"
			a.Emit(m, nil)
		}
		emit(&format.Message{Kind: format.Join, Target: Target{Rooms: []string{"b1"}}, Rooms: []string{"r"}})
		emit(&format.Message{Kind: format.Broadcast, Event: event(`["to r"]`), Target: Target{Rooms: []string{"r", "r2"}}})
		emit(&format.Message{Kind: format.Leave, Target: Target{Rooms: []string{"r"}}, Rooms: []string{"r"}})
		emit(&format.Message{Kind: format.Leave, Target: Target{Rooms: []string{"nobody"}}, Rooms: []string{"r"}})
		emit(&format.Message{Kind: format.ServerEvent, Event: event(`["se",{"a":1}]`)})
		emit(&format.Message{Kind: format.Disconnect, Close: true})
		emit(&format.Message{Kind: format.Disconnect, Target: Target{Except: []string{"q"}}})
		synctest.Wait()
		assert.Empty(r.t, b.in.story())
		close(b.in.block)
		synctest.Wait()
		assert.Equal(r.t, []string{"join", `broadcast ["to r"]`, "leave", `event se [{"a":1}]`, "close", "disconnect"}, b.in.story())
		assert.Empty(r.t, b.in.replies)
	})
}

func TestApply_InstanceDoesNotReturn_GoesOnInTime(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := r.add(Options{}), r.add(Options{}, "b1")
		b.in.set(func(i *instance) { i.block = make(chan struct{}) })
		a.Emit(&format.Message{Kind: format.Join, Namespace: "/", Rooms: []string{"r"}}, nil)
		a.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(`["e"]`)}, nil)
		time.Sleep(DefaultRequestTimeout)
		synctest.Wait()
		assert.Equal(r.t, []string{`broadcast ["e"]`}, b.in.story())
	})
}

func TestReceived_Garbage_IsCountedAndHarmless(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a := r.add(o, "a1")
		before := a.Stats()
		channels := []string{"", "socket.io#/#", "socket.io-request#/#", "socket.io#/#a1#", a.dialect.Members().Name}
		for _, s := range a.dialect.Channels("/") {
			channels = append(channels, s.Name)
		}
		payloads := []string{"", "{", "{}", "\x93", "\xc1", "null", "[]", `{"type":99}`, `{"type":-3}`, `{"actio":1}`, "\x80"}
		for _, c := range channels {
			for _, p := range payloads {
				handler{a.Bridge}.Received(c, []byte(p))
			}
		}
		synctest.Wait()
		after := a.Stats()
		bad := after.Malformed + after.Unknown + after.Unwanted + after.Late
		assert.EqualValues(r.t, len(channels)*len(payloads), after.Received-before.Received)
		assert.EqualValues(r.t, len(channels)*len(payloads), bad)
		assert.Empty(r.t, a.in.story())
		assert.Zero(r.t, r.sys.Panics())
	})
}

func TestReceived_RoomWithoutLocalMembers_IsDroppedBeforeItIsRead(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a := r.add(o, "a1")
		for room, in := range map[string]bool{"nobody": false, "a1": true} {
			m := &format.Message{
				Kind: format.Broadcast, Sender: "other", Namespace: "/", Event: event(`["e"]`), Target: Target{Rooms: []string{room}},
			}
			o := a.options
			o.SubscriptionMode = format.DynamicPrivateMode
			f, err := o.dialect("other").Encode(m)
			require.NoError(r.t, err)
			require.Contains(r.t, f.Channel, room)
			before := a.Stats()
			handler{a.Bridge}.Received(f.Channel, []byte("\xc1"))
			after := a.Stats()
			got := [2]uint64{after.Unwanted - before.Unwanted, after.Malformed - before.Malformed}
			want := map[bool][2]uint64{false: {1, 0}, true: {0, 1}}[in]
			assert.Equal(r.t, want, got, room)
		}
	})
}

func TestReceived_EventThatIsNone_IsMalformed(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.add(Options{}, "a1")
		for _, kind := range []format.Kind{format.ServerEvent} {
			r.deliver(a, "abcdef", &format.Message{Kind: kind, Namespace: "/", Event: event(`[{"no":"name"}]`)})
		}
		assert.EqualValues(r.t, 1, a.Stats().Malformed)
		a.take(&format.Message{Kind: 99})
		assert.EqualValues(r.t, 1, a.Stats().Unknown)
		a.take(&format.Message{Kind: format.Fetch})
		assert.EqualValues(r.t, 2, a.Stats().Unknown, "a question without an id")
	})
}

func TestReceived_InstancePanics_TheReaderGoesOn(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := r.add(Options{}), r.add(Options{}, "b1")
		b.in.set(func(i *instance) { i.panics = true })
		emit := func() {
			a.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(`["e"]`)}, nil)
			synctest.Wait()
		}
		emit()
		assert.EqualValues(r.t, 1, r.sys.Panics())
		b.in.set(func(i *instance) { i.panics = false })
		emit()
		assert.Len(r.t, b.in.story(), 1)
	})
}

func TestAnswers_ManyQuestions_BoundedGoroutinesAndABoundedQueue(t *testing.T) {
	inBubble(t, func(r *rig) {
		b := r.add(Options{RequestTimeout: time.Hour}, "b1")
		b.in.set(func(i *instance) { i.block = make(chan struct{}) })
		before := len(b.link.published)
		for i := range maxAnswering + maxWaiting + 5 {
			b.take(&format.Message{Kind: format.Fetch, Namespace: "/", Sender: "abcdef", Request: strconv.Itoa(i)})
		}
		synctest.Wait()
		assert.Equal(r.t, maxAnswering, r.sys.Running()["redis answer"])
		assert.Equal(r.t, maxAnswering+maxWaiting, b.Stats().Answering)
		assert.EqualValues(r.t, 5, b.Stats().Refused)
		close(b.in.block)
		synctest.Wait()
		assert.Zero(r.t, b.Stats().Answering)
		assert.Len(r.t, b.link.published, before+maxAnswering+maxWaiting)
	})
}

func TestAnswers_BridgeCloses_QuestionsAreGivenUp(t *testing.T) {
	inBubble(t, func(r *rig) {
		b := r.add(Options{}, "b1")
		b.in.set(func(i *instance) { i.block = make(chan struct{}) })
		for i := range 20 {
			b.take(&format.Message{Kind: format.Fetch, Namespace: "/", Sender: "abcdef", Request: strconv.Itoa(i)})
		}
		synctest.Wait()
		require.NoError(r.t, b.Close(r.t.Context()))
		synctest.Wait()
		assert.Zero(r.t, b.Stats().Answering)
		assert.Empty(r.t, r.sys.Running())
	})
}

func TestAnswers_OldForms_AsNodeExpects(t *testing.T) {
	inBubble(t, func(r *rig) {
		b := r.add(Options{}, "b1", "b2")
		last := func() *format.Message {
			synctest.Wait()
			f := b.link.published[len(b.link.published)-1]
			m, err := b.options.dialect("abcdef").Decode(f.Channel, f.Payload)
			require.NoError(r.t, err)
			return m
		}
		b.take(&format.Message{Kind: format.ListIDs, Namespace: "/", Sender: "abcdef", Request: "1"})
		assert.ElementsMatch(r.t, []string{"b1", "b2"}, last().IDs)
		b.take(&format.Message{Kind: format.ListRooms, Namespace: "/", Sender: "abcdef", Request: "2"})
		assert.ElementsMatch(r.t, []string{"b1", "b2"}, last().Rooms)
		b.take(&format.Message{Kind: format.Join, Namespace: "/", Request: "3", Socket: "b1", Rooms: []string{"r"}})
		assert.Equal(r.t, "3", last().Request)
		assert.Equal(r.t, format.Done, last().Kind)
		assert.Equal(r.t, []string{"b1", "r"}, b.in.sockets["b1"])
		b.take(&format.Message{Kind: format.Disconnect, Namespace: "/", Request: "4", Socket: "nobody"})
		assert.Equal(r.t, "3", last().Request, "it is not here")
		b.in.set(func(i *instance) { i.fail = errFake })
		b.take(&format.Message{Kind: format.Join, Namespace: "/", Request: "5", Socket: "b1", Rooms: []string{"r"}})
		b.take(&format.Message{Kind: format.Fetch, Namespace: "/", Sender: "abcdef", Request: "6"})
		assert.Equal(r.t, "3", last().Request, "it has failed")
	})
}

func TestEmit_SkipUnheard_SkipsOnlyWhatNobodyWouldHear(t *testing.T) {
	inBubble(t, func(r *rig) {
		o := Options{SkipUnheard: true}
		a := r.add(o)
		settled := 0
		emit := func() {
			time.Sleep(time.Millisecond) // what is due in this instant is done before
			synctest.Wait()
			a.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(`["e"]`)}, func() { settled++ })
			synctest.Wait()
		}
		emit()
		assert.Equal(r.t, 1, a.link.emits(), "it is not known who listens")
		time.Sleep(DefaultHeartbeatInterval)
		emit()
		assert.Equal(r.t, 1, a.link.emits())
		assert.EqualValues(r.t, 1, a.Stats().Skipped)
		assert.Equal(r.t, 2, settled)
		b := r.add(o, "b1")
		emit()
		assert.Equal(r.t, 2, a.link.emits(), "a neighbour has said hello")
		assert.Len(r.t, b.in.story(), 1)
		time.Sleep(DefaultHeartbeatInterval)
		emit()
		assert.Equal(r.t, 3, a.link.emits())
		r.kill(b)
		time.Sleep(DefaultHeartbeatInterval)
		emit()
		assert.Equal(r.t, 3, a.link.emits())
		r.down(a, link.PublishPart)
		emit()
		assert.Equal(r.t, 4, a.link.emits(), "nothing is known while Redis is down")
		r.up(a, link.PublishPart)
		a.link.set(func(l *fakeLink) { l.countErr = errFake })
		time.Sleep(DefaultHeartbeatInterval)
		emit()
		assert.Equal(r.t, 5, a.link.emits())
	})
}

func TestApply_RegistryCrashes_IsTriedOnceMore(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := r.add(Options{}), r.add(Options{}, "b1")
		b.in.set(func(i *instance) { i.failOnce = roomregistry.ErrShardFailed })
		a.Emit(&format.Message{Kind: format.Join, Namespace: "/", Rooms: []string{"r"}}, nil)
		synctest.Wait()
		assert.Equal(r.t, []string{"join"}, b.in.story())
	})
}

func TestFetch_HandshakesTooLarge_AreLeftOut(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b := r.add(o), r.add(o, "b1", "b2")
		large := `{"url":"` + strings.Repeat("x", maxHandshakes/2) + `"}`
		b.in.set(func(i *instance) { i.handshake = large })
		sockets, missing, err := a.Fetch(r.t.Context(), "/", Target{}, 0)
		require.NoError(r.t, err)
		assert.True(r.t, missing.None())
		assert.Len(r.t, sockets, 2)
		for _, s := range sockets {
			text, _, err := s.Handshake.JSON()
			require.NoError(r.t, err)
			assert.JSONEq(r.t, `{}`, string(text))
			assert.Equal(r.t, []string{s.ID}, s.Rooms)
		}
		sockets, _, err = a.Fetch(r.t.Context(), "/", Target{Rooms: []string{"b1"}}, 0)
		require.NoError(r.t, err)
		text, _, err := sockets[0].Handshake.JSON()
		require.NoError(r.t, err)
		assert.Len(r.t, text, len(large))
	})
}

func TestMember_UIDTooLong_IsMalformed(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a := r.add(o)
		before := a.Stats().Malformed
		for size, malformed := range map[int]uint64{format.MaxUID: 0, format.MaxUID + 1: 1, 1 << 20: 1} {
			uid := strings.Repeat("u", size)
			handler{a.Bridge}.Received(a.dialect.Members().Name, []byte(`{"actio":1,"uid":"`+uid+`","kind":"beat"}`))
			assert.Equal(r.t, malformed, a.Stats().Malformed-before, size)
			before = a.Stats().Malformed
		}
		synctest.Wait()
		assert.Equal(r.t, []string{strings.Repeat("u", format.MaxUID)}, a.Status().Peers)
	})
}

func TestApply_EmptyRoomNames_AreNoRooms(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := r.add(Options{}), r.add(Options{}, "b1")
		a.Emit(&format.Message{Kind: format.Join, Namespace: "/", Rooms: []string{"", "r", ""}}, nil)
		synctest.Wait()
		assert.Equal(r.t, []string{"b1", "r"}, b.in.sockets["b1"])
	})
}
