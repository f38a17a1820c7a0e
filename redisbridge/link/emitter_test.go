package link

import (
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/redisbridge/format"
)

// idle makes a Link that runs nothing.
func idle(t testing.TB, o Options) *Link {
	t.Helper()
	return newLink(actortest.NewSystem(t), o.withDefaults(), &hearer{}, &source{})
}

// consistent checks the accounts.
func consistent(t *testing.T, l *Link) Stats {
	t.Helper()
	s := l.Stats()
	assert.Equal(t, s.Emitted, s.Delivered+s.Dropped+s.Unconfirmed+s.Buffered)
	return s
}

func numbers(from, to int) []int {
	var list []int
	for n := from; n < to; n++ {
		list = append(list, n)
	}
	return list
}

func TestEmitter_DownAndFull_DropsTheNewest(t *testing.T) {
	l := idle(t, Options{Buffer: 3})
	var c outcomes
	emitNumbers(l, 0, 5, c.settled)
	assert.Equal(t, map[int]Outcome{3: Dropped, 4: Dropped}, c.of)
	s := consistent(t, l)
	assert.EqualValues(t, 3, s.Buffered)
	assert.EqualValues(t, 2, s.Dropped)
	l.emitter.finish()
	assert.Equal(t, numbers(0, 5), c.which(Dropped))
	emitNumbers(l, 5, 6, c.settled)
	assert.EqualValues(t, 6, consistent(t, l).Dropped)
	assert.Empty(t, c.bad)
}

func TestEmitter_BytesFull_DropsAlsoWhenUp(t *testing.T) {
	l := idle(t, Options{BufferBytes: 2 * (frameCost + 2)})
	l.emitter.setDown(false, false)
	var c outcomes
	emitNumbers(l, 0, 5, c.settled)
	s := consistent(t, l)
	assert.EqualValues(t, 2, s.Buffered)
	assert.EqualValues(t, 3, s.Dropped)
	assert.EqualValues(t, 2*(frameCost+2), s.BufferedBytes)
	l.emitter.finish()
	s = consistent(t, l)
	assert.EqualValues(t, 5, s.Dropped)
	assert.Zero(t, s.BufferedBytes)
	assert.Equal(t, numbers(0, 5), c.which(Dropped))
}

func TestEmitter_TakeAndPutBack_KeepTheOrder(t *testing.T) {
	l := idle(t, Options{Buffer: 1 << 20})
	e := l.emitter
	e.setDown(false, false)
	const total = 10 * batchFrames
	next, want := 0, 0
	for want < total {
		for range 700 {
			if next < total {
				e.emit(emission{frame: format.Frame{Payload: []byte(strconv.Itoa(next))}})
				next++
			}
		}
		taken := e.take(nil)
		require.LessOrEqual(t, len(taken), batchFrames)
		kept := (len(taken) + 2) / 3 // the rest was not sent
		e.putBack(taken[kept:])
		for _, one := range taken[:kept] {
			require.Equal(t, strconv.Itoa(want), string(one.frame.Payload))
			e.settle(one, Delivered)
			want++
		}
		consistent(t, l)
	}
	assert.EqualValues(t, total, consistent(t, l).Delivered)
}

func TestEmitter_LargeFrames_BoundABatch(t *testing.T) {
	l := idle(t, Options{})
	for range 3 {
		l.emitter.emit(emission{frame: format.Frame{Payload: make([]byte, batchBytes)}})
	}
	assert.Len(t, l.emitter.take(nil), 1)
}

func TestEmit_ConnectionBreaksWithinABatch_AnsweredIsDeliveredTheRestUnconfirmed(t *testing.T) {
	fake := startFake(t)
	l, h := openFake(t, Options{Client: fake.client()})
	seen := 0
	fake.script(func(c []string) string {
		if c[0] != "publish" {
			return ""
		}
		if seen++; seen > 4 {
			return hangUp
		}
		return ":0\r\n"
	})
	batch := make([]parcel, 10)
	for i := range batch {
		batch[i].frame = format.Frame{Channel: "c", Payload: []byte(strconv.Itoa(i))}
	}
	s := newSender(l, EmitterPart)
	defer s.close()
	require.NoError(t, s.open(nil, false))
	require.Error(t, s.send(batch))
	for i := range batch {
		want := doubtful
		if i < 4 {
			want = confirmed
		}
		assert.Equal(t, want, batch[i].fate, "%d: %v", i, batch[i].err)
	}
	assert.Zero(t, h.count("emitter down"))
}

func TestEmit_AnswersThatSayNotNow_AreKeptAndSentAgain(t *testing.T) {
	for _, answer := range []string{"-LOADING Redis is loading\r\n", "-CLUSTERDOWN Hash slot not served\r\n", "-READONLY no\r\n"} {
		t.Run(answer[1:5], func(t *testing.T) {
			fake := startFake(t)
			l, h := openFake(t, Options{Client: fake.client()})
			var refusals atomic.Int32
			fake.script(func(c []string) string {
				if c[0] == "publish" && refusals.Add(1) <= 3 {
					return answer
				}
				return ""
			})
			var c outcomes
			emitNumbers(l, 0, 1, c.settled)
			until(t, "not delivered", func() bool { return len(c.which(Delivered)) == 1 })
			assert.Equal(t, []string{"0", "0", "0", "0"}, fake.published())
			assert.Positive(t, h.count("emitter down"))
			consistent(t, l)
		})
	}
}

func TestEmit_RefusedForGood_IsDroppedAlone(t *testing.T) {
	fake := startFake(t)
	l, h := openFake(t, Options{Client: fake.client()})
	fake.script(func(c []string) string {
		if c[0] == "publish" && c[2] == "1" {
			return "-NOPERM not you\r\n"
		}
		return ""
	})
	var c outcomes
	emitNumbers(l, 0, 3, c.settled)
	until(t, "not settled", func() bool { return consistent(t, l).Buffered == 0 })
	until(t, "not told", func() bool { return len(c.which(Delivered)) == 2 })
	assert.Equal(t, []int{0, 2}, c.which(Delivered))
	assert.Equal(t, []int{1}, c.which(Dropped))
	assert.Zero(t, h.count("emitter down"))
}

func TestEmit_OtherSideHasHungUp_NothingIsSentIntoTheVoid(t *testing.T) {
	fake := startFake(t)
	l, h := openFake(t, Options{Client: fake.client()}, format.Subscription{Name: "base"})
	for round := range 5 {
		fake.hangUpAll()
		until(t, "not noticed", func() bool { return h.count("subscribe down") == round+1 })
		var c outcomes
		emitNumbers(l, 0, 10, c.settled)
		until(t, "not delivered", func() bool { return len(c.which(Delivered)) == 10 })
		until(t, "not back", func() bool { return h.count("subscribe up") == round+1 })
		assert.Empty(t, c.bad)
	}
	assert.Len(t, fake.published(), 50)
	assert.Zero(t, consistent(t, l).Unconfirmed)
}

func TestEmit_WhatWasQueuedMeanwhile_LeavesInOneRoundTrip(t *testing.T) {
	const total = 100
	fake := startFake(t)
	l, _ := openFake(t, Options{Client: fake.client(), CommandTimeout: patience})
	first, queued := make(chan struct{}), make(chan struct{})
	seen := 0
	fake.script(func(c []string) string {
		if c[0] != "publish" {
			return ""
		}
		switch seen++; seen {
		case 1:
			close(first)
			<-queued
			return ":1\r\n"
		case total:
			return strings.Repeat(":1\r\n", total-1)
		default:
			return noAnswer
		}
	})
	var c outcomes
	emitNumbers(l, 0, 1, c.settled)
	<-first
	emitNumbers(l, 1, total, c.settled)
	close(queued)
	until(t, "one is sent after the answer to another", func() bool { return len(c.which(Delivered)) == total })
	assert.Len(t, fake.published(), total)
}

func TestClose_NeighboursAreWaitedFor_FlushesAtOnce(t *testing.T) {
	fake := startFake(t)
	var count atomic.Int32
	count.Store(3)
	fake.script(func(c []string) string {
		if c[0] != "pubsub" {
			return ""
		}
		return "*2\r\n$6\r\ncensus\r\n:" + strconv.Itoa(int(count.Load())) + "\r\n"
	})
	l, h := openFake(t, Options{
		Client: fake.client(), Resume: time.Hour,
		Census: func() []format.Subscription { return []format.Subscription{{Name: "census"}} },
	}, format.Subscription{Name: "base"})
	count.Store(1)
	fake.hangUpAll()
	until(t, "not back", func() bool { return h.count("subscribe up") == 1 })
	var c outcomes
	emitNumbers(l, 0, 10, c.settled)
	until(t, "the emitter does not wait", func() bool {
		l.emitter.mu.Lock()
		defer l.emitter.mu.Unlock()
		return l.emitter.resumes
	})
	assert.Empty(t, fake.published())
	require.NoError(t, closeWithin(l, patience))
	assert.Equal(t, numbers(0, 10), c.which(Delivered))
	assert.Len(t, fake.published(), 10)
}

func TestAwaitNeighbours_NumberReached_FlushesThen(t *testing.T) {
	fake := startFake(t)
	var count atomic.Int32
	count.Store(2)
	fake.script(func(c []string) string {
		if c[0] != "pubsub" {
			return ""
		}
		return "*2\r\n$6\r\ncensus\r\n:" + strconv.Itoa(int(count.Load())) + "\r\n"
	})
	l, h := openFake(t, Options{
		Client: fake.client(), Resume: time.Hour,
		Census: func() []format.Subscription { return []format.Subscription{{Name: "census"}} },
	})
	count.Store(1)
	fake.hangUpAll()
	var c outcomes
	emitNumbers(l, 0, 10, c.settled)
	until(t, "the emitter does not wait", func() bool {
		l.emitter.mu.Lock()
		defer l.emitter.mu.Unlock()
		return l.emitter.resumes
	})
	assert.Empty(t, fake.published())
	count.Store(2)
	until(t, "not delivered", func() bool { return len(c.which(Delivered)) == 10 })
	assert.Equal(t, 1, h.count("emitter up"))
}

func TestAwaitNeighbours_NumberNeverReached_FlushesInTimeAndOnTheSameConnection(t *testing.T) {
	fake := startFake(t)
	var count atomic.Int32
	count.Store(2)
	fake.script(func(c []string) string {
		if c[0] != "pubsub" {
			return ""
		}
		return "*2\r\n$6\r\ncensus\r\n:" + strconv.Itoa(int(count.Load())) + "\r\n"
	})
	const commandTimeout = 300 * time.Millisecond
	l, h := openFake(t, Options{
		Client: fake.client(), CommandTimeout: commandTimeout, Resume: 2 * commandTimeout,
		Census: func() []format.Subscription { return []format.Subscription{{Name: "census"}} },
	})
	count.Store(1)
	fake.hangUpAll()
	var c outcomes
	emitNumbers(l, 0, 10, c.settled)
	until(t, "not delivered", func() bool { return len(c.which(Delivered)) == 10 })
	assert.Equal(t, 1, h.count("emitter down"), "waiting does not break a connection")
	assert.Equal(t, 1, h.count("emitter up"))
}

func BenchmarkEmitter_QueueAndSettle(b *testing.B) {
	l := idle(b, Options{})
	l.emitter.setDown(false, false)
	f := format.Frame{Channel: "channel", Payload: make([]byte, 200)}
	var taken []emission
	b.ReportAllocs()
	for b.Loop() {
		l.emitter.emit(emission{frame: f})
		if len(taken) == 0 {
			taken = l.emitter.take(taken)
		}
		for _, one := range taken {
			l.emitter.settle(one, Delivered)
		}
		taken = taken[:0]
	}
}

func TestCallbacks_Panic_IsReportedAndNothingStops(t *testing.T) {
	fake := startFake(t)
	l, h := openFake(t, Options{Client: fake.client()}, format.Subscription{Name: "base"})
	before := l.sys.Panics()
	l.Emit(format.Frame{Channel: "c"}, func(Outcome) { panic("settled") })
	until(t, "not reported", func() bool { return l.sys.Panics() == before+1 })
	var c outcomes
	emitNumbers(l, 0, 1, c.settled)
	until(t, "not delivered", func() bool { return len(c.which(Delivered)) == 1 })
	assert.Zero(t, h.count("emitter down"))
}

func TestEmitUntil_OverWhileRedisIsGone_IsDroppedAndTheRestIsSent(t *testing.T) {
	fake := startFake(t)
	l, h := openFake(t, Options{Client: fake.client()})
	fake.script(func([]string) string { return hangUp })
	fake.hangUpAll()
	until(t, "nothing noticed", func() bool { return h.count("emitter down") > 0 })
	over, open := make(chan struct{}), make(chan struct{})
	var c outcomes
	for n := range 9 {
		f, settled := format.Frame{Channel: "c", Payload: []byte(strconv.Itoa(n))}, func(o Outcome) { c.settled(n, o) }
		switch n % 3 {
		case 0:
			l.EmitUntil(over, f, settled)
		case 1:
			l.EmitUntil(open, f, settled)
		default:
			l.Emit(f, settled)
		}
	}
	close(over)
	fake.script(nil)
	until(t, "not settled", func() bool { return len(c.which(Dropped))+len(c.which(Delivered)) == 9 })
	assert.Equal(t, []int{0, 3, 6}, c.which(Dropped))
	assert.Equal(t, []string{"1", "2", "4", "5", "7", "8"}, fake.published())
	assert.Empty(t, c.bad)
}
