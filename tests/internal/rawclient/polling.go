package rawclient

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/actio-go/actio/wire"
)

// polling is a session over HTTP: one connection for its GETs and one for its POSTs, as a browser does, kept alive.
type polling struct {
	address string
	options Options
	sid     string

	get, post exchange
}

// exchange is one HTTP connection; one request at a time.
type exchange struct {
	busy sync.Mutex

	mutex  sync.Mutex // guards what follows
	conn   *net.TCPConn
	reader *bufio.Reader
	closed bool
}

func (p *polling) send(packets []string) error {
	status, answer, err := p.post.do(p, "POST", strings.Join(packets, string(rune(wire.PayloadSeparator))))
	switch {
	case err != nil:
		return &EndError{End{Cause: err}}
	case status != http.StatusOK:
		return &EndError{End{Status: status, Cause: errors.New(string(answer))}}
	default:
		return nil
	}
}

func (p *polling) receive() ([]wire.EnginePacket, error) {
	status, body, err := p.get.do(p, "GET", "")
	switch {
	case err != nil:
		return nil, &EndError{End{Cause: err}}
	case status != http.StatusOK:
		return nil, &EndError{End{Status: status, Cause: errors.New(string(body))}}
	default:
		return decodePayload(body)
	}
}

func (p *polling) leave() error { return p.send([]string{"1"}) }

func (p *polling) reset() {
	p.get.end(true)
	p.post.end(true)
}

func (p *polling) close() {
	p.get.end(false)
	p.post.end(false)
}

// do makes one request and returns its answer.
func (e *exchange) do(p *polling, method, body string) (status int, answer []byte, err error) {
	e.busy.Lock()
	defer e.busy.Unlock()
	conn, reader, err := e.connection(p)
	if err != nil {
		return 0, nil, err
	}
	target := p.options.Path + "?EIO=4&transport=polling"
	if p.sid != "" {
		target += "&sid=" + p.sid
	}
	_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%s",
		method, target, p.address, len(body), body)
	if err != nil {
		return 0, nil, err
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// connection returns the connection, opened anew when it is the first use.
func (e *exchange) connection(p *polling) (*net.TCPConn, *bufio.Reader, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.closed {
		return nil, nil, net.ErrClosed
	}
	if e.conn == nil {
		conn, err := dial(p.address, p.options)
		if err != nil {
			return nil, nil, err
		}
		e.conn, e.reader = conn, bufio.NewReaderSize(conn, 512)
	}
	return e.conn, e.reader, e.conn.SetDeadline(time.Now().Add(Patience))
}

// end closes the connection, whoever uses it.
func (e *exchange) end(reset bool) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.closed = true
	if e.conn == nil {
		return
	}
	if reset {
		_ = e.conn.SetLinger(0)
	}
	_ = e.conn.Close()
}
