package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// patience bounds every wait of a test.
const patience = 15 * time.Second

// logs are the lines of a gateway's log, to be waited for.
type logs struct {
	mutex sync.Mutex
	part  []byte
	lines []map[string]any
	more  chan struct{}
}

func newLogs() *logs { return &logs{more: make(chan struct{})} }

// Write takes whole lines of JSON, and anything else as {"text": …}.
func (l *logs) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.part = append(l.part, p...)
	for {
		line, rest, found := bytes.Cut(l.part, []byte("\n"))
		if !found {
			break
		}
		entry := map[string]any{}
		if json.Unmarshal(line, &entry) != nil {
			entry["text"] = string(line)
		}
		l.lines, l.part = append(l.lines, entry), rest
	}
	close(l.more)
	l.more = make(chan struct{})
	return len(p), nil
}

func (l *logs) find(msg string) (entry map[string]any, more <-chan struct{}) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, line := range l.lines {
		if line["msg"] == msg {
			return line, nil
		}
	}
	return nil, l.more
}

// wait returns the first line with this message.
func (l *logs) wait(t *testing.T, msg string) map[string]any {
	t.Helper()
	timeout := time.After(patience)
	for {
		line, more := l.find(msg)
		if line != nil {
			return line
		}
		select {
		case <-more:
		case <-timeout:
			require.FailNow(t, "nothing logged", "%q", msg)
		}
	}
}

// running is a gateway that runs in this process.
type running struct {
	address string
	logs    *logs
	cancel  context.CancelFunc
	code    chan int
}

// start starts run and waits until it listens. It ends with the test.
func start(t *testing.T, env []string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{logs: newLogs(), cancel: cancel, code: make(chan int, 1)}
	args = append([]string{"-listen", "127.0.0.1:0", "-log-format", "json"}, args...)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.code <- run(ctx, args, env, io.Discard, r.logs)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	r.address, _ = r.logs.wait(t, "listening")["address"].(string)
	return r
}

// send sends a signal to this process, and so to every gateway in it: tests that do so do not run in parallel.
func send(t *testing.T, s os.Signal) {
	t.Helper()
	self, err := os.FindProcess(os.Getpid())
	require.NoError(t, err)
	require.NoError(t, self.Signal(s))
}

// ended waits for the exit code.
func (r *running) ended(t *testing.T) int {
	t.Helper()
	select {
	case code := <-r.code:
		return code
	case <-time.After(patience):
		require.FailNow(t, "the gateway does not end")
		return 0
	}
}

// get makes a request on a connection of its own.
func (r *running) get(t *testing.T, path string, header ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.address+path, http.NoBody)
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body)
}

// client is a bare client on a websocket.
type client struct {
	t      *testing.T
	socket *websocket.Conn
}

// connect connects to the default namespace with a payload of CONNECT and asks to be authenticated.
func (r *running) connect(t *testing.T, auth string) *client {
	t.Helper()
	socket, response, err := websocket.Dial(t.Context(), "ws://"+r.address+"/io/?EIO=4&transport=websocket", nil)
	require.NoError(t, err)
	if response.Body != nil {
		_ = response.Body.Close()
	}
	t.Cleanup(func() { _ = socket.CloseNow() })
	c := &client{t: t, socket: socket}
	c.wait("0")
	c.send("40" + auth)
	c.wait("40")
	c.send(`42["authenticate"]`)
	return c
}

func (r *running) login(t *testing.T, name string) *client {
	t.Helper()
	c := r.connect(t, `{"token":"`+name+`"}`)
	c.wait(`42["authenticated"`)
	return c
}

func (c *client) send(packet string) {
	c.t.Helper()
	require.NoError(c.t, c.socket.Write(c.t.Context(), websocket.MessageText, []byte(packet)))
}

// wait reads until a packet begins like this and returns the rest of it.
func (c *client) wait(prefix string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for {
		_, packet, err := c.socket.Read(ctx)
		require.NoError(c.t, err, "waiting for %s", prefix)
		if rest, found := bytes.CutPrefix(packet, []byte(prefix)); found {
			return string(rest)
		}
	}
}

// untilClosed reads until the server closes the connection. A DISCONNECT before would keep clients from reconnecting.
func (c *client) untilClosed() error {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for {
		_, packet, err := c.socket.Read(ctx)
		if err != nil {
			return err
		}
		assert.False(c.t, bytes.HasPrefix(packet, []byte("41")))
	}
}
