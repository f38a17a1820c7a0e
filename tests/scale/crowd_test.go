package scale

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is what the visitors of one process have in common: what they count, and the door that only some pass at a time.
type crowd struct {
	size  int64
	began time.Time
	door  chan struct{} // holds who is on the way in

	pings, appPings, news, left atomic.Int64
	silence, entry              atomic.Int64 // the longest time between two pings of one visitor, and to get in, in nanoseconds
	perSecond                   [1200]atomic.Int32

	steady, informed, gone chan struct{} // closed when all had their heartbeats, when all had the news, when all have left
	steadyCount            atomic.Int64
	leaving                atomic.Bool   // the server may send visitors away
	lost                   chan struct{} // closed when somebody was lost before
	lostOnce               sync.Once
	why                    error // set before lost is closed
}

// newCrowd makes one that is complete with so many visitors. Only some may be on the way in at a time.
func newCrowd(size int) *crowd {
	const atATime = 20
	return &crowd{
		size: int64(size), began: time.Now(), door: make(chan struct{}, atATime),
		steady: make(chan struct{}), informed: make(chan struct{}), gone: make(chan struct{}), lost: make(chan struct{}),
	}
}

// admit calls start once for each visitor of a group, and returns when all of them are in.
func (c *crowd) admit(n int, start func()) error {
	giveUp := time.NewTimer(5 * patience)
	defer giveUp.Stop()
	for range n {
		if err := c.enter(giveUp.C); err != nil {
			return err
		}
		start()
	}
	for range cap(c.door) { // when it has room for nobody else, nobody is on the way any more
		if err := c.enter(giveUp.C); err != nil {
			return err
		}
	}
	for range cap(c.door) {
		<-c.door
	}
	return nil
}

func (c *crowd) enter(giveUp <-chan time.Time) error {
	select {
	case c.door <- struct{}{}:
		return nil
	case <-c.lost:
		return c.why
	case <-giveUp:
		return errors.New("clients do not get in")
	}
}

// lose notes that a visitor was lost, or hears what it should not.
func (c *crowd) lose(why error) {
	if c.leaving.Load() {
		return
	}
	c.lostOnce.Do(func() {
		c.why = why
		close(c.lost)
	})
}

// pinged notes a heartbeat, of either kind.
func (c *crowd) pinged() {
	if second := int(time.Since(c.began) / time.Second); second < len(c.perSecond) {
		c.perSecond[second].Add(1)
	}
}

// busiest is the largest number of pings that came within one second, from a moment on.
func (c *crowd) busiest(from time.Time) int32 {
	most := int32(0)
	for second := int(from.Sub(c.began)/time.Second) + 1; second < len(c.perSecond); second++ {
		most = max(most, c.perSecond[second].Load())
	}
	return most
}

// lengthen notes a time if it is the longest so far.
func lengthen(longest *atomic.Int64, d time.Duration) {
	for l := longest.Load(); int64(d) > l; l = longest.Load() {
		if longest.CompareAndSwap(l, int64(d)) {
			return
		}
	}
}

// count adds one and closes a channel with the last one of the crowd.
func (c *crowd) count(n *atomic.Int64, complete chan struct{}) {
	if n.Add(1) == c.size {
		close(complete)
	}
}

func (c *crowd) String() string {
	return fmt.Sprintf("%d pings and %d application pings to %d clients, %d had the news, %d have left; longest time to get in %.1f s, without a ping %.1f s",
		c.pings.Load(), c.appPings.Load(), c.size, c.news.Load(), c.left.Load(),
		time.Duration(c.entry.Load()).Seconds(), time.Duration(c.silence.Load()).Seconds())
}

// wait waits until a channel is closed. It fails if the crowd loses somebody before, or if it takes more than patience.
func (c *crowd) wait(done <-chan struct{}, what string) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-c.lost:
	case <-timer.C:
		return fmt.Errorf("%s: not within %v: %v", what, patience, c)
	}
	select {
	case <-c.lost: // whether or not it is done
		return c.why
	default:
		return nil
	}
}

// remain waits for the time of hold, unless somebody is lost before. It says how late a timer of this process was at most:
// where that is many seconds, the machine is at fault.
func (c *crowd) remain() (late time.Duration, err error) {
	const period = 100 * time.Millisecond
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	began := time.Now()
	for last := began; last.Sub(began) < hold(); {
		select {
		case <-ticker.C:
			now := time.Now()
			late = max(late, now.Sub(last)-period)
			last = now
		case <-c.lost:
			return late, c.why
		}
	}
	return late, nil
}
