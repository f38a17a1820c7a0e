package link

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/redisbridge/format"
)

// stallingRedis is a fake that is reached through pipes, and that can be stopped and let go on as a process can: who dials gets
// a connection all the same, and what is said meanwhile is answered afterwards.
type stallingRedis struct {
	fake *fakeRedis

	mu   sync.Mutex
	runs chan struct{} // closed while it runs
}

// stalledConn is the server's end of a pipe. What arrives is taken at all times, as the kernel does.
type stalledConn struct {
	net.Conn

	redis *stallingRedis
	taken chan []byte
	rest  []byte
}

// take receives until the connection ends.
func (c *stalledConn) take() {
	defer close(c.taken)
	for {
		p := make([]byte, 1024)
		n, err := c.Conn.Read(p)
		if err != nil {
			return
		}
		c.taken <- p[:n]
	}
}

// Read waits while the server is stopped.
func (c *stalledConn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		c.rest = <-c.taken
	}
	c.redis.mu.Lock()
	runs := c.redis.runs
	c.redis.mu.Unlock()
	<-runs
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func startStalling(t *testing.T) *stallingRedis {
	t.Helper()
	r := &stallingRedis{fake: &fakeRedis{t: t, conns: map[net.Conn]struct{}{}}}
	r.stop()
	r.goOn()
	t.Cleanup(func() {
		r.fake.hangUpAll()
		r.fake.running.Wait()
	})
	return r
}

func (r *stallingRedis) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.runs = make(chan struct{})
}

func (r *stallingRedis) goOn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.runs)
}

// client is a parent for Links.
func (r *stallingRedis) client(t *testing.T) *redis.Client {
	t.Helper()
	const nobody = "127.0.0.1:0" // a name would be resolved, by way of channels that belong to no bubble
	client := redis.NewClient(&redis.Options{Addr: nobody, Dialer: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		r.fake.mu.Lock()
		defer r.fake.mu.Unlock()
		conn := &stalledConn{Conn: there, redis: r, taken: make(chan []byte, 100)}
		r.fake.conns[conn] = struct{}{}
		r.fake.running.Go(conn.take)
		r.fake.running.Go(func() { r.fake.serve(conn) })
		return here, nil
	}})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestLink_RedisStalledForLong_IsBackAtOnceWhenItGoesOn(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		r := startStalling(t)
		l, _ := openFake(t, Options{Client: r.client(t), CommandTimeout: 3 * time.Second}, format.Subscription{Name: "base"})
		for stall := 30 * time.Second; stall < 34*time.Second; stall += 400 * time.Millisecond { // whatever is just going on then
			r.stop()
			time.Sleep(stall)
			for p := range StreamPart {
				assert.Error(t, l.Reason(p), p)
			}
			r.goOn()
			time.Sleep(firstBackoff + time.Millisecond)
			synctest.Wait()
			for p := range StreamPart {
				assert.NoError(t, l.Reason(p), "%v, after %v", p, stall)
			}
		}
	})
}

func TestBackoff_AttemptTookLong_PauseIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := backoff{bound: time.Second}
		for range 10 {
			b.begin()
			assert.LessOrEqual(t, b.take(), time.Second)
		}
		b.begin()
		time.Sleep(300 * time.Millisecond)
		d := b.take()
		assert.LessOrEqual(t, d, 700*time.Millisecond, "the rest")
		assert.GreaterOrEqual(t, d, 350*time.Millisecond, "jittered")
		b.begin()
		time.Sleep(time.Minute)
		d = b.take()
		assert.LessOrEqual(t, d, firstBackoff)
		assert.GreaterOrEqual(t, d, firstBackoff/2, "never none at all")
		b.reset()
		time.Sleep(time.Minute)
		assert.GreaterOrEqual(t, b.take(), firstBackoff/2, "what has worked for a while is no attempt")
	})
}
