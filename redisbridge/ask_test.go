package redisbridge

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

// ask asks in the background.
func (r *rig) ask(m *testMember, q Question, timeout time.Duration) chan Responses {
	got := make(chan Responses, 1)
	go func() {
		q.Namespace, q.Event = "/", event(`["q",1]`)
		answers, err := m.Ask(r.t.Context(), q, timeout)
		assert.NoError(r.t, err)
		got <- answers
	}()
	synctest.Wait()
	return got
}

// bySocket are the outcomes of single clients.
func bySocket(rs Responses) map[string]error {
	all := make(map[string]error)
	for _, a := range rs.Answers {
		all[a.SocketID] = a.Err
	}
	return all
}

func TestAsk_Neighbours_AnAnswerOfEachOfTheirClients(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b, _ := r.add(o, "a1"), r.add(o, "b1", "b2"), r.add(o)
		got := <-r.ask(a, Question{}, 0)
		assert.Equal(r.t, map[string]error{"b1": nil, "b2": nil}, bySocket(got))
		assert.Zero(r.t, got.Unanswered)
		assert.True(r.t, got.Missing.None())
		for _, one := range got.Answers {
			var id string
			require.NoError(r.t, one.Args.Decode(0, &id))
			assert.Equal(r.t, one.SocketID, id)
		}
		assert.Equal(r.t, DefaultRequestTimeout, b.in.questions[0].Flags.Timeout)
		got = <-r.ask(a, Question{Target: Target{Rooms: []string{"nobody"}}}, 0)
		assert.Empty(r.t, got.Answers)
		assert.True(r.t, got.Missing.None())
		got = <-r.ask(a, Question{Target: Target{User: "user of b1"}}, 0)
		assert.Equal(r.t, map[string]error{"b1": nil}, bySocket(got))
	})
}

func TestAsk_SomeAnswerSomeEndSomeAreSilent_EachKnown(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a, b := r.add(o), r.add(o, "b1", "b2", "b3")
		b.in.set(func(i *instance) { i.mute = true })
		begun := time.Now()
		got := r.ask(a, Question{Flags: format.Flags{Timeout: 3 * time.Second}}, 0)
		q := b.in.questions[0]
		assert.Equal(r.t, 3*time.Second, q.Flags.Timeout)
		q.Counted([]string{"b1", "b2", "b3"})
		q.Answered("b1", args(`true`), nil)
		q.Answered("b2", args(), errors.New("ended"))
		assert.Equal(r.t, 1, b.Stats().Answering)
		rs := <-got
		assert.Equal(r.t, 3*time.Second, time.Since(begun))
		assert.Equal(r.t, map[string]error{"b1": nil, "b2": ErrGone, "b3": ErrTimeout}, bySocket(rs))
		assert.True(r.t, rs.Missing.None())
		synctest.Wait()
		assert.Equal(r.t, 1, b.in.cancels())
		assert.Zero(r.t, b.Stats().Answering)
		q.Answered("b3", args(`1`), nil) // too late, and harmless
		synctest.Wait()
		assert.Zero(r.t, a.Stats().Late, "not even sent")
	})
}

func TestAsk_NeighbourDiesMeanwhile_ItsClientsAreGone(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := r.add(Options{}), r.add(Options{}, "b1")
		b.in.set(func(i *instance) { i.mute = true })
		got := r.ask(a, Question{}, time.Minute)
		b.in.questions[0].Counted([]string{"b1"})
		synctest.Wait()
		r.kill(b)
		rs := <-got
		assert.Equal(r.t, map[string]error{"b1": ErrGone}, bySocket(rs))
		assert.True(r.t, rs.Missing.None(), "it has told whom it asked")
	})
}

func TestAsk_ClientsOfNodeNeighbours_CountedWhereTheyAreNotNamed(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.add(Options{})
		r.stranger(a)
		r.stranger(a)
		got := r.ask(a, Question{}, time.Second)
		request := (*a.pendingMessage()).Request
		tell := func(m *format.Message) {
			m.Namespace, m.Request = "/", request
			a.tell(&answered{message: m})
			synctest.Wait()
		}
		tell(&format.Message{Kind: format.ClientCount, Count: 3})
		for i := range 2 {
			tell(&format.Message{Kind: format.Ack, Event: event([]string{`["x"]`, `["y"]`}[i])})
		}
		rs := <-got
		require.Len(r.t, rs.Answers, 2)
		assert.Empty(r.t, rs.Answers[0].SocketID)
		assert.JSONEq(r.t, `"x"`, string(rs.Answers[0].Args.Raw(0)))
		assert.Equal(r.t, 1, rs.Unanswered)
		assert.Equal(r.t, Missing{Unnamed: 1}, rs.Missing)

		got = r.ask(a, Question{}, time.Minute)
		request = (*a.pendingMessage()).Request
		tell(&format.Message{Kind: format.ClientCount, Count: 1})
		tell(&format.Message{Kind: format.Ack, Event: event(`["x"]`)})
		tell(&format.Message{Kind: format.Ack, Event: event(`["one too many"]`)})
		tell(&format.Message{Kind: format.ClientCount, Count: -7})
		rs = <-got
		assert.Len(r.t, rs.Answers, 1)
		assert.True(r.t, rs.Missing.None())
		assert.Zero(r.t, rs.Unanswered)
	})
}

func TestPoll_BridgeCloses_NothingIsAwaitedAnyMore(t *testing.T) {
	inBubble(t, func(r *rig) {
		b := r.add(Options{}, "b1")
		b.in.set(func(i *instance) { i.mute = true })
		r.deliver(b, "abcdef", &format.Message{
			Kind: format.AckBroadcast, Namespace: "/", Request: "r1", Extended: true, Event: event(`["q"]`), Flags: format.Flags{Timeout: 100 * time.Hour},
		})
		assert.Equal(r.t, 1, b.Stats().Answering)
		assert.Equal(r.t, 1, r.sys.Clock().Armed()["redis poll"])
		require.NoError(r.t, b.Close(r.t.Context()))
		assert.Equal(r.t, 1, b.in.cancels())
		b.in.questions[0].Counted([]string{"b1"})
		b.in.questions[0].Answered("b1", args(), nil)
		synctest.Wait()
		assert.Zero(r.t, b.Stats().Answering)
		assert.Empty(r.t, r.sys.Clock().Armed())
	})
}

func TestPoll_TooMany_AreRefusedAndCounted(t *testing.T) {
	inBubble(t, func(r *rig) {
		b := r.add(Options{}, "b1")
		b.in.set(func(i *instance) { i.mute = true })
		b.count.polls.Store(maxPolls)
		r.deliver(b, "abcdef", &format.Message{Kind: format.AckBroadcast, Namespace: "/", Request: "r1", Event: event(`["q"]`)})
		assert.EqualValues(r.t, 1, b.Stats().Refused)
		assert.Empty(r.t, b.in.questions)
		b.count.polls.Store(0)
	})
}

func TestPoll_AskedByNode_TheEndOfASocketIsNotTold(t *testing.T) {
	inBubble(t, func(r *rig) {
		b := r.add(Options{}, "b1")
		b.in.set(func(i *instance) { i.mute = true })
		r.deliver(b, "abcdef", &format.Message{Kind: format.AckBroadcast, Namespace: "/", Request: "r1", Event: event(`["q"]`)})
		q, before := b.in.questions[0], len(b.link.published)
		q.Counted([]string{"b1", "b2"})
		q.Answered("b1", args(), errors.New("ended"))
		q.Answered("b2", args(`1`), nil)
		synctest.Wait()
		assert.Len(r.t, b.link.published, before+2, "the count and one answer")
		assert.Zero(r.t, b.Stats().Answering)
	})
}
