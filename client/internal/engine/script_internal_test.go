package engine

import (
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client/internal/clock"
)

// script is a server without a network, for the bubbles of synctest: each GET takes the next of the answers, each POST waits
// until the test has taken it.
type script struct {
	answers chan string
	posts   chan string
	upgrade func(r *http.Request) (*http.Response, error)
}

// bubbled begins a script with its handshake. It is called in the bubble.
func bubbled(t *testing.T) (*script, *Options) {
	t.Helper()
	s := &script{answers: make(chan string, 100), posts: make(chan string)}
	s.answers <- opening
	u, err := url.Parse("http://server.test/")
	require.NoError(t, err)
	return s, &Options{
		URL: u, Transports: []Transport{Polling}, HTTP: &http.Client{Transport: s}, MaxMessage: 1000, Clock: &clock.Clock{},
	}
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("transport") == string(WebSocket) {
		return s.upgrade(r)
	}
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		select {
		case s.posts <- string(body):
			return answered("ok"), nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	select {
	case answer := <-s.answers:
		return answered(answer), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func answered(body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body))}
}

// switched is the answer that makes a websocket of a request, and the server's end of it.
func switched(r *http.Request) (*http.Response, net.Conn) {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" // RFC 6455
	key := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + guid))
	ours, theirs := net.Pipe()
	return &http.Response{
		StatusCode: http.StatusSwitchingProtocols, Body: theirs,
		Header: http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
			"Sec-Websocket-Accept": {base64.StdEncoding.EncodeToString(key[:])},
		},
	}, ours
}
