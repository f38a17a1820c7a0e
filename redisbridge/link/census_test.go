package link

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio/redisbridge/format"
)

func TestFigure_FewerAreCounted_AreBelievedAfterAWhileOrWhenSomebodyLeft(t *testing.T) {
	now := time.Now()
	f := figure{}.next(3, now, false)
	assert.Equal(t, figure{n: 3}, f)
	f = f.next(1, now, false)
	f = f.next(2, now.Add(trusted-1), false)
	assert.Equal(t, 3, f.n)
	assert.Equal(t, figure{n: 4}, f.next(4, now.Add(trusted), false))
	assert.Equal(t, figure{n: 2}, f.next(2, now.Add(trusted), false))
	assert.Equal(t, figure{n: 2}, f.next(2, now, true))
}

func TestCensus_InstancesKnownAndNotCounted_AreWaitedFor(t *testing.T) {
	a, b := format.Subscription{Name: "a"}, format.Subscription{Name: "b"}
	subs := []format.Subscription{a, b}
	var c census
	assert.False(t, c.taken())
	assert.True(t, c.reached(subs, []int{0, 0}), "nothing is known")

	c.note(c.begin(), []format.Subscription{a}, []int{1})
	assert.True(t, c.reached(subs, []int{1, 0}))
	c.expect(3)
	assert.True(t, c.pending())
	assert.False(t, c.reached(subs, []int{2, 3}))
	assert.False(t, c.reached(subs, []int{3, 2}))
	assert.True(t, c.reached(subs, []int{3, 3}))

	told := c.begin()
	c.expect(4)
	c.note(told, []format.Subscription{a}, []int{3})
	assert.True(t, c.pending(), "counted before the fourth was known")
	c.note(c.begin(), []format.Subscription{a}, []int{2})
	assert.False(t, c.pending())
	assert.Equal(t, 3, c.number(a))
	assert.True(t, c.reached(subs, []int{3, 4}))
	assert.False(t, c.reached(subs, []int{3, 3}), "b was not counted")
	c.update(subs, []int{1, 2})
	assert.Equal(t, 3, c.number(a), "fewer say nothing")
	assert.True(t, c.reached(subs, []int{3, 2}))

	c.expect(2)
	c.note(c.begin(), subs, []int{2, 2})
	assert.Equal(t, 2, c.number(a), "somebody left")
}

func TestExpect_RedisDiesBeforeAnybodyIsCounted_ThoseKnownAreWaitedFor(t *testing.T) {
	fake := startFake(t)
	var count atomic.Int32
	count.Store(1)
	fake.script(func(c []string) string {
		switch {
		case c[0] != "pubsub":
			return ""
		case count.Load() == 0:
			return hangUp
		default:
			return "*2\r\n$6\r\ncensus\r\n:" + strconv.Itoa(int(count.Load())) + "\r\n"
		}
	})
	l, h := openFake(t, Options{
		Client: fake.client(), Resume: time.Hour,
		Census: func() []format.Subscription { return []format.Subscription{{Name: "census"}} },
	})
	count.Store(0)
	l.Expect(2)
	until(t, "nothing was asked", func() bool { return h.count("publish down") > 0 })
	count.Store(1)
	fake.hangUpAll()
	until(t, "nothing noticed", func() bool { return h.count("emitter down") > 0 })
	var c outcomes
	emitNumbers(l, 0, 10, c.settled)
	until(t, "the emitter does not wait", func() bool {
		l.emitter.mu.Lock()
		defer l.emitter.mu.Unlock()
		return l.emitter.resumes
	})
	until(t, "nobody counts", func() bool { return h.count("publish up") == h.count("publish down") })
	assert.Empty(t, fake.published())
	count.Store(2)
	until(t, "not delivered", func() bool { return len(c.which(Delivered)) == 10 })
	until(t, "not counted", func() bool { return !l.publisher.census.pending() })
}

func TestExpect_AllIsWell_TheyAreCounted(t *testing.T) {
	fake := startFake(t)
	var count atomic.Int32
	count.Store(1)
	fake.script(func(c []string) string {
		if c[0] != "pubsub" {
			return ""
		}
		return "*2\r\n$6\r\ncensus\r\n:" + strconv.Itoa(int(count.Load())) + "\r\n"
	})
	census := format.Subscription{Name: "census"}
	l, _ := openFake(t, Options{Client: fake.client(), Census: func() []format.Subscription { return []format.Subscription{census} }})
	assert.Equal(t, 1, l.publisher.census.number(census))
	count.Store(3)
	l.Expect(2)
	until(t, "not counted", func() bool { return l.publisher.census.number(census) == 3 && !l.publisher.census.pending() })
}
