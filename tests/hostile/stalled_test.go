package hostile

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
)

// staller opens a session that enters the room and then reads nothing any more. It returns the id of its socket.
type staller func(ctx context.Context, h *host) (io.Closer, string, error)

// stallSocket stops reading a websocket.
func stallSocket(ctx context.Context, h *host) (io.Closer, string, error) {
	s, err := h.member(ctx)
	if err != nil {
		return nil, "", err
	}
	return s.Conn, s.id, deaf(s.Conn)
}

// stallPoll asks for one answer after the other and reads none.
func stallPoll(ctx context.Context, h *host) (io.Closer, string, error) {
	p, err := h.pollMember(ctx)
	if err != nil {
		return nil, "", err
	}
	if err := deaf(p.get.Conn); err != nil {
		return nil, "", err
	}
	for range 100 {
		if _, err := p.get.Write([]byte(request(http.MethodGet, p.target, "", ""))); err != nil {
			return nil, "", err
		}
	}
	return p, p.id, nil
}

// abandonPoll enters and never polls again.
func abandonPoll(ctx context.Context, h *host) (io.Closer, string, error) {
	p, err := h.pollMember(ctx)
	if err != nil {
		return nil, "", err
	}
	return p, p.id, nil
}

// stalls keeps one stalled member in a room: when the server cuts it off, the next comes.
type stalls struct {
	stop    chan struct{}
	entered chan struct{}     // closed when the first is there
	cuts    chan actio.Reason // of each that was cut off
	done    chan error
}

func (h *host) stall(ctx context.Context, with staller) *stalls {
	s := &stalls{
		stop: make(chan struct{}), entered: make(chan struct{}), cuts: make(chan actio.Reason, 10_000), done: make(chan error, 1),
	}
	go func() { s.done <- s.keep(ctx, h, with) }()
	return s
}

func (s *stalls) keep(ctx context.Context, h *host, with staller) error {
	for first := true; ; first = false {
		conn, id, err := with(ctx, h)
		if first {
			close(s.entered)
		}
		if err != nil {
			return err
		}
		for cut := false; !cut; {
			select {
			case e := <-h.ended:
				if cut = e.id == id; cut {
					s.cuts <- e.reason
				}
			case <-s.stop:
				return conn.Close()
			}
		}
		_ = conn.Close()
	}
}

// deaf makes the socket buffer of a client as small as it can be.
func deaf(conn net.Conn) error {
	if over, ok := conn.(*tls.Conn); ok {
		conn = over.NetConn()
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return fmt.Errorf("%T", conn)
	}
	return tcp.SetReadBuffer(4096)
}

// load is one test with a stalled member.
type load struct {
	name    string
	options actio.EngineOptions
	secure  bool
	staller staller
	members int
	first   int // broadcasts without it
	second  int // broadcasts with it
	dropped bool
	beside  func(h *host)
}

func TestStalled_Member_CostsNobodyElseAnything(t *testing.T) {
	const small = 1024
	for _, l := range []load{
		{
			name: "websocket", staller: stallSocket, members: 99,
			first: sized(2048, 10_240), second: sized(8192, 100_096),
		},
		{name: "polling without reading", staller: stallPoll, members: 20, first: small, second: 4 * small},
		{name: "polling abandoned", staller: abandonPoll, members: 20, first: small, second: 2 * small},
		{name: "websocket over TLS", staller: stallSocket, secure: true, members: 20, first: small, second: 2 * small},
		{
			name: "websocket, volatile events dropped", staller: stallSocket, members: 20, first: small, second: 2 * small,
			options: actio.EngineOptions{QueuePolicy: actio.DropVolatile}, dropped: true,
			beside: func(h *host) { _ = h.To(room).Volatile().Emit("volatile") },
		},
		{
			name: "websocket, oldest events dropped", staller: stallSocket, members: 20, first: small, second: sized(8*small, 50*small),
			options: actio.EngineOptions{QueuePolicy: actio.DropOldest, WriteTimeout: 3 * time.Second}, dropped: true,
		},
		{
			name: "websocket over TLS, oldest events dropped", staller: stallSocket, secure: true, members: 20, first: small, second: 2 * small,
			options: actio.EngineOptions{QueuePolicy: actio.DropOldest, WriteTimeout: 3 * time.Second}, dropped: true,
		},
	} {
		t.Run(l.name, l.run)
	}
}

func (l load) run(t *testing.T) {
	l.options.QueueBytes = 1 << 20 // so that few broadcasts fill it
	h := serveOver(t, actio.Options{Engine: l.options}, l.secure)
	c := h.gather(t, l.members, l.first, l.second)
	c.tell(t, l.first, nil)
	before := live()
	start := time.Now()

	stalled := h.stall(t.Context(), l.staller)
	await.Value(t, stalled.entered)
	var growth int64
	for range 8 {
		c.tell(t, l.second/8, func() {
			if l.beside != nil {
				l.beside(h)
			}
		})
		growth = max(growth, live()-before)
	}
	took := time.Since(start)
	assert.Equal(t, actio.ReasonSlowConsumer, await.Value(t, stalled.cuts))
	close(stalled.stop)
	require.NoError(t, await.Value(t, stalled.done))
	cut := uint64(1)
	for ; len(stalled.cuts) > 0; cut++ {
		assert.Equal(t, actio.ReasonSlowConsumer, <-stalled.cuts)
	}

	without, with := c.at(0, .99), c.at(1, .99)
	t.Logf("%d broadcasts to %d in %v; p50 %v and %v, p99 %v and %v (x %.2f), heap in use + %d KiB, cut off %d",
		l.second, l.members+1, took.Round(time.Millisecond), c.at(0, .5), c.at(1, .5), without, with,
		float64(with)/float64(without), growth>>10, cut)
	assert.Less(t, with, max(5*without, 100*time.Millisecond))
	assert.Less(t, growth, int64(1<<20+8<<20))
	st := h.stats(t)
	assert.Equal(t, cut, st.SlowConsumers)
	assert.Equal(t, l.dropped, st.MessagesDropped > 0)
	h.log.await(t, "WARN", "slow consumer")
}

// pollMember opens a session over polling and enters the room.
func (h *host) pollMember(ctx context.Context) (*poller, error) {
	p := &poller{host: h}
	for _, l := range []**line{&p.get, &p.post} {
		conn, err := h.tryDial(ctx)
		if err != nil {
			return nil, err
		}
		*l = newLine(conn)
	}
	open, err := p.get.do(http.MethodGet, overPoll, "")
	if err != nil {
		return nil, err
	}
	if p.target, err = sessionTarget(open); err != nil {
		return nil, err
	}
	if _, err = p.post.do(http.MethodPost, p.target, "40"); err != nil {
		return nil, err
	}
	connect, err := p.get.do(http.MethodGet, p.target, "")
	if err != nil {
		return nil, err
	}
	if p.id, err = socketID(connect); err != nil {
		return nil, err
	}
	if _, err = p.post.do(http.MethodPost, p.target, `420["enter"]`); err != nil {
		return nil, err
	}
	for entered := ""; err == nil && !strings.Contains(entered, "430[]"); {
		entered, err = p.get.do(http.MethodGet, p.target, "")
	}
	return p, err
}
