package transport

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Error is an answer that refuses a request: an HTTP status and the JSON body {"code":Code,"message":Message}.
// Values are immutable once used. They
// may be returned (also wrapped) by Sessions.Open, Admitter.Admit and Config.AllowRequest, and be given to Poll.Reject
// and Post.Reject.
type Error struct {
	Status     int           // HTTP status
	Code       int           // Engine.IO error code, 0 to 5
	Message    string        // seen by the client
	RetryAfter time.Duration // Retry-After header, in whole seconds, rounded up; 0 sends none
	Empty      bool          // the answer has no body
}

// Error gives status, code and message.
func (e *Error) Error() string {
	return fmt.Sprintf("transport: request refused: %d, code %d: %s", e.Status, e.Code, e.Message)
}

// UnknownTransport is code 0: the transport is missing, unknown or switched off.
func UnknownTransport() *Error {
	return &Error{Status: http.StatusBadRequest, Code: 0, Message: "Transport unknown"}
}

// UnknownSID is code 1: no session has this id (any more).
func UnknownSID() *Error {
	return &Error{Status: http.StatusBadRequest, Code: 1, Message: "Session ID unknown"}
}

// BadHandshakeMethod is code 2: a request without sid that is not a GET.
func BadHandshakeMethod() *Error {
	return &Error{Status: http.StatusBadRequest, Code: 2, Message: "Bad handshake method"}
}

// BadRequest is code 3: everything that has no code of its own.
func BadRequest() *Error {
	return &Error{Status: http.StatusBadRequest, Code: 3, Message: "Bad request"}
}

// Forbidden is code 4 with status 403. An empty message is "Forbidden".
func Forbidden(message string) *Error {
	if message == "" {
		message = "Forbidden"
	}
	return &Error{Status: http.StatusForbidden, Code: 4, Message: message}
}

// UnsupportedProtocol is code 5: the EIO parameter of a handshake is not 4, nor 3 where that is allowed.
func UnsupportedProtocol() *Error {
	return &Error{Status: http.StatusBadRequest, Code: 5, Message: "Unsupported protocol version"}
}

// noJSONP refuses a transport of old browsers, which no client needs that has XMLHttpRequest.
func noJSONP() *Error {
	return &Error{Status: http.StatusBadRequest, Code: 3, Message: "JSONP is not supported"}
}

// Unavailable is code 3 with status 503: try again after the given time.
func Unavailable(retryAfter time.Duration) *Error {
	return &Error{Status: http.StatusServiceUnavailable, Code: 3, Message: "Service unavailable", RetryAfter: retryAfter}
}

// TooManyRequests is code 3 with status 429: this client, or all of them together, came too often. Try again after the given
// time.
func TooManyRequests(retryAfter time.Duration) *Error {
	return &Error{Status: http.StatusTooManyRequests, Code: 3, Message: "Too many requests", RetryAfter: retryAfter}
}

// payloadTooLarge answers a body over Config.MaxPayload; it has no body, as in the Engine.IO server of Node.
func payloadTooLarge() *Error {
	return &Error{Status: http.StatusRequestEntityTooLarge, Code: 3, Message: "Payload too large", Empty: true}
}

// headersTooLarge answers a handshake over Config.MaxHeaderBytes.
func headersTooLarge() *Error {
	return &Error{Status: http.StatusRequestHeaderFieldsTooLarge, Code: 3, Message: "Request header fields too large"}
}

// internal answers what failed for a reason that is nobody's business outside.
func internal() *Error {
	return &Error{Status: http.StatusInternalServerError, Code: 3, Message: "Internal error"}
}

// refusal finds the answer for an error of the layer above: the *Error in its chain, 503 or 429 for those of this package that
// stand for them, else otherwise.
func refusal(err error, otherwise *Error) *Error {
	e, ok := errors.AsType[*Error](err)
	switch {
	case ok && e != nil:
		return e
	case errors.Is(err, ErrDraining):
		return Unavailable(time.Second)
	case errors.Is(err, ErrTooManyConnections):
		return Unavailable(5 * time.Second)
	case errors.Is(err, ErrTooManyOfClient):
		return TooManyRequests(5 * time.Second)
	case errors.Is(err, ErrTooFast):
		return TooManyRequests(time.Second)
	default:
		return otherwise
	}
}

// write sends the refusal as the answer of a request.
func (e *Error) write(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	if e.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if e.Empty {
		header.Set("Content-Length", "0")
		w.WriteHeader(e.Status)
		return
	}
	body := e.body()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(e.Status)
	_, _ = w.Write(body) //nolint:gosec // it is no page, but JSON; a client that left needs no answer
}

// body is the JSON text of the refusal.
func (e *Error) body() []byte {
	body, err := json.Marshal(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{e.Code, e.Message})
	if err != nil { // an int and a string always encode
		return []byte(`{"code":3,"message":"Bad request"}`)
	}
	return body
}
