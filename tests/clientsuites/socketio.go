package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/suitehost"
)

// handshakeDelay is what the suite needs to see a client give up a connection that is not open yet.
const handshakeDelay = 10 * time.Millisecond

// socketIO is the server of the suite of socket.io-client.
func socketIO(ctx context.Context) (suitehost.Server, error) {
	server, err := actio.New(actio.Options{
		Engine: actio.EngineOptions{
			Path: "/socket.io", PingInterval: 2 * time.Second,
			AllowRequest: func(r *http.Request) error {
				select {
				case <-time.After(handshakeDelay):
				case <-r.Context().Done():
				}
				return nil
			},
		},
		Recovery:         actio.RecoveryOptions{Enabled: true},
		NoAuthentication: true, Logger: suitehost.Logger(),
	})
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"/timeout_socket", "/valid", "/asd"} {
		_, there := server.Of(name)
		err = errors.Join(err, there)
	}
	server.Root().Use(func(_ context.Context, s *actio.Socket) error {
		if s.Handshake().Query().Has("fail") {
			return errors.New("Auth failed (main namespace)") //nolint:staticcheck // the suite's text
		}
		return nil
	})
	no, there := server.Of("/no")
	err = errors.Join(err, there)
	no.Use(func(context.Context, *actio.Socket) error {
		return errors.New("Auth failed (custom namespace)") //nolint:staticcheck // the suite's text
	})
	foo, there := server.Of("/foo")
	err = errors.Join(err, there, foo.Handle("getId", replyID))
	abc, there := server.Of("/abc")
	err = errors.Join(err, there)
	abc.OnConnection(func(_ context.Context, s *actio.Socket) {
		suitehost.Report(s.Emit("handshake", handshakeOf(s)))
	})
	return server, errors.Join(err, handleAll(server.Root()), server.Configure(ctx))
}

// handleAll adds the events of the default namespace.
func handleAll(root *actio.Namespace) error {
	var problems []error
	for event, handler := range map[string]actio.HandlerFunc{
		"hi":         emit("hi"),
		"echo":       func(_ context.Context, _ *actio.Socket, e *actio.Event) { suitehost.Report(e.Reply(first(e))) },
		"ack":        askBack,
		"getAckDate": func(_ context.Context, _ *actio.Socket, e *actio.Event) { suitehost.Report(e.Reply(time.Now())) },
		"getDate": func(_ context.Context, s *actio.Socket, _ *actio.Event) {
			suitehost.Report(s.Emit("takeDate", time.Now()))
		},
		"getDateObj": func(_ context.Context, s *actio.Socket, _ *actio.Event) {
			suitehost.Report(s.Emit("takeDateObj", dated{time.Now()}))
		},
		"getUtf8":      emitTexts,
		"false":        emit("false", false),
		"doge":         emit("doge", []byte("asdfasdf")),
		"getbin":       emit("takebin", []byte("asdfasdf")),
		"getHandshake": func(_ context.Context, s *actio.Socket, e *actio.Event) { suitehost.Report(e.Reply(handshakeOf(s))) },
		"getId":        replyID,
	} {
		problems = append(problems, root.Handle(event, handler))
	}
	return errors.Join(append(problems, handleBinary(root))...)
}

// dated is an object with a date, which is a string in JSON.
type dated struct {
	Date time.Time `json:"date"`
}

func emit(event string, args ...any) actio.HandlerFunc {
	return func(_ context.Context, s *actio.Socket, _ *actio.Event) { suitehost.Report(s.Emit(event, args...)) }
}

// first is the first argument of an event, whatever it is.
func first(e *actio.Event) any {
	var v any
	if e.Args.Len() > 0 {
		suitehost.Report(e.Args.Decode(0, &v))
	}
	return v
}

func replyID(_ context.Context, s *actio.Socket, e *actio.Event) { suitehost.Report(e.Reply(s.ID())) }

// askBack emits an event that the client acknowledges with 5 and an object, and says when it did. It does not keep the
// client's next events waiting for the answer: some tests never give one, and go on.
func askBack(ctx context.Context, s *actio.Socket, _ *actio.Event) { go ask(ctx, s) }

func ask(ctx context.Context, s *actio.Socket) {
	answer, err := s.EmitWithAck(ctx, "ack")
	if err != nil {
		return // the client has left without an answer
	}
	var number int
	var object struct{ Test bool }
	if err := answer.DecodeAll(&number, &object); err == nil && number == 5 && object.Test {
		suitehost.Report(s.Emit("got it"))
	}
}

func emitTexts(_ context.Context, s *actio.Socket, _ *actio.Event) {
	for _, text := range []string{"てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"} {
		suitehost.Report(s.Emit("takeUtf8", text))
	}
}

// handshake is what the suite reads of a handshake.
type handshake struct {
	Headers map[string]string `json:"headers"`
	Query   map[string]string `json:"query"`
	Auth    json.RawMessage   `json:"auth"`
	Time    time.Time         `json:"time"`
	Address string            `json:"address"`
	URL     string            `json:"url"`
	Secure  bool              `json:"secure"`
	XDomain bool              `json:"xdomain"`
}

func handshakeOf(s *actio.Socket) handshake {
	h := s.Handshake()
	w := handshake{
		Headers: make(map[string]string), Query: make(map[string]string), Auth: h.Auth, Time: h.Issued,
		Address: h.RemoteAddr, URL: h.RequestURI, Secure: h.Secure, XDomain: h.XDomain,
	}
	for name := range h.Header() {
		w.Headers[name] = h.Header().Get(name)
	}
	for name := range h.Query() {
		w.Query[name] = h.Query().Get(name)
	}
	if w.Auth == nil {
		w.Auth = json.RawMessage("{}")
	}
	return w
}
