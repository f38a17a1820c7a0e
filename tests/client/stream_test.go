package client_test

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/actio-go/actio/client"
)

// stream is a server without a network, for the bubbles of synctest: it opens a session, confirms the namespace and then sends
// numbered events as fast as the client reads them. It is the RoundTripper of the client.
type stream struct {
	event  string
	events int
	posts  chan string  // takes what is posted, and holds the POST until the test has it; nil: nobody wants it
	sent   atomic.Int32 // events that the client has taken off the wire
	gets   atomic.Int32
}

// saying is the n-th message of the stream.
func (s *stream) saying(n int) string {
	switch n {
	case 0:
		return `0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100}`
	case 1:
		return `40{"sid":"b"}`
	default:
		return fmt.Sprintf("42[%q,%d]", s.event, n-2)
	}
}

// length is the number of messages.
func (s *stream) length() int { return s.events + 2 }

func (s *stream) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case r.URL.Query().Get("transport") == string(client.WebSocket):
		response, conn := switched(r)
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		go s.write(conn)
		return response, nil
	case r.Method == http.MethodPost:
		return s.post(r)
	}
	n := int(s.gets.Add(1)) - 1
	if n >= s.length() {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	s.noteSent(n)
	return answered(s.saying(n)), nil
}

func (s *stream) post(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil || s.posts == nil {
		return answered("ok"), err
	}
	select {
	case s.posts <- string(body):
		return answered("ok"), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// write sends all messages; a pipe takes none before the other end reads it.
func (s *stream) write(conn net.Conn) {
	for n := range s.length() {
		text := s.saying(n)
		frame := append([]byte{0x81, byte(len(text))}, text...) // shorter than 126 bytes, not masked
		if _, err := conn.Write(frame); err != nil {
			return
		}
		s.noteSent(n)
	}
}

func (s *stream) noteSent(n int) {
	if n >= 2 {
		s.sent.Add(1)
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
