// Package frames cuts what a server sends into websocket frames and HTTP responses. It knows as much of both as the servers
// of a benchmark on one machine send, refuses everything else, and copies nothing.
package frames

import "errors"

// ErrMalformed is wrapped by every error: a server sent what this package does not take.
var ErrMalformed = errors.New("frames: malformed")
