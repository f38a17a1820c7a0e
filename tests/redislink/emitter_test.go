package redislink_test

import (
	"bytes"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// breaker passes everything on to Redis and back until it is armed: then the next message is passed on, and its answer is not,
// but the connection ends.
type breaker struct {
	net.Listener

	to    string
	armed atomic.Bool
	ends  sync.WaitGroup
}

func startBreaker(t *testing.T, to string) *breaker {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := &breaker{Listener: listener, to: to}
	b.ends.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			b.ends.Go(func() { b.serve(client) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		b.ends.Wait()
	})
	return b
}

func (b *breaker) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", b.to)
	if err != nil {
		return
	}
	var cut atomic.Bool
	b.ends.Go(func() {
		defer func() { _ = client.Close() }()
		answers := make([]byte, 1<<16)
		for {
			n, err := server.Read(answers)
			if err != nil || cut.Load() {
				return
			}
			if _, err := client.Write(answers[:n]); err != nil {
				return
			}
		}
	})
	_, _ = io.Copy(watched{server, func(p []byte) {
		if bytes.Contains(bytes.ToLower(p), []byte("publish")) && b.armed.CompareAndSwap(true, false) {
			cut.Store(true)
		}
	}}, client)
	_ = server.Close()
}

// watched is a Writer that shows what is written.
type watched struct {
	io.Writer

	see func(p []byte)
}

func (w watched) Write(p []byte) (int, error) {
	w.see(p)
	return w.Writer.Write(p)
}

func TestEmitter_ConnectionBreaksBehindAMessage_ItIsNotSentAgain(t *testing.T) {
	server := redisproc.Start(t)
	for _, adapter := range []redisbridge.Adapter{redisbridge.ClassicAdapter, redisbridge.ShardedAdapter} {
		t.Run(adapter.String(), func(t *testing.T) {
			general := plain("socket.io#/#")
			if adapter == redisbridge.ShardedAdapter {
				general = sharded(general.Name)
			}
			i := open(t, quick(server.Client()), general)
			b := startBreaker(t, server.Addr())
			o := server.ClientOptions()
			o.Addr = b.Addr().String()
			client := redis.NewClient(o)
			defer func() { assert.NoError(t, client.Close()) }()
			require.Positive(t, client.Options().MaxRetries, "it would")
			e, err := redisbridge.NewEmitter(client, redisbridge.EmitterOptions{Adapter: adapter})
			require.NoError(t, err)

			require.NoError(t, e.Emit(t.Context(), "first"))
			b.armed.Store(true)
			require.Error(t, e.Emit(t.Context(), "second"), "nobody knows what became of it")
			require.NoError(t, e.Emit(t.Context(), "third"))
			var events []string
			until(t, "the last did not arrive", func() bool {
				events = nil
				for _, m := range i.hearer.messages(general.Name) {
					for _, event := range []string{"first", "second", "third"} {
						if bytes.Contains([]byte(m), []byte(event)) {
							events = append(events, event)
						}
					}
				}
				return slices.Contains(events, "third")
			})
			assert.Equal(t, []string{"first", "second", "third"}, events)
		})
	}
}
