package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/suitehost"
)

// engineIO is the server of the suite of engine.io-client: it echoes, with a small maxPayload and short pings.
func engineIO(context.Context) (suitehost.Server, error) {
	s := &engineServer{}
	engine, err := actio.NewEngine(actio.EngineConfig{
		EngineOptions: actio.EngineOptions{
			Path: "/engine.io", PingInterval: 500 * time.Millisecond, MaxPayload: 100,
			AllowRequest: func(r *http.Request) error {
				if r.URL.Query().Has("deny") {
					return errors.New("denied")
				}
				return nil
			},
			InitialHeaders: setCookies,
		},
		Logger:    suitehost.Logger(),
		OnSession: s.opened,
	})
	s.Engine = engine
	return s, err
}

// engineServer keeps the headers of each session's last POST, which the suite asks for.
type engineServer struct {
	*actio.Engine

	posts sync.Map // session id -> http.Header
}

// setCookies gives cookies with each handshake: two for a day or for the session, one that is over, one that ends now.
func setCookies(h http.Header, _ *http.Request) {
	for _, cookie := range []http.Cookie{
		{Name: "1", Value: "1", MaxAge: 86_400},
		{Name: "2", Value: "2", Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode},
		{Name: "3", Value: "3", MaxAge: -1},
		{Name: "4", Value: "4", Expires: time.Now()},
	} {
		h.Add("Set-Cookie", cookie.String())
	}
}

// ServeHTTP keeps what the suite asks for.
func (s *engineServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		s.posts.Store(r.URL.Query().Get("sid"), r.Header.Clone())
	}
	s.Engine.ServeHTTP(w, r)
}

func (s *engineServer) opened(session *actio.EngineSession) {
	session.OnMessage(func(binary bool, data []byte) {
		switch text := string(data); {
		case binary:
			session.SendBinary(data)
		case text == "give binary":
			session.SendBinary([]byte{0, 1, 2, 3, 4})
		case text == "give utf8":
			session.Send("пойду спать всем спокойной ночи")
		case text == "sendHeaders":
			session.Send(s.headers(session.ID()))
		default:
			session.Send(text)
		}
	})
	session.OnClose(func(actio.Reason) { s.posts.Delete(session.ID()) })
	session.Send("hi")
}

// headers are those of the last POST of a session, as JSON with names in lower case.
func (s *engineServer) headers(sid string) string {
	headers := make(map[string]string)
	if kept, ok := s.posts.Load(sid); ok {
		for name, values := range kept.(http.Header) { //nolint:forcetypeassert // nothing else is stored
			headers[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	text, err := json.Marshal(headers)
	suitehost.Report(err)
	return string(text)
}
