package transport_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
)

const patience = 10 * time.Second

// receive waits for a value.
func receive[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}

// sessions is the layer above: one session under each of some ids.
type sessions struct {
	known     map[string]transport.Session
	full      error // of Open
	open      func(h *transport.Handshake, link transport.Link) error
	abandoned chan *transport.Handshake
	handshake chan *transport.Handshake
	sockets   chan *transport.WebSocket
}

func newSessions() *sessions {
	s := &sessions{
		known:     map[string]transport.Session{},
		handshake: make(chan *transport.Handshake, 16),
		sockets:   make(chan *transport.WebSocket, 16),
		abandoned: make(chan *transport.Handshake, 16),
	}
	s.open = func(h *transport.Handshake, link transport.Link) error {
		select {
		case s.handshake <- h:
		default: // most tests do not look
		}
		switch l := link.(type) {
		case *transport.Poll:
			l.Respond([]byte("0{}"))
		case *transport.WebSocket:
			s.sockets <- l
		}
		return nil
	}
	return s
}

func (s *sessions) Open(h *transport.Handshake) (transport.Opening, error) {
	if s.full != nil {
		return nil, s.full
	}
	return opening{s, h}, nil
}

// opening is one of its sessions without a transport.
type opening struct {
	sessions  *sessions
	handshake *transport.Handshake
}

func (o opening) Begin(link transport.Link) error { return o.sessions.open(o.handshake, link) }
func (o opening) Abandon()                        { o.sessions.abandoned <- o.handshake }

func (s *sessions) Find(_ context.Context, sid string) (transport.Session, bool) {
	found, ok := s.known[sid]
	return found, ok
}

// admitting is a sessions that is asked before.
type admitting struct {
	*sessions
	err error
}

func (a admitting) Admit(context.Context, netip.Addr) error { return a.err }

// session hands everything to the test.
type session struct {
	polls   chan *transport.Poll
	aborted chan *transport.Poll
	posts   chan *transport.Post
	probes  chan *transport.WebSocket
	old     bool // of revision 3
	onPost  func(ctx context.Context, p *transport.Post)
}

func newSession() *session {
	return &session{
		polls: make(chan *transport.Poll, 16), aborted: make(chan *transport.Poll, 16),
		posts: make(chan *transport.Post, 16), probes: make(chan *transport.WebSocket, 16),
	}
}

func (s *session) Poll(p *transport.Poll)        { s.polls <- p }
func (s *session) PollAborted(p *transport.Poll) { s.aborted <- p }
func (s *session) Probe(ws *transport.WebSocket) { s.probes <- ws }
func (s *session) Post(ctx context.Context, p *transport.Post) {
	p.Revision3 = s.old
	if !p.Read() {
		return
	}
	if s.onPost != nil {
		s.onPost(ctx, p)
	}
	s.posts <- p
}

// dialer reaches a listener.
type dialer = func(ctx context.Context) (net.Conn, error)

// medium is a way for clients to reach a server.
type medium struct {
	name   string
	raw    bool // TryWrite works
	listen func(t *testing.T) (net.Listener, dialer)
}

func media() []medium {
	return []medium{
		{"tcp", true, listenTCP},
		{"tls", false, listenTLS},
		{"pipe", false, listenPipe},
	}
}

func listenTCP(t *testing.T) (net.Listener, dialer) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l, func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	}
}

func listenTLS(t *testing.T) (net.Listener, dialer) {
	t.Helper()
	certified := httptest.NewTLSServer(nil) // for its certificate
	config := certified.TLS.Clone()
	certified.Close()
	config.NextProtos = []string{"http/1.1"}
	l, dial := listenTCP(t)
	return tls.NewListener(l, config), func(ctx context.Context) (net.Conn, error) {
		conn, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}), nil
	}
}

// pipeListener accepts the ends of pipes.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func listenPipe(*testing.T) (net.Listener, dialer) {
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	return l, func(ctx context.Context) (net.Conn, error) {
		client, server := net.Pipe()
		select {
		case l.conns <- server:
			return client, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// server is a running http.Server with a transport.Handler.
type server struct {
	handler *transport.Handler
	client  *http.Client
	dial    func(ctx context.Context) (net.Conn, error)
}

func serve(t *testing.T, m medium, c transport.Config, s transport.Sessions, tune ...func(*http.Server)) *server {
	t.Helper()
	h, err := transport.NewHandler(c, s)
	require.NoError(t, err)
	listener, dial := m.listen(t)
	var conns sync.WaitGroup // whose goroutines may outlive Close: a server waits before it closes one that has unread input
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, ConnState: func(_ net.Conn, s http.ConnState) {
		switch s { //nolint:exhaustive // those between are of no interest
		case http.StateNew:
			conns.Add(1)
		case http.StateHijacked, http.StateClosed:
			conns.Done()
		}
	}}
	for _, f := range tune {
		f(srv)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(listener)
	}()
	dialAny := func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
	tr := &http.Transport{DialContext: dialAny, DialTLSContext: dialAny}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		_ = srv.Close()
		<-done
		conns.Wait()
	})
	return &server{handler: h, client: &http.Client{Transport: tr}, dial: dial}
}

func serveTCP(t *testing.T, c transport.Config, s transport.Sessions, tune ...func(*http.Server)) *server {
	t.Helper()
	return serve(t, media()[0], c, s, tune...)
}

// answer is an HTTP response, read.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request whose headers are pairs; Host is the header of that name.
func (s *server) do(t *testing.T, method, target, body string, headers ...string) answer {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://example.test"+target, reader)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := s.client.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header, string(content)}
}

// websocketHeaders are the headers of a websocket handshake.
func websocketHeaders(more ...string) []string {
	return append([]string{
		"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13",
		"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
	}, more...)
}

const socketTarget = "/io/?EIO=4&transport=websocket"

// dialWebSocket connects a websocket client that is no browser.
func (s *server) dialWebSocket(t *testing.T, target string, options *websocket.DialOptions) *websocket.Conn {
	t.Helper()
	if options == nil {
		options = &websocket.DialOptions{}
	}
	options.HTTPClient = s.client
	c, _, err := websocket.Dial(t.Context(), "ws://example.test"+target, options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// message is what a receiver got.
type message struct {
	binary bool
	data   []byte
}

// receiver hands everything to the test and writes control frames as they come.
type receiver struct {
	messages chan message
	controls chan []byte
	closed   chan error
	write    bool
	running  sync.WaitGroup
	spawned  atomic.Int32
	ends     atomic.Int32 // calls of Closed
}

// start begins to read ws; the end of its reader is awaited at the end of the test.
func start(t *testing.T, ws *transport.WebSocket) *receiver {
	t.Helper()
	r := &receiver{
		messages: make(chan message, 1024), controls: make(chan []byte, 16), closed: make(chan error, 2), write: true,
	}
	t.Cleanup(func() {
		ws.Abort()
		r.running.Wait()
		require.EqualValues(t, 1, r.ends.Load(), "Closed is called exactly once")
	})
	r.begin(ws)
	return r
}

func (r *receiver) begin(ws *transport.WebSocket) {
	ws.Start(r, func(_ string, fn func()) {
		r.spawned.Add(1)
		r.running.Go(fn)
	})
}

func (r *receiver) Message(_ *transport.WebSocket, binary bool, data []byte) {
	r.messages <- message{binary, data}
}

func (r *receiver) Control(ws *transport.WebSocket, frame []byte) {
	r.controls <- frame
	if r.write {
		_ = ws.WriteAll([][]byte{frame}, patience)
	}
}

func (r *receiver) Closed(_ *transport.WebSocket, err error) {
	r.ends.Add(1)
	r.closed <- err
}

// status sends a websocket handshake and gives the status of the answer; the connection is closed then.
func (s *server) status(t *testing.T, headers ...string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.test"+socketTarget, nil)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := s.client.Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}
