package redisbridge

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
)

// recovering is a bridge on streams whose Redis does not answer.
func (r *rig) recovering() *testMember {
	a := r.add(Options{Adapter: StreamsAdapter, Recovery: time.Minute}, "x")
	a.link.set(func(l *fakeLink) { l.hold = true })
	return a
}

// fail has a part of the link go down, or come back (err nil).
func (r *rig) fail(m *testMember, p link.Part, err error) {
	m.link.set(func(l *fakeLink) { l.reasons = map[link.Part]error{p: err} })
	handler{m.Bridge}.Changed(p, err)
	synctest.Wait()
}

func broadcastOf(name string) *format.Message {
	return &format.Message{Kind: format.Broadcast, Namespace: "/", Event: event(`["` + name + `"]`)}
}

// caughtUp calls CatchUp with patience, and returns when it waits.
func caughtUp(ctx context.Context, m *testMember) <-chan error {
	result := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		result <- m.CatchUp(ctx)
	}()
	synctest.Wait()
	return result
}

func TestCatchUp_OnlyBroadcasts_AreAwaited(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.recovering()
		for _, kind := range []format.Kind{format.Join, format.Leave, format.Disconnect} {
			a.Emit(&format.Message{Kind: kind, Namespace: "/", Rooms: []string{"room"}}, nil)
		}
		assert.False(r.t, a.Behind())
		require.NoError(r.t, <-caughtUp(r.t.Context(), a))
		a.Emit(broadcastOf("e"), nil)
		assert.True(r.t, a.Behind())
	})
}

func TestCatchUp_ContextEnds_SaysSoAndNobodyWaits(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.recovering()
		a.Emit(broadcastOf("e"), nil)
		ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(r.t, a.CatchUp(ctx), context.DeadlineExceeded)
		assert.Empty(r.t, a.echo.waiting)
	})
}

func TestCatchUp_WhatEntriesComeThroughIsDown_DoesNotWait(t *testing.T) {
	for _, part := range []link.Part{link.EmitterPart, link.StreamPart} {
		t.Run(part.String(), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				a := r.recovering()
				r.fail(a, part, errFake)
				require.NoError(r.t, <-caughtUp(r.t.Context(), a), "there is nothing to wait for")
				a.Emit(broadcastOf("e"), nil)
				require.ErrorIs(r.t, <-caughtUp(r.t.Context(), a), link.ErrDown)
				assert.False(r.t, a.Behind())
				assert.Empty(r.t, a.echo.waiting)
				r.fail(a, part, nil)
				assert.True(r.t, a.Behind())
			})
		})
	}
}

func TestCatchUp_WhatEntriesComeThroughBreaks_GivesUp(t *testing.T) {
	for _, part := range []link.Part{link.EmitterPart, link.StreamPart} {
		t.Run(part.String(), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				a := r.recovering()
				a.Emit(broadcastOf("e"), nil)
				first, second := caughtUp(r.t.Context(), a), caughtUp(r.t.Context(), a)
				r.fail(a, part, errFake)
				require.ErrorIs(r.t, <-first, link.ErrDown)
				require.ErrorIs(r.t, <-second, link.ErrDown)
				assert.Empty(r.t, a.echo.waiting)
			})
		})
	}
}

func TestCatchUp_WhatEntriesDoNotComeThroughBreaks_WaitsOn(t *testing.T) {
	for _, part := range []link.Part{link.PublishPart, link.SubscribePart} {
		t.Run(part.String(), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				a := r.recovering()
				a.Emit(broadcastOf("e"), nil)
				ctx, cancel := context.WithCancel(r.t.Context())
				result := caughtUp(ctx, a)
				r.fail(a, part, errFake)
				assert.Empty(r.t, result)
				assert.True(r.t, a.Behind())
				cancel()
				require.ErrorIs(r.t, <-result, context.Canceled)
			})
		})
	}
}

func TestCatchUp_BridgeIsClosed_SaysSo(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.recovering()
		a.Emit(broadcastOf("e"), nil)
		result := caughtUp(r.t.Context(), a)
		require.NoError(r.t, a.Close(r.t.Context()))
		require.ErrorIs(r.t, <-result, ErrClosed)
		require.NoError(r.t, <-caughtUp(r.t.Context(), a), "nothing comes any more")
	})
}
