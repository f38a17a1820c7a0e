package redisbridge

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
	"github.com/actio-go/actio/wire"
)

// streamLink is a link to a stream that has one entry, its end, which is no event.
type streamLink struct {
	*fakeLink

	end    format.EntryID
	reader func() format.EntryID // where it is, each time that it is held
	holds  int
}

func (l *streamLink) Hold(_ string, f func(last format.EntryID)) {
	l.holds++
	f(l.reader())
}

// Run answers XRANGE.
func (l *streamLink) Run(ctx context.Context, _ string, do func(ctx context.Context, conn *redis.Conn) error) error {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:0"}) // nothing is dialled
	defer func() { _ = client.Close() }()
	conn := client.Conn()
	conn.AddHook(endOnly{l.end})
	return do(ctx, conn)
}

// endOnly answers in the place of Redis.
type endOnly struct{ end format.EntryID }

func (endOnly) DialHook(next redis.DialHook) redis.DialHook { return next }

func (endOnly) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h endOnly) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		asked, ok := command.(*redis.XMessageSliceCmd)
		if !ok {
			return next(ctx, command)
		}
		asked.SetVal([]redis.XMessage{{ID: h.end.String()}})
		return nil
	}
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

// replayed calls Replay for a client that has got the first entry, and waits until it waits.
func replayed(ctx context.Context, m *testMember, attached *int) <-chan error {
	result := make(chan error, 1)
	go func() {
		result <- m.Replay(ctx, &Session{ID: "x"}, "/", id(1).String(), 1, func([]*wire.Prepared) { *attached++ })
	}()
	synctest.Wait()
	return result
}

func TestReplay_ReaderIsAlwaysAhead_HasItWaitAtLast(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := &streamLink{end: id(2)}
		l.reader = func() format.EntryID {
			l.end = l.end.Next()
			return l.end
		}
		attached := 0
		require.NoError(r.t, <-replayed(r.t.Context(), r.replaying(l), &attached))
		assert.Equal(r.t, 1, attached)
		assert.Equal(r.t, replayTries+1, l.holds)
	})
}

func TestReplay_ReaderIsBehind_WaitsForIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := &streamLink{end: id(1)}
		at := id(1)
		l.reader = func() format.EntryID { return at }
		m := r.replaying(l)
		l.end = id(3)
		attached := 0
		result := replayed(r.t.Context(), m, &attached)
		m.echo.read(stream, "2-0")
		synctest.Wait()
		assert.Empty(r.t, result)
		assert.Zero(r.t, attached)
		at = id(3)
		m.echo.read(stream, "3-0")
		require.NoError(r.t, <-result)
		assert.Equal(r.t, 1, attached)

		l.end = id(4)
		ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(r.t, <-replayed(ctx, m, &attached), context.DeadlineExceeded)
		assert.Equal(r.t, 1, attached)
		assert.Empty(r.t, m.echo.passing, "nobody waits")
	})
}

// TestReplay_StreamGoesBack_TheOffsetIsUnknown: what was read of the old stream and what is read of the new do not belong together.
func TestReplay_StreamGoesBack_TheOffsetIsUnknown(t *testing.T) {
	t.Run("while it waits for the reader", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			l := &streamLink{end: id(2), reader: func() format.EntryID { return id(2) }}
			m := r.replaying(l)
			l.end = id(3)
			attached := 0
			result := replayed(r.t.Context(), m, &attached)
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
			l.reader = func() format.EntryID {
				handler{m.Bridge}.found(stream, id(1), true)
				m.echo.read(stream, "2-0")
				return id(2)
			}
			m = r.replaying(l)
			attached := 0
			require.ErrorIs(r.t, <-replayed(r.t.Context(), m, &attached), ErrNoOffset)
			assert.Zero(r.t, attached)
		})
	})
}
