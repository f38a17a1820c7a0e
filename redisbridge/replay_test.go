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
	"github.com/actio-go/actio/wire"
)

// streamLink is a link to a stream of entries that are no events.
type streamLink struct {
	*fakeLink

	end    format.EntryID        // of the stream, which begins with id(1)
	reader func() format.EntryID // where it is, each time that it is held
}

func (l *streamLink) Hold(_ string, f func(last format.EntryID)) { f(l.reader()) }

// Range returns what there is.
func (l *streamLink) Range(_ context.Context, r link.Range) (found []*format.Entry, err error) {
	for at := id(1); at.Compare(l.end) <= 0; at.Milliseconds++ {
		if at.Compare(r.First) >= 0 && at.Compare(r.Last) <= 0 {
			found = append(found, &format.Entry{ID: at.String()})
		}
	}
	return found, nil
}

// replaying is a bridge on such a stream, whose reader has found its end.
func (r *rig) replaying(l *streamLink) *testMember {
	r.t.Helper()
	m := &testMember{in: newInstance()}
	open := r.hub.open(&l.fakeLink)
	o := Options{Client: someClient(), Adapter: StreamsAdapter, Recovery: time.Minute}
	b, err := start(r.t.Context(), r.sys, o, []string{"/"}, m.in, func(
		ctx context.Context, h link.Handler, s *link.Streams, census func() []format.Subscription, base []format.Subscription,
	) (linkage, error) {
		_, err := open(ctx, h, s, census, base)
		return l, err
	})
	require.NoError(r.t, err)
	m.Bridge, m.link = b, l.fakeLink
	r.members = append(r.members, m)
	handler{b}.found(stream, l.end, false)
	return m
}

// replayed calls Replay for a client that has got the entries up to an id, and waits until it waits.
func replayed(ctx context.Context, m *testMember, last format.EntryID, attached *int) <-chan error {
	result := make(chan error, 1)
	go func() {
		result <- m.Replay(ctx, &Session{ID: "x"}, "/", last.String(), ReplayLimit{}, func([]*wire.Prepared) { *attached++ })
	}()
	synctest.Wait()
	return result
}

func TestReplay_ReaderIsBehind_WaitsForIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		at := id(1)
		l := &streamLink{end: at, reader: func() format.EntryID { return at }}
		m := r.replaying(l)
		l.end = id(3)
		attached := 0
		result := replayed(r.t.Context(), m, id(3), &attached)
		handler{m.Bridge}.entry(stream, &format.Entry{ID: "2-0"})
		synctest.Wait()
		assert.Empty(r.t, result)
		assert.Zero(r.t, attached)
		at = id(3)
		handler{m.Bridge}.entry(stream, &format.Entry{ID: "3-0"})
		require.NoError(r.t, <-result)
		assert.Equal(r.t, 1, attached)

		l.end = id(4)
		ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(r.t, <-replayed(ctx, m, id(4), &attached), context.DeadlineExceeded)
		assert.Equal(r.t, 1, attached)
		assert.Empty(r.t, m.echo.passing, "nobody waits")
		assert.Zero(r.t, m.past.open.Load())
	})
}

// TestReplay_StreamGoesBack_TheOffsetIsUnknown: what was read of the old stream and what is read of the new do not belong
// together.
func TestReplay_StreamGoesBack_TheOffsetIsUnknown(t *testing.T) {
	t.Run("while it waits for the reader", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			l := &streamLink{end: id(2), reader: func() format.EntryID { return id(2) }}
			m := r.replaying(l)
			l.end = id(3)
			attached := 0
			result := replayed(r.t.Context(), m, id(3), &attached)
			assert.Empty(r.t, result)
			handler{m.Bridge}.found(stream, id(1), true)
			require.ErrorIs(r.t, <-result, ErrNoOffset)
			assert.Zero(r.t, attached)
		})
	})
	t.Run("and has come as far again", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			l := &streamLink{end: id(2)}
			var m *testMember
			holds := 0
			l.reader = func() format.EntryID {
				if holds++; holds == 2 { // it was entered, and read, before
					handler{m.Bridge}.found(stream, id(1), true)
					m.echo.read(stream, "2-0")
				}
				return id(2)
			}
			m = r.replaying(l)
			attached := 0
			require.ErrorIs(r.t, <-replayed(r.t.Context(), m, id(1), &attached), ErrNoOffset)
			assert.Zero(r.t, attached)
			assert.Equal(r.t, 2, holds)
		})
	})
}
