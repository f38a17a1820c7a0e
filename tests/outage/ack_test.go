package outage

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
	"github.com/actio-go/actio/wire"
)

// manner is how a client takes a question.
type manner uint8

const (
	answering manner = iota
	silently         // never answers
	dying            // cuts its connection when it is asked
)

// answer reads until the client ends, and takes questions as its manner is. The acknowledgement is the socket's id.
func answer(c *rawclient.Client, id string, how manner) {
	for {
		m, err := c.Next()
		if err != nil {
			return
		}
		if m.Type != wire.Event || !m.HasID {
			continue
		}
		switch how {
		case answering:
			if c.Send(fmt.Sprintf("43%d[%q]", m.ID, id)) != nil {
				return
			}
		case silently:
		case dying:
			c.Reset()
		}
	}
}

// audience is clients that are asked.
type audience struct {
	ids     map[manner][]string
	clients []*rawclient.Client
	readers sync.WaitGroup
}

// invite connects n clients to the instances in turn; as many as odd of them are silent, and as many die.
func invite(t *testing.T, instances []*instance, n, odd int) *audience {
	t.Helper()
	a := &audience{ids: map[manner][]string{}, clients: make([]*rawclient.Client, n)}
	manners, ids := make([]manner, n), make([]string, n)
	for i := range 2 * odd {
		manners[i] = silently + manner(i/odd)
	}
	require.NoError(t, each(n, 32, func(i int) (err error) {
		if a.clients[i], err = rawclient.Dial(instances[i%len(instances)].address(), rawclient.Options{}); err != nil {
			return err
		}
		ids[i], err = a.clients[i].Join("/", nil)
		return err
	}))
	for i, c := range a.clients {
		a.ids[manners[i]] = append(a.ids[manners[i]], ids[i])
		a.readers.Go(func() { answer(c, ids[i], manners[i]) })
	}
	t.Cleanup(func() {
		for _, c := range a.clients {
			c.Close()
		}
		a.readers.Wait()
	})
	return a
}

// outcomes sorts the ids of those who were asked by what became of them.
func outcomes(t *testing.T, r actio.Responses) map[manner][]string {
	t.Helper()
	got := map[manner][]string{}
	for _, a := range r.Answers {
		how := answering
		switch {
		case a.Err == nil:
			var id string
			require.NoError(t, a.Args.Decode(0, &id))
			require.Equal(t, a.SocketID, id, "an answer belongs to its socket")
		case errors.Is(a.Err, actio.ErrTimeout):
			how = silently
		case errors.Is(a.Err, actio.ErrGone):
			how = dying
		default:
			require.NoError(t, a.Err)
		}
		got[how] = append(got[how], a.SocketID)
	}
	for _, ids := range got {
		slices.Sort(ids)
	}
	return got
}

func TestEmitWithAck_ThousandSocketsOnTwoInstances_TellsWhatBecameOfEach(t *testing.T) {
	overAdapters(t, func(t *testing.T, adapter actio.Adapter) {
		const sockets, odd = 1000, 10
		const timeout = 3 * time.Second
		r := redisproc.Start(t)
		instances := cluster(t, 2, single(r), adapter)
		a := invite(t, instances, sockets, odd)
		for _, ids := range a.ids {
			slices.Sort(ids)
		}
		begin := time.Now()
		responses, err := instances[0].Root().Timeout(timeout).EmitWithAck(t.Context(), "question", 1)
		require.NoError(t, err)
		assert.Less(t, time.Since(begin), timeout+late)
		assert.True(t, responses.Missing.None(), "%+v", responses.Missing)
		assert.Zero(t, responses.Unanswered)
		assert.Len(t, responses.Answers, sockets)
		assert.Equal(t, a.ids, outcomes(t, responses))
		assert.Len(t, responses.Acknowledged(), sockets-2*odd)

		// Those who have died are not asked again, and nothing of the first question is pending.
		responses, err = instances[1].Root().Except(a.ids[silently]...).EmitWithAck(t.Context(), "question", 2)
		require.NoError(t, err)
		assert.Equal(t, map[manner][]string{answering: a.ids[answering]}, outcomes(t, responses))
		for _, s := range instances {
			eventually(t, "nothing is pending", func() bool {
				st := s.redisStats(t)
				return st.Pending == 0 && st.Answering == 0
			}, func() any { return s.redisStats(t) })
		}
	})
}

func TestEmitWithAck_ManyCalls_LeaveMemoryFlat(t *testing.T) {
	overAdapters(t, func(t *testing.T, adapter actio.Adapter) {
		const sockets, atATime = 10, 8
		calls, growth := sized(3000, 100_000), sized(96<<10, 512<<10)
		r := redisproc.Start(t)
		instances := cluster(t, 2, single(r), adapter)
		invite(t, instances, sockets, 0)
		ask := func(int) error {
			responses, err := instances[0].Root().EmitWithAck(t.Context(), "question", 1)
			if err == nil && (len(responses.Acknowledged()) != sockets || !responses.Missing.None()) {
				err = fmt.Errorf("%+v", responses)
			}
			return err
		}
		require.NoError(t, each(calls/3, atATime, ask))
		goroutinesBefore, before := settledGoroutines(t), heap()
		require.NoError(t, each(calls, atATime, ask))
		untilGoroutines(t, goroutinesBefore)
		grown := heap() - before
		t.Logf("%d calls: heap %+d KiB, from %d KiB", calls, grown>>10, before>>10)
		assert.Less(t, grown, int64(growth))
		assert.Zero(t, instances[0].redisStats(t).Pending)
	})
}
