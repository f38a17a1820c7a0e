package hostile

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// answer is an HTTP answer that was read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// line is one HTTP connection that does exactly what a test wants.
type line struct {
	net.Conn

	r *bufio.Reader
}

func (h *host) line(t *testing.T) *line {
	t.Helper()
	conn := h.dial(t)
	return &line{conn, bufio.NewReader(conn)}
}

func (l *line) send(t *testing.T, method, target, headers, body string) {
	t.Helper()
	_, err := l.Write([]byte(request(method, target, headers, body)))
	require.NoError(t, err)
}

func (l *line) read() (answer, error) {
	response, err := http.ReadResponse(l.r, nil)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body)}, err
}

func (l *line) mustRead(t *testing.T) answer {
	t.Helper()
	a, err := l.read()
	require.NoError(t, err)
	return a
}

// ask makes one request with headers on a connection of its own.
func (h *host) ask(t *testing.T, method, target, headers, body string) answer {
	t.Helper()
	l := h.line(t)
	defer func() { _ = l.Close() }()
	if body != "" {
		headers += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	l.send(t, method, target, headers, body)
	return l.mustRead(t)
}

// poller is a session over polling, with one connection for each direction.
type poller struct {
	host      *host
	target    string
	get, post *line
	id        string // of its Socket.IO socket
	heard     string // a ping that came before or with the answer to the CONNECT
}

// poll opens a session over polling.
func (h *host) poll(t *testing.T) *poller {
	t.Helper()
	p := &poller{host: h, get: h.line(t), post: h.line(t)}
	p.get.send(t, http.MethodGet, overPoll, "", "")
	a := p.get.mustRead(t)
	require.Equal(t, http.StatusOK, a.status)
	var open struct{ SID string }
	require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(a.body, "0")), &open))
	p.target = overPoll + "&sid=" + open.SID
	t.Cleanup(p.leave)
	return p
}

// pollConnected opens a session over polling and a socket in the default namespace.
func (h *host) pollConnected(t *testing.T) *poller {
	t.Helper()
	p := h.poll(t)
	p.say(t, "40")
	for p.id == "" {
		for packet := range strings.SplitSeq(p.next(t), "\x1e") {
			if packet == "2" { // a short interval on a busy machine
				p.heard = packet
				continue
			}
			id, err := socketID(packet)
			require.NoError(t, err)
			p.id = id
		}
	}
	return p
}

// say posts packets.
func (p *poller) say(t *testing.T, packets ...string) {
	t.Helper()
	a := p.tell(t, strings.Join(packets, "\x1e"))
	require.Equal(t, answer{http.StatusOK, a.header, "ok"}, a)
}

// tell posts a body.
func (p *poller) tell(t *testing.T, body string) answer {
	t.Helper()
	p.begin(t, body)
	return p.post.mustRead(t)
}

func (p *poller) begin(t *testing.T, body string) {
	t.Helper()
	p.post.send(t, http.MethodPost, p.target, fmt.Sprintf("Content-Length: %d\r\n", len(body)), body)
}

// ask sends a GET, listen reads its answer; next does both, and so does hear, unless something was heard before.
func (p *poller) ask(t *testing.T) {
	t.Helper()
	p.get.send(t, http.MethodGet, p.target, "", "")
}

func (p *poller) listen(t *testing.T) string {
	t.Helper()
	a := p.get.mustRead(t)
	require.Equal(t, http.StatusOK, a.status, a.body)
	return a.body
}

func (p *poller) hear(t *testing.T) string {
	t.Helper()
	if heard := p.heard; heard != "" {
		p.heard = ""
		return heard
	}
	return p.next(t)
}

func (p *poller) next(t *testing.T) string {
	t.Helper()
	p.ask(t)
	return p.listen(t)
}

// echo proves that a client is served. A ping may come before the answer or with it.
func (p *poller) echo(t *testing.T, word string) {
	t.Helper()
	p.say(t, `42["echo","`+word+`"]`)
	heard := p.hear(t)
	if heard == "2" {
		heard = p.hear(t)
	}
	heard = strings.TrimSuffix(strings.TrimPrefix(heard, "2\x1e"), "\x1e2")
	require.Equal(t, `42["echo","`+word+`"]`, heard)
}

// over waits until the session is unknown.
func (p *poller) over(t *testing.T) {
	t.Helper()
	a := p.host.ask(t, http.MethodGet, p.target, "", "")
	require.Equal(t, http.StatusBadRequest, a.status)
	require.JSONEq(t, `{"code":1,"message":"Session ID unknown"}`, a.body)
}

// probe opens a candidate for the upgrade.
func (p *poller) probe(t *testing.T) *socket {
	t.Helper()
	return p.host.open(t, strings.Replace(p.target, "polling", "websocket", 1))
}

// chunked posts a body of unknown length.
func (h *host) chunked(t *testing.T, target string, size int) answer {
	t.Helper()
	l := h.line(t)
	defer func() { _ = l.Close() }()
	chunk := fmt.Sprintf("%x\r\n%s\r\n", size, strings.Repeat("4", size))
	l.send(t, http.MethodPost, target, "Transfer-Encoding: chunked\r\n", chunk)
	return l.mustRead(t)
}

func unmarshal(t *testing.T, data string, v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(data), v))
}

// leave ends a polling session, as its client would: with a close packet, and a GET that takes its answer.
func (p *poller) leave() {
	_, _ = p.get.Write([]byte(request(http.MethodGet, p.target, "", "")))
	_, _ = p.post.Write([]byte(request(http.MethodPost, p.target, "Content-Length: 1\r\n", "1")))
	_, _ = p.post.read()
}

// Close leaves, and closes the connections.
func (p *poller) Close() error {
	p.leave()
	return errors.Join(p.get.Close(), p.post.Close())
}

func newLine(conn net.Conn) *line { return &line{conn, bufio.NewReader(conn)} }

// do makes one request that must succeed.
func (l *line) do(method, target, body string) (string, error) {
	headers := ""
	if body != "" {
		headers = fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	if _, err := l.Write([]byte(request(method, target, headers, body))); err != nil {
		return "", err
	}
	a, err := l.read()
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("%s: status %d: %s", method, a.status, a.body)
	}
	return a.body, err
}

// sessionTarget reads the open packet.
func sessionTarget(body string) (string, error) {
	var open struct{ SID string }
	err := json.Unmarshal([]byte(strings.TrimPrefix(body, "0")), &open)
	return overPoll + "&sid=" + open.SID, err
}
