package jsserver

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/jsprocess"
)

// Options of a server. The zero value of each field is the default of socket.io.
type Options struct {
	// Port to listen at; 0: a free one.
	Port int
	// MsgPack makes socket.io-msgpack-parser the parser.
	MsgPack bool
	// Recovery turns connection state recovery on.
	Recovery   bool
	Transports []string
	// PingInterval and PingTimeout of the heartbeat.
	PingInterval, PingTimeout time.Duration
	MaxPayload                int
	// Cookie makes the server set a cookie with the handshake.
	Cookie bool
	// Deflate turns permessage-deflate on.
	Deflate bool
	// CertFile and KeyFile make it a server of TLS.
	CertFile, KeyFile string
}

// Server is a running server. All methods are safe for concurrent use.
type Server struct {
	process *jsprocess.Driven
	port    int
	secure  bool

	mutex  sync.Mutex
	events map[string][]jsclient.Args // that nobody has waited for yet, by name
	news   chan struct{}              // closed and replaced with each event
	ready  chan struct{}              // closed when the server listens
}

// Start starts a server, which listens when Start returns. The test fails at once when that fails.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	s := &Server{
		secure: o.CertFile != "",
		events: map[string][]jsclient.Args{}, news: make(chan struct{}), ready: make(chan struct{}),
	}
	s.process = jsprocess.Drive(tb, func(line []byte) { s.receive(tb, line) }, "fixtures/client-server.mjs", o.text(tb))
	timer := time.NewTimer(jsprocess.Startup)
	defer timer.Stop()
	select {
	case <-s.ready:
	case <-s.process.Ended():
		tb.Fatalf("jsserver: %v", s.process.Err())
	case <-timer.C:
		tb.Fatal("jsserver: the server did not say that it listens")
	}
	return s
}

// text is the argument of the script: what is zero is left out.
func (o Options) text(tb testing.TB) string {
	tb.Helper()
	type files struct {
		Cert string `json:"cert"`
		Key  string `json:"key"`
	}
	var parser string
	if o.MsgPack {
		parser = "msgpack"
	}
	var tls *files
	if o.CertFile != "" {
		tls = &files{o.CertFile, o.KeyFile}
	}
	text, err := json.Marshal(struct {
		Port         int      `json:"port,omitempty"`
		Parser       string   `json:"parser,omitempty"`
		Recovery     bool     `json:"recovery,omitempty"`
		Transports   []string `json:"transports,omitempty"`
		PingInterval int64    `json:"pingInterval,omitempty"`
		PingTimeout  int64    `json:"pingTimeout,omitempty"`
		MaxPayload   int      `json:"maxPayload,omitempty"`
		Cookie       bool     `json:"cookie,omitempty"`
		Deflate      bool     `json:"deflate,omitempty"`
		TLS          *files   `json:"tls,omitempty"`
	}{
		o.Port, parser, o.Recovery, o.Transports, o.PingInterval.Milliseconds(), o.PingTimeout.Milliseconds(), o.MaxPayload,
		o.Cookie, o.Deflate, tls,
	})
	if err != nil {
		tb.Fatalf("jsserver: %v", err)
	}
	return string(text)
}

// receive runs for each event of the process, one after another.
func (s *Server) receive(tb testing.TB, line []byte) {
	tb.Helper()
	var m struct {
		Listening int
		Event     string
		Args      jsclient.Args
	}
	if err := json.Unmarshal(line, &m); err != nil {
		tb.Errorf("jsserver: the script wrote %q: %v", line, err)
		return
	}
	if m.Listening != 0 {
		s.port = m.Listening
		close(s.ready)
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.events[m.Event] = append(s.events[m.Event], m.Args)
	close(s.news)
	s.news = make(chan struct{})
}

// Port is where the server listens.
func (s *Server) Port() int { return s.port }

// URL is where clients connect.
func (s *Server) URL() string {
	if s.secure {
		return fmt.Sprintf("https://127.0.0.1:%d", s.port)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", s.port)
}

// Kill ends the process without a farewell and waits until it has ended.
func (s *Server) Kill() {
	_ = s.process.Signal(os.Kill) // an error means that it has ended already
	<-s.process.Ended()
}

// Stall stops the process until Resume, connections and all.
func (s *Server) Stall() error { return s.process.Signal(syscall.SIGSTOP) }

// Resume lets a stalled process go on.
func (s *Server) Resume() error { return s.process.Signal(syscall.SIGCONT) }

// request is a line to the script.
type request struct {
	Command   string `json:"cmd"`
	Namespace string `json:"namespace,omitempty"`
	Event     string `json:"event,omitempty"`
	Args      []any  `json:"args,omitempty"`
	N         int    `json:"n,omitempty"`
}

// Emit sends an event to all sockets of a namespace; "" is "/".
func (s *Server) Emit(ctx context.Context, namespace, event string, args ...any) error {
	return s.process.Call(ctx, request{Command: "emit", Namespace: namespace, Event: event, Args: jsclient.Tag(args)}, nil)
}

// EmitNumbers sends an event n times, with the numbers from 0 on.
func (s *Server) EmitNumbers(ctx context.Context, event string, n int) error {
	return s.process.Call(ctx, request{Command: "emit", Event: event, N: n}, nil)
}

// Counted are the numbers that clients have sent with "count" and "silent", in the order in which they came.
func (s *Server) Counted(ctx context.Context) (numbers []int, err error) {
	err = s.process.Call(ctx, request{Command: "counted"}, &numbers)
	return numbers, err
}

// Cut ends all connections of TCP without a farewell.
func (s *Server) Cut(ctx context.Context) error {
	return s.process.Call(ctx, request{Command: "cut"}, nil)
}

// Socket is a client as the server sees it.
type Socket struct {
	ID        string
	Transport string
	Recovered bool
	Auth      json.RawMessage
	Headers   map[string]string
	Query     map[string]string
}

// Sockets are the clients of a namespace; "" is "/".
func (s *Server) Sockets(ctx context.Context, namespace string) (sockets []Socket, err error) {
	err = s.process.Call(ctx, request{Command: "sockets", Namespace: namespace}, &sockets)
	return sockets, err
}

// Request is a request of HTTP that came.
type Request struct {
	Method, URL string
	Headers     map[string]string
}

// Requests are those that came since the last time.
func (s *Server) Requests(ctx context.Context) (requests []Request, err error) {
	err = s.process.Call(ctx, request{Command: "requests"}, &requests)
	return requests, err
}

// WaitEvent returns the arguments of the oldest event of that name that no WaitEvent has returned yet, and waits for one if
// there is none.
func (s *Server) WaitEvent(ctx context.Context, name string) (jsclient.Args, error) {
	ctx, cancel := context.WithTimeout(ctx, jsprocess.Patience)
	defer cancel()
	for {
		args, news := s.take(name)
		if args != nil {
			return args, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, fmt.Errorf("jsserver: wait for %q: %w", name, context.Cause(ctx))
		case <-s.process.Ended():
			return nil, s.process.Err()
		}
	}
}

// take removes the oldest event of that name, or returns the channel that the next event closes.
func (s *Server) take(name string) (jsclient.Args, <-chan struct{}) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	queue := s.events[name]
	if len(queue) == 0 {
		return nil, s.news
	}
	s.events[name] = queue[1:]
	return queue[0], nil
}
