package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// How a session ends, wrapped with context. What is none of these is a transport error.
var (
	// ErrClosed: Close or Abort was called.
	ErrClosed = errors.New("session closed")
	// ErrServerClosed: the server closed the session in good order.
	ErrServerClosed = errors.New("closed by the server")
	// ErrPingTimeout: the server's heartbeat did not come within pingInterval + pingTimeout.
	ErrPingTimeout = errors.New("ping timeout")
	// ErrProtocol: the server does not speak Engine.IO 4.
	ErrProtocol = errors.New("protocol error")
	// ErrTooBig: the server sent more than MaxMessage at once.
	ErrTooBig = errors.New("message too big")
)

// StatusError is a request that the server answered with an error.
type StatusError struct {
	// Status of HTTP.
	Status int
	// Code and Message of the engine; Message is empty when the answer is of somebody else, a proxy for instance.
	Code    int
	Message string
}

// Error implements error.
func (e *StatusError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("status %d", e.Status)
	}
	return fmt.Sprintf("status %d: %s (code %d)", e.Status, e.Message, e.Code)
}

// withoutURL takes the URL out of an error of net/http: its query may have tokens, and errors are logged.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// mostOfError bounds what is read of the answer to a refused request, in bytes.
const mostOfError = 4 << 10

// statusError reads the reason that engines give as {"code": …, "message": …}.
func statusError(r *http.Response) error {
	e := &StatusError{Status: r.StatusCode}
	if r.Body == nil {
		return e
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, mostOfError))
	if err != nil {
		return e
	}
	var reason struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &reason) == nil {
		e.Code, e.Message = reason.Code, reason.Message
	}
	return e
}
