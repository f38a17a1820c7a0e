package hostile

import (
	"context"
	"fmt"
	"math/bits"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

const (
	room     = "crowd"
	chunk    = 32 // broadcasts that the crowd confirms together
	ahead    = 2  // chunks that may be unconfirmed: their bytes must fit into a queue
	newsSize = 3 << 10
)

// crowd is a room of healthy members, and a broadcaster who goes only so fast that none of them overflows.
type crowd struct {
	host      *host
	members   []*member
	confirmed []atomic.Int64 // members that have each chunk
	chunks    chan struct{}  // one for each chunk that all have
	sent      []atomic.Int64 // when each broadcast was made, in nanoseconds since start
	start     time.Time
	readers   sync.WaitGroup
	errs      chan error
	next, has int // broadcasts made, and confirmed
	padding   string
}

// member is one of the crowd.
type member struct {
	*socket

	delays histogram
}

// gather makes a room of n members who are ready for two phases of broadcasts.
func (h *host) gather(t *testing.T, n, first, second int) *crowd {
	t.Helper()
	h.handle(t, "enter", func(ctx context.Context, s *actio.Socket, e *actio.Event) {
		if s.Join(ctx, room) == nil {
			_ = e.Reply()
		}
	})
	broadcasts := first + second
	c := &crowd{
		host: h, confirmed: make([]atomic.Int64, broadcasts/chunk+1), chunks: make(chan struct{}, broadcasts/chunk+1),
		sent: make([]atomic.Int64, broadcasts), start: time.Now(), errs: make(chan error, n), padding: strings.Repeat("x", newsSize),
	}
	for range n {
		s, err := h.member(t.Context())
		require.NoError(t, err)
		c.members = append(c.members, &member{socket: s, delays: histogram{from: first}})
	}
	for _, m := range c.members {
		c.readers.Go(func() {
			if err := c.listen(m); err != nil {
				c.errs <- err
			}
		})
	}
	t.Cleanup(func() {
		for _, m := range c.members {
			_ = m.Close()
		}
		c.readers.Wait()
	})
	return c
}

// member connects and enters the room.
func (h *host) member(ctx context.Context) (*socket, error) {
	s, err := h.join(ctx)
	if err != nil {
		return nil, err
	}
	if _, err = s.Write(text(`420["enter"]`)); err != nil {
		return nil, err
	}
	for {
		// The first broadcasts may come before the acknowledgement.
		message, err := s.next()
		if err != nil || message == "430[]" {
			return s, err
		}
	}
}

// listen reads the news of one member: each must be the next. It ends with the last, or with the connection.
func (c *crowd) listen(m *member) error {
	for want := 0; ; {
		_, n, err := m.readHeader()
		if err != nil {
			return fmt.Errorf("after %d: %w", want, err)
		}
		head, err := m.r.Peek(min(n, 24))
		if err != nil {
			return err
		}
		switch {
		case string(head) == "2":
			_, err = m.Write(text("3"))
		case string(head) == `42["volatile"]`:
		default:
			err = c.news(m, string(head), want)
			want++
		}
		if err != nil {
			return err
		}
		if _, err = m.r.Discard(n); err != nil {
			return err
		}
	}
}

// news takes one broadcast.
func (c *crowd) news(m *member, head string, want int) error {
	rest, ok := strings.CutPrefix(head, `42["news",`)
	digits, _, _ := strings.Cut(rest, ",")
	got, err := strconv.Atoi(digits)
	if !ok || err != nil || got != want {
		return fmt.Errorf("news %q, want %d", head, want)
	}
	m.delays.add(got, time.Since(c.start)-time.Duration(c.sent[got].Load()))
	if (got+1)%chunk == 0 && c.confirmed[got/chunk].Add(1) == int64(len(c.members)) {
		c.chunks <- struct{}{}
	}
	return nil
}

// tell makes broadcasts, in whole chunks; beside is called before each chunk.
func (c *crowd) tell(t *testing.T, broadcasts int, beside func()) {
	t.Helper()
	for range broadcasts / chunk {
		for c.next-c.has >= ahead*chunk {
			c.confirm(t)
		}
		if beside != nil {
			beside()
		}
		for range chunk {
			c.sent[c.next].Store(int64(time.Since(c.start)))
			require.NoError(t, c.host.To(room).Emit("news", c.next, c.padding))
			c.next++
		}
	}
	c.settle(t)
}

// settle waits until everybody has everything.
func (c *crowd) settle(t *testing.T) {
	t.Helper()
	for c.has < c.next {
		c.confirm(t)
	}
}

func (c *crowd) confirm(t *testing.T) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.chunks:
		c.has += chunk
	case err := <-c.errs:
		require.NoError(t, err)
	case <-timer.C:
		require.FailNow(t, "the crowd does not get the news")
	}
}

// live is what the heap holds that is in use.
func live() int64 {
	runtime.GC()
	return heap()
}

// histogram counts delays in steps of an eighth of their power of two, separately for two phases.
type histogram struct {
	from   int // the first broadcast of the second phase
	phases [2][64 * 8]uint64
}

func (h *histogram) add(n int, d time.Duration) {
	phase := 0
	if n >= h.from {
		phase = 1
	}
	v := uint64(max(d, 8))
	top := bits.Len64(v) - 1
	h.phases[phase][top*8+int(v>>(top-3)&7)]++
}

// at is a quantile of one phase over all members.
func (c *crowd) at(phase int, q float64) time.Duration {
	var all [64 * 8]uint64
	var count uint64
	for _, m := range c.members {
		for i, n := range m.delays.phases[phase] {
			all[i] += n
			count += n
		}
	}
	rest := uint64(q * float64(count))
	for i, n := range all {
		if n > rest {
			return time.Duration((uint64(8+i%8+1) << (i / 8)) >> 3)
		}
		rest -= n
	}
	return 0
}
