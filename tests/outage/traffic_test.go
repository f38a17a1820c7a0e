package outage

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
)

const (
	// sendEvery is the pause between two broadcasts of a sender.
	sendEvery = 8 * time.Millisecond
	// untouched bounds what local traffic may take while Redis is out of order, but for one in a hundred, which may wait for the
	// processor on a busy machine; delayed bounds that, which is no more than a single wait for Redis.
	untouched = time.Second
	delayed   = 3 * time.Second
	// flooded bounds everything thereafter, when all that has waited arrives at once: up to ten thousand messages at each of the
	// instances, and all of these, their clients and the senders are in the process of the test. That takes as long as the
	// processor needs, and three seconds on a machine that has nothing else to do: what shows here is what is ten times slower.
	flooded = 30 * time.Second
	// resumption bounds the time from the return of Redis until what has waited has left, and until messages of other instances
	// arrive again.
	resumption = 5 * time.Second
	listeners  = 2 // clients of each instance that listen to all broadcasts
)

// room is a room that all listeners are in.
const room = "room"

// traffic is a steady load on a cluster: each instance broadcasts numbered messages to everybody and others to a room, clients on
// each instance listen, and one more asks its server for an echo again and again. All is noted, and judged in the end.
type traffic struct {
	instances []*instance
	senders   []*sender // two of each instance
	listeners []*listener
	echoes    []*echo
	listening sync.WaitGroup
	sending   sync.WaitGroup
	stop      chan struct{}
	before    []actio.RedisStats

	killing, killed time.Time // when Redis was killed: just before and just after it. Zero: it was not
}

// sender is an instance that broadcasts to everybody or to a room. The messages of one sender are in order.
type sender struct {
	home  int
	to    actio.Broadcast
	mutex sync.Mutex
	sent  []time.Time // when message i was emitted
	err   error
}

// arrival is a message that came to a listener.
type arrival struct {
	number int
	at     time.Time
}

// listener is a client that hears everybody.
type listener struct {
	client *rawclient.Client
	home   int
	heard  [][]arrival // by sender
	err    error
}

// echo is a client that talks to its own server.
type echo struct {
	client *rawclient.Client
	took   []duration
	err    error
}

// duration is how long something took that began at a moment.
type duration struct {
	began time.Time
	took  time.Duration
}

// newTraffic connects the clients, which then listen. Nothing is sent yet.
func newTraffic(t *testing.T, instances []*instance) *traffic {
	t.Helper()
	tr := &traffic{instances: instances, stop: make(chan struct{})}
	for home, s := range instances {
		everybody := s.Root().Except()
		tr.senders = append(tr.senders, &sender{home: home, to: everybody}, &sender{home: home, to: everybody.To(room)})
		for range listeners {
			c, _ := s.dial(t)
			_, err := c.Ask(0, "join", room)
			require.NoError(t, err)
			l := &listener{client: c, home: home, heard: make([][]arrival, 2*len(instances))}
			tr.listeners = append(tr.listeners, l)
			tr.listening.Go(l.listen)
		}
		c, _ := s.dial(t)
		tr.echoes = append(tr.echoes, &echo{client: c})
		tr.before = append(tr.before, s.redisStats(t))
	}
	return tr
}

// start lets the load begin.
func (tr *traffic) start() {
	for i, s := range tr.senders {
		tr.sending.Go(func() { s.send(i, tr.stop) })
	}
	for _, e := range tr.echoes {
		tr.sending.Go(func() { e.ask(tr.stop) })
	}
}

// end lets the load end. The listeners go on.
func (tr *traffic) end() {
	close(tr.stop)
	tr.sending.Wait()
}

// last sends a last message from each sender and returns when everybody has heard all of them, and with them everything
// that was sent before and will ever come.
func (tr *traffic) last(t *testing.T) {
	t.Helper()
	for i, s := range tr.senders {
		require.NoError(t, s.err)
		require.NoError(t, s.to.Emit("last", i))
	}
	tr.listening.Wait()
	for _, e := range tr.echoes {
		require.NoError(t, e.err)
	}
	for _, l := range tr.listeners {
		require.NoError(t, l.err)
	}
}

func (s *sender) send(index int, stop <-chan struct{}) {
	ticker := time.NewTicker(sendEvery)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		s.mutex.Lock()
		number := len(s.sent)
		s.sent = append(s.sent, time.Now())
		s.mutex.Unlock()
		if err := s.to.Emit("news", index, number); err != nil {
			s.err = err
			return
		}
	}
}

func (l *listener) listen() {
	for last := 0; last < len(l.heard); {
		m, err := l.client.Next()
		if err != nil {
			l.err = fmt.Errorf("a listener at instance %d: %w", l.home, err)
			return
		}
		var from, number int
		switch m.Event {
		case "news":
			if l.err = m.Args.Decode(0, &from); l.err == nil {
				l.err = m.Args.Decode(1, &number)
			}
			if l.err != nil {
				return
			}
			l.heard[from] = append(l.heard[from], arrival{number, time.Now()})
		case "last":
			last++
		}
	}
}

func (e *echo) ask(stop <-chan struct{}) {
	ticker := time.NewTicker(sendEvery)
	defer ticker.Stop()
	for id := uint64(0); ; id++ {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		begin := time.Now()
		if _, e.err = e.client.Ask(id, "echo", id); e.err != nil {
			return
		}
		e.took = append(e.took, duration{begin, time.Since(begin)})
	}
}

// missing are the messages of a sender that a listener has not got, as when they were sent.
func (tr *traffic) missing(from *sender, heard []arrival) (sent []time.Time) {
	got := make(map[int]bool, len(heard))
	for _, a := range heard {
		got[a.number] = true
	}
	for number, at := range from.sent {
		if !got[number] {
			sent = append(sent, at)
		}
	}
	return sent
}

// A Redis that is killed may have confirmed messages that it did not pass on: in each turn of its loop it answers before it
// writes to the subscribers. Those are few, and were sent shortly before.
const (
	turnMessages = 8 // of one sender
	turnTime     = 100 * time.Millisecond
)

// unaccounted is how many of the messages that a listener has not got must be in the account of the sender.
func (tr *traffic) unaccounted(missing []time.Time) int {
	inLastTurn := 0
	for _, sent := range missing {
		if sent.After(tr.killing.Add(-turnTime)) && sent.Before(tr.killed) {
			inLastTurn++
		}
	}
	return len(missing) - min(inLastTurn, turnMessages)
}

// judge fails the test unless local traffic was untouched, nothing came twice or out of order, the accounts of each instance are
// right, and what others did not get is bounded by them. The harm began at a moment, and Redis was back at another. Call it after
// last, when everything is ready again.
func (tr *traffic) judge(t *testing.T, began, back time.Time) {
	t.Helper()
	lost := make([]int, len(tr.instances))
	var local, echoed []duration
	for i, from := range tr.senders {
		most := 0
		for _, l := range tr.listeners {
			previous := -1
			for _, a := range l.heard[i] {
				require.Greater(t, a.number, previous, "order at instance %d of what instance %d sent", l.home, from.home)
				previous = a.number
				if from.home == l.home {
					local = append(local, duration{from.sent[a.number], a.at.Sub(from.sent[a.number])})
				}
			}
			missing := tr.missing(from, l.heard[i])
			if from.home == l.home {
				assert.Empty(t, missing, "local messages lost at instance %d", from.home)
			}
			if len(missing) > 0 {
				t.Logf("instance %d did not get %d messages of instance %d, which were sent from %v to %v after the harm began", l.home,
					len(missing), from.home, missing[0].Sub(began), missing[len(missing)-1].Sub(began))
			}
			most = max(most, tr.unaccounted(missing))
		}
		lost[from.home] += most
	}
	for _, e := range tr.echoes {
		echoed = append(echoed, e.took...)
	}
	report(t, "local broadcast", local, back)
	report(t, "echo", echoed, back)
	for i, s := range tr.instances {
		tr.settle(t, i, s, lost[i])
	}
}

// settle checks the account of one instance, of whose messages somebody did not get as many as lost, and not because Redis kept
// them to itself when it was killed.
func (tr *traffic) settle(t *testing.T, i int, s *instance, lost int) {
	t.Helper()
	now, before := s.redisStats(t).Link, tr.before[i].Link
	emitted := now.Emitted - before.Emitted
	delivered, dropped := now.Delivered-before.Delivered, now.Dropped-before.Dropped
	unconfirmed := now.Unconfirmed - before.Unconfirmed
	t.Logf("instance %d: emitted %d, delivered %d, dropped %d, unconfirmed %d; lost %d, reconnects %d", i, emitted, delivered, dropped,
		unconfirmed, lost, now.Reconnects-before.Reconnects)
	sent := 0
	for _, from := range tr.senders {
		if from.home == i {
			sent += len(from.sent) + 1 // the last one
		}
	}
	assert.EqualValues(t, sent, emitted, "each broadcast counts once")
	assert.Equal(t, emitted, delivered+dropped+unconfirmed, "emitted = delivered + dropped + unconfirmed")
	assert.LessOrEqual(t, uint64(lost), dropped+unconfirmed, "what is lost is counted")
	assert.Zero(t, dropped, "the buffer is large enough")
}

// report logs how long things took and fails the test if any took too long.
func report(t *testing.T, what string, all []duration, back time.Time) {
	t.Helper()
	var before, after []time.Duration
	for _, d := range all {
		if back.Sub(d.began) > untouched { // else it may end in the flood
			before = append(before, d.took)
		} else {
			after = append(after, d.took)
		}
	}
	bounded(t, what, before, untouched, delayed)
	bounded(t, what+", Redis back", after, flooded, flooded)
}

func bounded(t *testing.T, what string, took []time.Duration, most, all time.Duration) {
	t.Helper()
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	p99, longest := took[len(took)*99/100], took[len(took)-1]
	t.Logf("%s: %d, p50 %v, p99 %v, longest %v", what, len(took), took[len(took)/2], p99, longest)
	assert.Less(t, p99, most, what)
	assert.Less(t, longest, all, what)
}

// left fails the test unless all that waited for Redis has left soon after it was back. Call it at once then.
func (tr *traffic) left(t *testing.T, back time.Time) {
	t.Helper()
	var emitted []uint64
	for _, s := range tr.instances {
		emitted = append(emitted, s.redisStats(t).Link.Emitted)
	}
	for i, s := range tr.instances {
		eventually(t, "what has waited leaves", func() bool {
			now := s.redisStats(t).Link
			return now.Emitted-now.Buffered >= emitted[i]
		}, func() any { return s.redisStats(t).Link })
	}
	took := time.Since(back)
	t.Logf("what had waited has left after %v", took)
	assert.Less(t, took, resumption)
}

// resumed fails the test unless each listener heard other instances again soon after Redis was back, in the way for everybody and
// in that for the room, and in the end what everybody sent since. Redis was out of order from one moment to another. The
// first message to arrive, of whichever instance, is what tells when the listener is reached again: all others come behind what
// has waited, and their delay says how fast the processor is. Whether each instance sends again, left has seen.
func (tr *traffic) resumed(t *testing.T, began, back time.Time) {
	t.Helper()
	var reached, caughtUp time.Duration
	for _, l := range tr.listeners {
		first := [2]time.Duration{patience, patience}
		for i, from := range tr.senders {
			since := slices.IndexFunc(from.sent, back.Before)
			require.GreaterOrEqual(t, since, 0, "instance %d sent nothing afterwards", from.home)
			next := slices.IndexFunc(l.heard[i], func(a arrival) bool { return a.number >= since })
			require.GreaterOrEqual(t, next, 0, "instance %d is not heard of at instance %d any more", from.home, l.home)
			caughtUp = max(caughtUp, l.heard[i][next].at.Sub(back))
			if from.home == l.home {
				continue
			}
			heard := slices.IndexFunc(l.heard[i], func(a arrival) bool { return a.at.After(back) && from.sent[a.number].After(began) })
			first[i%2] = min(first[i%2], l.heard[i][heard].at.Sub(back))
		}
		reached = max(reached, first[0], first[1])
	}
	t.Logf("traffic resumed after %v, and had caught up after %v", reached, caughtUp)
	assert.Less(t, reached, resumption)
	assert.Less(t, caughtUp, flooded)
}
