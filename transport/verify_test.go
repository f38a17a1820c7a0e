package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/transport"
)

const (
	bodyUnknownTransport = `{"code":0,"message":"Transport unknown"}`
	bodyUnknownSID       = `{"code":1,"message":"Session ID unknown"}`
	bodyBadMethod        = `{"code":2,"message":"Bad handshake method"}`
	bodyBadRequest       = `{"code":3,"message":"Bad request"}`
	bodyForbidden        = `{"code":4,"message":"Forbidden"}`
	bodyTooMany          = `{"code":3,"message":"Too many requests"}`
	bodyBadProtocol      = `{"code":5,"message":"Unsupported protocol version"}`
)

func TestHandler_RefusedRequest_AnswersStatusAndJSON(t *testing.T) {
	s := newSessions()
	s.known["here"] = newSession()
	srv := serveTCP(t, transport.Config{}, s)
	upgrade := websocketHeaders()
	for _, test := range []struct {
		name, method, target string
		headers              []string
		body                 string
	}{
		{"no transport", "GET", "/io/?EIO=4", nil, bodyUnknownTransport},
		{"unknown transport", "GET", "/io/?EIO=4&transport=webtransport", nil, bodyUnknownTransport},
		{"object member as transport", "GET", "/io/?EIO=4&transport=constructor", nil, bodyUnknownTransport},
		{"transport before sid", "GET", "/io/?EIO=4&transport=x&sid=none", nil, bodyUnknownTransport},
		{"transport before method", "POST", "/io/?EIO=4&transport=x", nil, bodyUnknownTransport},
		{"unknown sid GET", "GET", "/io/?EIO=4&transport=polling&sid=none", nil, bodyUnknownSID},
		{"unknown sid POST", "POST", "/io/?EIO=4&transport=polling&sid=none", nil, bodyUnknownSID},
		{"object member as sid", "GET", "/io/?EIO=4&transport=polling&sid=__proto__", nil, bodyUnknownSID},
		{"unknown sid PUT: sid before method", "PUT", "/io/?EIO=4&transport=polling&sid=none", nil, bodyUnknownSID},
		{"unknown sid websocket", "GET", socketTarget + "&sid=none", upgrade, bodyUnknownSID},
		{"POST without sid", "POST", "/io/?EIO=4&transport=polling", nil, bodyBadMethod},
		{"PUT without sid", "PUT", "/io/?EIO=4&transport=polling", nil, bodyBadMethod},
		{"OPTIONS without CORS", "OPTIONS", "/io/?EIO=4&transport=polling", nil, bodyBadMethod},
		{"method before protocol", "POST", "/io/?EIO=3&transport=polling", nil, bodyBadMethod},
		{"no protocol", "GET", "/io/?transport=polling", nil, bodyBadProtocol},
		{"old protocol", "GET", "/io/?EIO=3&transport=polling", nil, bodyBadProtocol},
		{"new protocol", "GET", "/io/?EIO=5&transport=polling", nil, bodyBadProtocol},
		{"protocol is no number", "GET", "/io/?EIO=abc&transport=polling", nil, bodyBadProtocol},
		{"old protocol websocket", "GET", "/io/?EIO=3&transport=websocket", upgrade, bodyBadProtocol},
		{"websocket without upgrade", "GET", socketTarget, nil, bodyBadRequest},
		{"websocket with sid, without upgrade", "GET", socketTarget + "&sid=here", nil, bodyBadRequest},
		{"polling with upgrade", "GET", "/io/?EIO=4&transport=polling", upgrade, bodyBadRequest},
		{"polling with sid and upgrade", "GET", "/io/?EIO=4&transport=polling&sid=here", upgrade, bodyBadRequest},
		{"PUT with sid", "PUT", "/io/?EIO=4&transport=polling&sid=here", nil, bodyBadRequest},
		{"DELETE with sid", "DELETE", "/io/?EIO=4&transport=polling&sid=here", nil, bodyBadRequest},
		{"websocket version", "GET", socketTarget, []string{
			"Connection", "upgrade", "Upgrade", "websocket",
			"Sec-WebSocket-Version", "8", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
		}, bodyBadRequest},
		{"websocket key", "GET", socketTarget, []string{
			"Connection", "keep-alive, Upgrade", "Upgrade", "websocket",
			"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "short",
		}, bodyBadRequest},
		{"websocket from another origin", "GET", socketTarget, append([]string{"Origin", "https://evil.test"}, upgrade...), bodyForbidden},
		{"probe from another origin", "GET", socketTarget + "&sid=here", append([]string{"Origin", "https://evil.test"}, upgrade...), bodyForbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := srv.do(t, test.method, test.target, "", test.headers...)
			status := http.StatusBadRequest
			if test.body == bodyForbidden {
				status = http.StatusForbidden
			}
			assert.Equal(t, status, got.status)
			assert.Equal(t, test.body, got.body)
			assert.Equal(t, "application/json", got.header.Get("Content-Type"))
			assert.Empty(t, got.header.Get("Access-Control-Allow-Origin"))
		})
	}
	assert.Empty(t, s.handshake, "a refused request opens nothing")
}

func TestHandler_HEADWithSID_AnswersBadRequestWithoutBody(t *testing.T) {
	s := newSessions()
	s.known["here"] = newSession()
	got := serveTCP(t, transport.Config{}, s).do(t, "HEAD", "/io/?EIO=4&transport=polling&sid=here", "")
	assert.Equal(t, http.StatusBadRequest, got.status)
	assert.Empty(t, got.body)
}

func TestHandler_TransportSwitchedOff_IsUnknown(t *testing.T) {
	s := newSessions()
	s.known["here"] = newSession()
	srv := serveTCP(t, transport.Config{Transports: []transport.Kind{transport.Polling}, DisableUpgrades: true}, s)
	assert.JSONEq(t, bodyUnknownTransport, srv.do(t, "GET", socketTarget, "", websocketHeaders()...).body)
	assert.Equal(t, http.StatusOK, srv.do(t, "GET", "/io/?EIO=4&transport=polling", "").status)

	srv = serveTCP(t, transport.Config{DisableUpgrades: true}, s)
	assert.JSONEq(t, bodyBadRequest, srv.do(t, "GET", socketTarget+"&sid=here", "", websocketHeaders()...).body)
}

func TestHandler_Refusals_MapToStatus(t *testing.T) {
	secret := errors.New("database password is hunter2")
	for _, test := range []struct {
		name       string
		err        error
		status     int
		body       string
		retryAfter string
	}{
		{"draining", transport.ErrDraining, 503, `{"code":3,"message":"Service unavailable"}`, "1"},
		{"forbidden", transport.Forbidden("no entry"), 403, `{"code":4,"message":"no entry"}`, ""},
		{"limit", fmt.Errorf("wrapped: %w", transport.ErrTooManyConnections), 503, `{"code":3,"message":"Service unavailable"}`, "5"},
		{"unauthenticated", transport.ErrTooManyUnauthenticated, 503, `{"code":3,"message":"Service unavailable"}`, "5"},
		{"of one address", transport.ErrTooManyOfClient, 429, bodyTooMany, "5"},
		{"too fast", transport.ErrTooFast, 429, bodyTooMany, "1"},
		{"one address too fast", fmt.Errorf("wrapped: %w", transport.ErrClientTooFast), 429, bodyTooMany, "1"},
		{
			"own", fmt.Errorf("wrapped: %w", &transport.Error{Status: 429, Code: 3, Message: "Slow \"down\"", RetryAfter: 1500 * time.Millisecond}),
			429, `{"code":3,"message":"Slow \"down\""}`, "2",
		},
		{"other", secret, 500, `{"code":3,"message":"Internal error"}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			full, ended := newSessions(), newSessions()
			full.full = test.err
			ended.open = func(*transport.Handshake, transport.Link) error { return test.err }
			for _, got := range []answer{
				serveTCP(t, transport.Config{}, full).do(t, "GET", "/io/?EIO=4&transport=polling", ""),
				serveTCP(t, transport.Config{}, full).do(t, "GET", socketTarget, "", websocketHeaders()...),
				serveTCP(t, transport.Config{}, ended).do(t, "GET", "/io/?EIO=4&transport=polling", ""),
				serveTCP(t, transport.Config{}, admitting{newSessions(), test.err}).do(t, "GET", "/io/?EIO=4&transport=polling", ""),
				serveTCP(t, transport.Config{}, admitting{newSessions(), test.err}).do(t, "GET", socketTarget, "", websocketHeaders()...),
			} {
				assert.Equal(t, test.status, got.status)
				assert.Equal(t, test.body, got.body)
				assert.Equal(t, test.retryAfter, got.header.Get("Retry-After"))
			}
		})
	}
}

func TestHandler_AllowRequest_DecidesAboutHandshakesOnly(t *testing.T) {
	s := newSessions()
	known := newSession()
	s.known["here"] = known
	var refused []int
	srv := serveTCP(t, transport.Config{
		AllowRequest: func(r *http.Request) error {
			switch r.Header.Get("X-Case") {
			case "plain":
				return errors.New("not on Sundays")
			case "empty":
				return errors.New("")
			case "message":
				return transport.Forbidden("no entry")
			}
			return nil
		},
		Refused: func(_ *http.Request, e *transport.Error) { refused = append(refused, e.Code) },
	}, s)

	got := srv.do(t, "GET", "/io/?EIO=4&transport=polling", "", "X-Case", "plain")
	assert.Equal(t, http.StatusForbidden, got.status)
	assert.JSONEq(t, `{"code":4,"message":"not on Sundays"}`, got.body, "as Node's engine.io answers")
	got = srv.do(t, "GET", socketTarget, "", websocketHeaders("X-Case", "message")...)
	assert.Equal(t, http.StatusForbidden, got.status)
	assert.JSONEq(t, `{"code":4,"message":"no entry"}`, got.body)
	assert.JSONEq(t, bodyForbidden, srv.do(t, "GET", "/io/?EIO=4&transport=polling", "", "X-Case", "empty").body)
	assert.Equal(t, []int{4, 4, 4}, refused)

	known.onPost = func(_ context.Context, p *transport.Post) { p.Done() }
	assert.Equal(t, "ok", srv.do(t, "POST", "/io/?EIO=4&transport=polling&sid=here", "4hi", "X-Case", "plain").body)
}

func TestHandler_HeadersOverTheLimit_Answers431(t *testing.T) {
	srv := serveTCP(t, transport.Config{MaxHeaderBytes: 512}, newSessions())
	assert.Equal(t, http.StatusOK, srv.do(t, "GET", "/io/?EIO=4&transport=polling", "").status)
	got := srv.do(t, "GET", "/io/?EIO=4&transport=polling", "", "X-Big", string(make512()))
	assert.Equal(t, http.StatusRequestHeaderFieldsTooLarge, got.status)
}

func make512() []byte {
	b := make([]byte, 512)
	for i := range b {
		b[i] = 'a'
	}
	return b
}

func TestHandler_Path_MatchesBySegment(t *testing.T) {
	for _, test := range []struct {
		config, path string
		match        bool
	}{
		{"", "/io", true},
		{"", "/io/", true},
		{"", "/io/x/y", true},
		{"", "/ios", false},
		{"", "/ios/", false},
		{"", "/iota/io", false},
		{"", "/", false},
		{"", "/IO/", false},
		{"", "/x/io/", false},
		{"/io/", "/io", true},
		{"/io/", "/io/", true},
		{"/io/", "/ios", false},
		{"/a/socket.io", "/a/socket.io/", true},
		{"/a/socket.io", "/a/socketXio/", false},
		{"/", "/", true},
		{"/", "/anything", true},
	} {
		t.Run(test.config+" "+test.path, func(t *testing.T) {
			h, err := transport.NewHandler(transport.Config{Path: test.config}, newSessions())
			require.NoError(t, err)
			assert.Equal(t, test.match, h.Matches(test.path))

			h.Fallback = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, test.path+"?EIO=4&transport=polling", nil))
			assert.Equal(t, map[bool]int{true: 200, false: 418}[test.match], w.Code)

			h.Fallback = nil
			w = httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, test.path+"?EIO=4&transport=polling", nil))
			assert.Equal(t, map[bool]int{true: 200, false: 404}[test.match], w.Code)
		})
	}
}

func TestHandler_OriginWithControlCharacter_IsBadRequest(t *testing.T) {
	h, err := transport.NewHandler(transport.Config{}, newSessions())
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodGet, "/io/?EIO=4&transport=polling", nil)
	r.Header["Origin"] = []string{"https://a.test\x01"}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.Equal(t, http.StatusBadRequest, w.Code)
	assert.JSONEq(t, bodyBadRequest, w.Body.String())
}

func TestHandler_ServerThatCannotHijack_AnswersInternalError(t *testing.T) {
	h, err := transport.NewHandler(transport.Config{}, newSessions())
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodGet, socketTarget, nil)
	headers := websocketHeaders()
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.Equal(t, http.StatusInternalServerError, w.Code)
}
