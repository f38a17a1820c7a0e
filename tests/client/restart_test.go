package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client"
	"github.com/actio-go/actio/tests/internal/jsserver"
)

// TestNode_ServerRestartsUnderLoad kills the server again and again while several goroutines send over two namespaces and the
// server sends to both.
func TestNode_ServerRestartsUnderLoad_NoAckedMessageLostNoHandlerCalledTwice(t *testing.T) {
	for name, so := range map[string]client.SocketOptions{
		"at most once": {}, "with retries": {Retries: 100, AckTimeout: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) { restartUnderLoad(t, so, 20) })
	}
}

// A message of a sender is sender*perSender + its number, so that all are different.
const (
	sendersPerNamespace = 3
	perSender           = 1_000_000
)

// load is what goes between a client and the servers that follow one another at a port.
type load struct {
	retries bool
	senders sync.WaitGroup
	pushed  atomic.Int64 // the number of the last event of the servers

	mutex    sync.Mutex
	acked    []int
	received map[string][]int // by namespace
}

func restartUnderLoad(t *testing.T, so client.SocketOptions, restarts int) {
	t.Helper()
	server := jsserver.Start(t, jsserver.Options{})
	m, err := client.New(server.URL(), quick(client.Options{}))
	require.NoError(t, err)
	defer closed(t, m)
	l := &load{retries: so.Retries > 0, received: map[string][]int{}}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	namespaces := []string{"/", "/foo"}
	connects := map[string]chan string{}
	for i, namespace := range namespaces {
		s, err := m.Socket(namespace, so)
		require.NoError(t, err)
		connected := make(chan string, 1000)
		connects[namespace] = connected
		s.OnConnect(func(context.Context) { connected <- namespace })
		l.listen(t, s)
		require.NoError(t, s.Connect())
		for k := range sendersPerNamespace {
			l.senders.Go(func() { l.send(ctx, t, s, i*sendersPerNamespace+k) })
		}
	}
	var counted []int
	for n := range restarts + 1 {
		for _, namespace := range namespaces {
			next(t, connects[namespace])
		}
		push := l.push(t, server, namespaces)
		for range 20 * len(namespaces) * sendersPerNamespace { // the load goes on
			args, err := server.WaitEvent(within(t), "counted")
			require.NoError(t, err)
			counted = append(counted, numberOf(t, args[0]))
		}
		if n == restarts {
			stop()
			l.senders.Wait()
			closed(t, m)
		}
		server.Kill()
		push.Wait()
		counted = drain(t, server, counted)
		if n < restarts {
			server = jsserver.Start(t, jsserver.Options{Port: server.Port()})
		}
	}
	l.check(t, counted)
}

// listen notes the events of the servers.
func (l *load) listen(t *testing.T, s *client.Socket) {
	t.Helper()
	_, err := client.On(s, "push", func(_ context.Context, s *client.Socket, n int) (client.None, error) {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		l.received[s.Namespace()] = append(l.received[s.Namespace()], n)
		return client.None{}, nil
	})
	require.NoError(t, err)
}

// send sends one message after another.
func (l *load) send(ctx context.Context, t *testing.T, s *client.Socket, sender int) {
	t.Helper()
	for n := sender * perSender; ctx.Err() == nil; n++ {
		args, err := s.EmitWithAck(t.Context(), "count", n)
		if err != nil {
			if l.retries || !errors.Is(err, client.ErrDisconnected) {
				t.Errorf("%d: %v", n, err)
				return
			}
			continue
		}
		if got := string(args.AppendJSON(nil)); got != fmt.Sprintf("[%d]", n) {
			t.Errorf("%d was acknowledged with %s", n, got)
		}
		l.mutex.Lock()
		l.acked = append(l.acked, n)
		l.mutex.Unlock()
	}
}

// push makes a server send numbered events to both namespaces, the same numbers to each, until it ends.
func (l *load) push(t *testing.T, server *jsserver.Server, namespaces []string) *sync.WaitGroup {
	t.Helper()
	var work sync.WaitGroup
	work.Go(func() {
		for {
			n := l.pushed.Add(1)
			for _, namespace := range namespaces {
				if server.Emit(t.Context(), namespace, "push", n) != nil {
					return
				}
			}
		}
	})
	return &work
}

// check compares what was acknowledged, and what the handlers were told, with what arrived and what was sent.
func (l *load) check(t *testing.T, counted []int) {
	t.Helper()
	times := map[int]int{}
	for _, n := range counted {
		times[n]++
	}
	for _, n := range l.acked {
		assert.Positive(t, times[n], "%d was acknowledged and has not arrived", n)
	}
	for n, k := range times {
		if !l.retries {
			assert.Equal(t, 1, k, "%d arrived several times", n)
		}
	}
	l.checkOrder(t, counted)
	for namespace, numbers := range l.received {
		assert.NotEmpty(t, numbers)
		assert.True(t, slices.IsSorted(numbers), "%s: in the order in which they were sent", namespace)
		assert.Len(t, slices.Compact(slices.Clone(numbers)), len(numbers), "%s: no handler is called twice for one event", namespace)
		assert.LessOrEqual(t, int64(slices.Max(numbers)), l.pushed.Load())
	}
	assert.Len(t, l.received, 2)
	t.Logf("%d acknowledged, %d arrived; %d sent to each of two namespaces, %d and %d received",
		len(l.acked), len(counted), l.pushed.Load(), len(l.received["/"]), len(l.received["/foo"]))
}

// checkOrder looks at each sender's messages.
func (l *load) checkOrder(t *testing.T, counted []int) {
	t.Helper()
	arrived, acked := map[int][]int{}, map[int][]int{}
	for _, n := range counted {
		arrived[n/perSender] = append(arrived[n/perSender], n)
	}
	for _, n := range l.acked {
		acked[n/perSender] = append(acked[n/perSender], n%perSender)
	}
	assert.Len(t, acked, 2*sendersPerNamespace)
	for sender, numbers := range acked {
		assert.True(t, slices.IsSorted(arrived[sender]), "sender %d: in the order in which they were sent", sender)
		if l.retries {
			assert.Len(t, numbers, numbers[len(numbers)-1]+1, "sender %d: every message was acknowledged in the end", sender)
		}
	}
}

// drain takes what a server that has ended had told.
func drain(t *testing.T, server *jsserver.Server, counted []int) []int {
	t.Helper()
	for {
		args, err := server.WaitEvent(within(t), "counted")
		if err != nil {
			return counted
		}
		counted = append(counted, numberOf(t, args[0]))
	}
}

func numberOf(t *testing.T, raw json.RawMessage) int {
	t.Helper()
	var n int
	require.NoError(t, json.Unmarshal(raw, &n))
	return n
}
