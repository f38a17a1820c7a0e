package redisbridge

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
)

// rig is some bridges on one hub, in a bubble.
type rig struct {
	t       *testing.T
	hub     *hub
	sys     *actors.System
	members []*testMember
}

// testMember is one bridge with what it stands between.
type testMember struct {
	*Bridge
	link *fakeLink
	in   *instance
}

// someClient is a parent that nothing is ever sent with.
func someClient() redis.UniversalClient { return (*redis.Client)(nil) }

func inBubble(t *testing.T, test func(r *rig)) {
	t.Helper()
	actortest.Bubble(t, func(t *testing.T) {
		r := &rig{t: t, hub: newHub(), sys: actortest.NewSystem(t, func(o *actors.Options) { o.Logger = nil })}
		t.Cleanup(func() {
			for _, m := range r.members {
				assert.NoError(t, m.Close(context.Background()))
				synctest.Wait()
				assert.Zero(t, m.Stats().Pending)
				assert.Zero(t, m.Stats().Answering)
			}
		})
		test(r)
	})
}

// add starts a bridge with some sockets.
func (r *rig) add(o Options, ids ...string) *testMember {
	r.t.Helper()
	o.Client = someClient()
	m := &testMember{in: newInstance(ids...)}
	b, err := start(r.t.Context(), r.sys, o, []string{"/"}, m.in, r.hub.open(&m.link))
	require.NoError(r.t, err)
	m.Bridge = b
	r.members = append(r.members, m)
	time.Sleep(helloPause) // until the others have said that they are here
	synctest.Wait()
	return m
}

// kill ends a bridge without farewell, as the death of its process does.
func (r *rig) kill(m *testMember) {
	r.hub.remove(m.link)
	m.link.set(func(l *fakeLink) { l.dead = true })
}

// mute lets a bridge stay subscribed and say nothing any more, as a process that is stopped.
func (r *rig) mute(m *testMember) { m.link.set(func(l *fakeLink) { l.dead = true }) }

// deliver lets m receive a message as a neighbour with that uid writes it.
func (r *rig) deliver(m *testMember, uid string, message *format.Message) {
	r.t.Helper()
	message.Sender = uid
	f, err := m.options.dialect(uid).Encode(message)
	require.NoError(r.t, err)
	handler{m.Bridge}.Received(f.Channel, f.Payload)
	synctest.Wait()
}

// stranger adds a Node.js server that says nothing.
func (r *rig) stranger(m *testMember) { r.hub.stranger(m.dialect.Census("/", false), 1) }

func (r *rig) down(m *testMember, p link.Part) {
	handler{m.Bridge}.Changed(p, errFake)
	synctest.Wait()
}

func (r *rig) up(m *testMember, p link.Part) {
	handler{m.Bridge}.Changed(p, nil)
	synctest.Wait()
}

func event(text string) format.Payload { return format.NewPayload([]byte(text), nil) }

// fetch fetches everything and measures how long it takes.
func (r *rig) fetch(m *testMember) (ids []string, missing Missing, took time.Duration) {
	r.t.Helper()
	begun := time.Now()
	sockets, missing, err := m.Fetch(r.t.Context(), "/", Target{}, 0)
	require.NoError(r.t, err)
	for _, s := range sockets {
		ids = append(ids, s.ID)
	}
	return ids, missing, time.Since(begun)
}

// both runs a test with either adapter.
func both(t *testing.T, test func(r *rig, o Options)) {
	t.Helper()
	for _, a := range []Adapter{ClassicAdapter, ShardedAdapter} {
		t.Run(a.String(), func(t *testing.T) {
			inBubble(t, func(r *rig) { test(r, Options{Adapter: a}) })
		})
	}
}
