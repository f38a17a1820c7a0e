package link

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/actio-go/actio/actors/actortest"
	"github.com/actio-go/actio/redisbridge/format"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

const (
	// hangUp as an answer closes the connection.
	hangUp = "\x00"
	// noAnswer as an answer is none.
	noAnswer = "\x01"
)

// fakeRedis speaks as much of the protocol as a Link needs, and answers as a test says.
type fakeRedis struct {
	t        *testing.T
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	got    [][]string // all commands
	answer func(command []string) string
}

func startFake(t *testing.T) *fakeRedis {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &fakeRedis{t: t, listener: listener, conns: map[net.Conn]struct{}{}}
	f.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns[conn] = struct{}{}
			f.mu.Unlock()
			f.running.Go(func() { f.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		f.hangUpAll()
		f.running.Wait()
	})
	return f
}

// client is a parent for Links.
func (f *fakeRedis) client() *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: f.listener.Addr().String()})
	f.t.Cleanup(func() { _ = client.Close() })
	return client
}

// hangUpAll closes all connections.
func (f *fakeRedis) hangUpAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		_ = c.Close()
	}
}

// script sets what is answered where the answer is not "".
func (f *fakeRedis) script(answer func(command []string) string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// published returns the payloads of PUBLISH, in order.
func (f *fakeRedis) published() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var payloads []string
	for _, c := range f.got {
		if c[0] == "publish" {
			payloads = append(payloads, c[2])
		}
	}
	return payloads
}

func (f *fakeRedis) serve(conn net.Conn) {
	defer func() {
		f.mu.Lock()
		delete(f.conns, conn)
		f.mu.Unlock()
		_ = conn.Close()
	}()
	reader := bufio.NewReader(conn)
	listening := false
	for {
		command, err := readCommand(reader)
		if err != nil {
			return
		}
		command[0] = strings.ToLower(command[0])
		f.mu.Lock()
		f.got = append(f.got, command)
		answer := ""
		if f.answer != nil {
			answer = f.answer(command)
		}
		f.mu.Unlock()
		switch {
		case answer == hangUp:
			return
		case answer == noAnswer:
			continue
		case answer != "":
		case strings.HasSuffix(command[0], "subscribe"):
			listening = true
			for _, name := range command[1:] {
				answer += fmt.Sprintf("*3\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n:1\r\n", len(command[0]), command[0], len(name), name)
			}
		case command[0] == "ping" && listening:
			answer = "*2\r\n$4\r\npong\r\n$0\r\n\r\n"
		case command[0] == "ping":
			answer = "+PONG\r\n"
		case command[0] == "hello":
			answer = "*2\r\n$6\r\nserver\r\n$5\r\nredis\r\n"
		case command[0] == "publish":
			answer = ":1\r\n"
		default:
			answer = "+OK\r\n"
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

func readCommand(r *bufio.Reader) ([]string, error) {
	number := func() (int, error) {
		line, err := r.ReadString('\n')
		if err != nil {
			return 0, err
		}
		return strconv.Atoi(strings.TrimSpace(line[1:]))
	}
	n, err := number()
	if err != nil {
		return nil, err
	}
	command := make([]string, n)
	for i := range command {
		size, err := number()
		if err != nil {
			return nil, err
		}
		text := make([]byte, size+2)
		if _, err := io.ReadFull(r, text); err != nil {
			return nil, err
		}
		command[i] = string(text[:size])
	}
	return command, nil
}

// hearer is a Handler that keeps what it is told.
type hearer struct {
	mu      sync.Mutex
	changes map[string]int
}

func (h *hearer) Received(string, []byte) {}

func (h *hearer) Changed(p Part, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.changes == nil {
		h.changes = map[string]int{}
	}
	if err != nil {
		h.changes[p.String()+" down"]++
	} else {
		h.changes[p.String()+" up"]++
	}
}

func (h *hearer) count(change string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changes[change]
}

// openFake opens a Link to a fake.
func openFake(t *testing.T, o Options, base ...format.Subscription) (*Link, *hearer) {
	t.Helper()
	h := &hearer{}
	sys := actortest.NewSystem(t)
	if o.CommandTimeout == 0 {
		o.CommandTimeout = time.Second
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	l, err := Open(ctx, sys, o, h, base)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, closeWithin(l, patience)) })
	return l, h
}

func closeWithin(l *Link, d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return l.Close(ctx)
}

// until waits for something that is about to happen.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	require.Eventually(t, f, patience, time.Millisecond, what)
}

// frames emits numbered frames and returns how each was settled.
func emitNumbers(l *Link, from, to int, settled func(n int, o Outcome)) {
	for n := from; n < to; n++ {
		l.Emit(format.Frame{Channel: "c", Payload: []byte(strconv.Itoa(n))}, func(o Outcome) { settled(n, o) })
	}
}

// outcomes collects what became of numbered frames.
type outcomes struct {
	mu  sync.Mutex
	of  map[int]Outcome
	bad []int // settled twice
}

func (c *outcomes) settled(n int, o Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[int]Outcome{}
	}
	if _, ok := c.of[n]; ok {
		c.bad = append(c.bad, n)
	}
	c.of[n] = o
}

func (c *outcomes) which(o Outcome) []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []int
	for n := range len(c.of) {
		if c.of[n] == o {
			list = append(list, n)
		}
	}
	return list
}
