package redisbridge

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
)

func TestNeighbours_StartLeaveDie_KnownByName(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a := r.add(o)
		assert.Empty(r.t, a.Status().Peers)
		b, c := r.add(o), r.add(o)
		for _, m := range []*testMember{a, b, c} {
			assert.Len(r.t, m.Status().Peers, 2, "known at once")
			assert.NotContains(r.t, m.Status().Peers, m.UID())
		}
		require.NoError(r.t, b.Leave(r.t.Context()))
		require.NoError(r.t, b.Leave(r.t.Context()))
		synctest.Wait()
		assert.Equal(r.t, []string{c.UID()}, a.Status().Peers)
		time.Sleep(10 * DefaultHeartbeatTimeout)
		assert.Equal(r.t, []string{c.UID()}, a.Status().Peers, "they hear of each other")
		r.mute(c)
		time.Sleep(DefaultHeartbeatTimeout - DefaultHeartbeatInterval)
		synctest.Wait()
		assert.Equal(r.t, []string{c.UID()}, a.Status().Peers)
		time.Sleep(DefaultHeartbeatInterval + 1)
		synctest.Wait()
		assert.Empty(r.t, a.Status().Peers)
		assert.Zero(r.t, a.Stats().Peers)
	})
}

func TestNeighbours_FloodOfHellos_FewAnswersAndBoundedMemory(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.add(Options{})
		time.Sleep(time.Second)
		before := len(a.link.published)
		for range maxPeers + 10 {
			a.tell(&member{message: &format.Message{Kind: format.Hello, Sender: format.NewShardedUID()}})
		}
		synctest.Wait()
		assert.Len(r.t, a.link.published, before+1)
		assert.Equal(r.t, maxPeers, a.Stats().Peers)
		time.Sleep(helloPause)
		synctest.Wait()
		assert.Len(r.t, a.link.published, before+2)
		for _, nobody := range []string{"", a.UID(), format.Emitter} {
			a.tell(&member{message: &format.Message{Kind: format.Beat, Sender: nobody}})
		}
		time.Sleep(DefaultHeartbeatTimeout)
		synctest.Wait()
		assert.Zero(r.t, a.Stats().Peers)
	})
}

func TestNeighbours_RedisDownForLong_NobodyIsForgottenUntilItIsBack(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := r.add(Options{}), r.add(Options{})
		r.mute(b)
		r.down(a, link.SubscribePart)
		time.Sleep(10 * DefaultHeartbeatTimeout)
		assert.Equal(r.t, []string{b.UID()}, a.Status().Peers)
		r.up(a, link.SubscribePart)
		time.Sleep(DefaultHeartbeatTimeout - 1)
		assert.Equal(r.t, []string{b.UID()}, a.Status().Peers)
		time.Sleep(DefaultHeartbeatTimeout)
		synctest.Wait()
		assert.Empty(r.t, a.Status().Peers)
	})
}

func TestStatus_ConnectionsGoAndCome_SaysWhichAndSinceWhen(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.add(Options{})
		begun := time.Now()
		s := a.Status()
		assert.True(r.t, s.Up)
		assert.Empty(r.t, s.Reasons)
		assert.Equal(r.t, 3, s.Buffered)
		time.Sleep(time.Second)
		r.down(a, link.SubscribePart)
		time.Sleep(time.Second)
		r.down(a, link.EmitterPart)
		r.down(a, 77)
		s = a.Status()
		assert.False(r.t, s.Up)
		assert.Equal(r.t, []string{"emitter: fake", "subscribe: fake"}, s.Reasons)
		a.link.set(func(l *fakeLink) { l.reasons = map[link.Part]error{link.SubscribePart: errors.New("later")} })
		assert.Equal(r.t, []string{"emitter: fake", "subscribe: later"}, a.Status().Reasons, "what keeps it down")
		assert.Equal(r.t, begun.Add(time.Second), s.Since)
		r.up(a, link.SubscribePart)
		assert.Equal(r.t, begun.Add(time.Second), a.Status().Since)
		r.up(a, link.EmitterPart)
		assert.Equal(r.t, begun.Add(2*time.Second), a.Status().Since)
		require.NoError(r.t, a.Close(r.t.Context()))
		assert.Equal(r.t, []string{ErrClosed.Error()}, a.Status().Reasons)
	})
}

func TestLeave_RedisDownStalledOrContextOver_DoesNotKeepTheCaller(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(r *rig, m *testMember)
		timeout time.Duration
		takes   time.Duration
		err     error
	}{
		"down":    {func(r *rig, m *testMember) { r.down(m, link.EmitterPart) }, time.Minute, 0, nil},
		"stalled": {func(_ *rig, m *testMember) { m.link.set(func(l *fakeLink) { l.hold = true }) }, time.Minute, leaveTimeout, nil},
		"over":    {func(_ *rig, m *testMember) { m.link.set(func(l *fakeLink) { l.hold = true }) }, time.Millisecond, time.Millisecond, ErrLeft},
		"closed":  {func(r *rig, m *testMember) { _ = m.Close(r.t.Context()) }, time.Minute, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				a := r.add(Options{})
				c.prepare(r, a)
				ctx, cancel := context.WithTimeout(r.t.Context(), c.timeout)
				defer cancel()
				begun := time.Now()
				require.ErrorIs(r.t, a.Leave(ctx), c.err)
				assert.Equal(r.t, c.takes, time.Since(begun))
				sent := len(a.link.published)
				time.Sleep(time.Minute)
				if name != "closed" {
					assert.Len(r.t, a.link.published, sent, "no heartbeat after the farewell")
				}
			})
		})
	}
}

func TestLeave_Neighbours_CountItNoMore(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b := r.add(o, "a1"), r.add(o, "b1")
		require.NoError(r.t, b.Leave(r.t.Context()))
		synctest.Wait()
		ids, missing, took := r.fetch(a)
		assert.Empty(r.t, ids)
		assert.True(r.t, missing.None())
		assert.Zero(r.t, took)
	})
}

func TestStart_Fails_LeavesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		options Options
		open    opener
		err     error
	}{
		"no client": {Options{}, nil, ErrInvalidOptions},
		"options":   {Options{Client: someClient(), RequestTimeout: -1}, nil, ErrInvalidOptions},
		"refused": {Options{Client: someClient()}, func(
			context.Context, link.Handler, *link.Streams, func() []format.Subscription, []format.Subscription,
		) (linkage, error) {
			return nil, errFake
		}, errFake},
		"never": {Options{Client: someClient()}, func(
			ctx context.Context, _ link.Handler, _ *link.Streams, _ func() []format.Subscription, _ []format.Subscription,
		) (linkage, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, context.DeadlineExceeded},
		"not subscribed": {Options{Client: someClient()}, func(
			_ context.Context, h link.Handler, _ *link.Streams, _ func() []format.Subscription, _ []format.Subscription,
		) (linkage, error) {
			return refusing{&fakeLink{hub: newHub(), handler: h, done: make(chan struct{})}}, nil
		}, errFake},
	} {
		t.Run(name, func(t *testing.T) {
			actortest.Bubble(t, func(t *testing.T) {
				sys := actortest.NewSystem(t)
				var err error
				if c.open == nil {
					_, err = Start(t.Context(), sys, c.options, "x", nil, newInstance())
				} else {
					_, err = start(t.Context(), sys, c.options, []string{"/"}, newInstance(), c.open)
				}
				require.ErrorIs(t, err, c.err)
				synctest.Wait()
				assert.Empty(t, sys.Running())
				assert.Empty(t, sys.Clock().Armed())
			})
		})
	}
}

// refusing is a link that cannot subscribe.
type refusing struct{ *fakeLink }

func (refusing) Subscribed(context.Context, ...format.Subscription) error { return errFake }

func TestClose_ContextOverMeanwhile_SaysWhatIsLeft(t *testing.T) {
	inBubble(t, func(r *rig) {
		over, cancel := context.WithCancel(r.t.Context())
		cancel()
		for range 20 { // it was a matter of luck
			a := r.add(Options{})
			a.link.set(func(l *fakeLink) { l.closeErr = errFake })
			require.ErrorIs(r.t, a.Close(over), errFake)
			r.members = nil
		}
	})
}

func TestClose_TwiceAndAfterwards_Harmless(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.add(Options{})
		a.link.set(func(l *fakeLink) { l.closeErr = errFake })
		require.ErrorIs(r.t, a.Close(r.t.Context()), errFake)
		require.ErrorIs(r.t, a.Close(r.t.Context()), errFake)
		settled := 0
		a.Emit(&format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(`["e"]`)}, func() { settled++ })
		assert.Equal(r.t, 1, settled)
		a.AddNamespace("/x")
		a.RemoveNamespace("/x")
		a.RoomChanged("/", "r", true)
		handler{a.Bridge}.Received("socket.io#/#", []byte("{"))
		handler{a.Bridge}.Changed(link.EmitterPart, errFake)
		assert.Zero(r.t, a.Stats().Malformed)
		synctest.Wait()
		assert.Empty(r.t, r.sys.Clock().Armed())
		r.members = nil
	})
}

func TestSubscriptions_NamespacesAndRooms_FollowWhatIsWanted(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.add(Options{DynamicRooms: true})
		has := func(wanted bool, subs ...format.Subscription) {
			r.t.Helper()
			synctest.Wait()
			for _, s := range subs {
				assert.Equal(r.t, wanted, a.link.has(s), s.Name)
			}
		}
		has(true, a.dialect.Members())
		has(true, a.dialect.Channels("/")...)
		has(false, a.dialect.Channels("/x")...)
		a.AddNamespace("/x")
		a.AddNamespace("/x")
		has(true, a.dialect.Channels("/x")...)
		assert.Equal(r.t, []format.Subscription{a.dialect.Census("/", false), a.dialect.Census("/x", false)}, a.link.census())
		room, ok := a.dialect.RoomChannel("/x", "r")
		require.True(r.t, ok)
		a.RoomChanged("/x", "r", true)
		a.RoomChanged("/x", "r", true)
		has(true, room)
		assert.Equal(r.t, 1, a.Stats().Rooms)
		assert.Equal(r.t, 2, a.Stats().Namespaces)
		a.RoomChanged("/x", "r", false)
		a.RoomChanged("/x", "r", false)
		has(false, room)
		assert.Zero(r.t, a.Stats().Rooms)
		a.RemoveNamespace("/x")
		a.RemoveNamespace("/x")
		has(false, a.dialect.Channels("/x")...)
		has(true, a.dialect.Members())
		has(true, a.dialect.Channels("/")...)
		assert.Equal(r.t, []format.Subscription{a.dialect.Census("/", false)}, a.link.census())
		assert.Equal(r.t, 1, a.Stats().Namespaces)
		a.RemoveNamespace("/x")
		a.AddNamespace("/x")
		has(true, a.dialect.Channels("/x")...)
	})
}

func TestOptions_Needs_ByAdapterAndMode(t *testing.T) {
	for _, c := range []struct {
		o          Options
		rooms, own bool
	}{
		{Options{}, false, false},
		{Options{DynamicRooms: true}, true, true},
		{Options{Adapter: ShardedAdapter}, true, false},
		{Options{Adapter: ShardedAdapter, SubscriptionMode: format.StaticMode}, false, false},
		{Options{Adapter: ShardedAdapter, SubscriptionMode: format.DynamicPrivateMode}, true, true},
	} {
		assert.Equal(t, c.rooms, c.o.NeedsRooms(), "%+v", c.o)
		assert.Equal(t, c.own, c.o.NeedsOwnRooms(), "%+v", c.o)
	}
}

func TestOptions_Validate_ReportsAllProblems(t *testing.T) {
	require.NoError(t, Options{Adapter: 9}.Validate(), "no Redis, no matter")
	require.NoError(t, Options{Client: someClient()}.Validate())
	for text, o := range map[string]Options{
		"Adapter is unknown":                                    {Adapter: 3},
		"SubscriptionMode is unknown":                           {Adapter: ShardedAdapter, SubscriptionMode: 3},
		"DynamicRooms is an option of the classic adapter":      {Adapter: ShardedAdapter, DynamicRooms: true},
		"SpecificResponses is an option of the classic adapter": {Adapter: ShardedAdapter, SpecificResponses: true},
		"SubscriptionMode is an option of the sharded adapter":  {SubscriptionMode: format.StaticMode},
		"Streams are options of the streams adapter":            {Streams: StreamsOptions{Count: 2}},
		"Recovery is an option of the streams adapter":          {Adapter: ShardedAdapter, Recovery: 1},
		"SkipUnheard does not go with Recovery":                 {Adapter: StreamsAdapter, Recovery: 1, SkipUnheard: true},
		"Streams.Count is not in 0 to 1024":                     {Adapter: StreamsAdapter, Streams: StreamsOptions{Count: 1025}},
		"Streams.MaxLen is negative":                            {Adapter: StreamsAdapter, Streams: StreamsOptions{MaxLen: -1}},
		"Streams.ReadCount is negative":                         {Adapter: StreamsAdapter, Streams: StreamsOptions{ReadCount: -1}},
		"Streams.BlockTime is negative":                         {Adapter: StreamsAdapter, Streams: StreamsOptions{BlockTime: -1}},
		"Recovery is negative":                                  {Adapter: StreamsAdapter, Recovery: -1},
		"RequestTimeout is negative":                            {RequestTimeout: -1},
		"ReadyTimeout is negative":                              {ReadyTimeout: -1},
		"HeartbeatInterval is negative":                         {HeartbeatInterval: -1},
		"HeartbeatTimeout is negative":                          {HeartbeatTimeout: -1},
		"BufferMessages is negative":                            {BufferMessages: -1},
		"BufferBytes is negative":                               {BufferBytes: -1},
		"HeartbeatTimeout does not exceed HeartbeatInterval":    {HeartbeatInterval: DefaultHeartbeatTimeout},
	} {
		o.Client = someClient()
		err := o.Validate()
		require.ErrorIs(t, err, ErrInvalidOptions)
		assert.ErrorContains(t, err, text)
	}
	all := Options{Client: someClient(), RequestTimeout: -1, BufferBytes: -1}.Validate()
	assert.ErrorContains(t, all, "RequestTimeout")
	assert.ErrorContains(t, all, "BufferBytes")
	assert.Equal(t, "classic sharded Adapter(7)", ClassicAdapter.String()+" "+ShardedAdapter.String()+" "+Adapter(7).String())
}
