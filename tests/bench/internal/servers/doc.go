// Package servers holds the Go programs that a benchmark compares: actio, and the floor, which is what the operating system
// charges for the same bytes. All of them are the same tiny application. A client connects and authenticates, which always
// succeeds, and is then in the room of all. Its events:
//
//	authenticate           answered with `authenticated`
//	echo text              acknowledged with the text
//	cast {n, size, room}   n events `m` to a room, by default to that of all: a number that grows and filling, size bytes in all
//	hop {room}             leaves the room and joins it, acknowledged
//
// tests/js/bench has the same application for Node.js.
package servers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Path is where all of them are reached.
const Path = "/socket.io/"

// RoomOfAll is the room that every authenticated client is in.
const RoomOfAll = "io-default"

// Options are what the servers can be told.
type Options struct {
	PingInterval    time.Duration // of Engine.IO
	AppPingInterval time.Duration // of the event `ping`
	FloorBeats      bool          // the floor has these heartbeats, too
	Shards          int           // of actio's rooms; 0: as many as there are cores
}

// Server is one of the programs.
type Server struct {
	http.Handler
	Shutdown func(ctx context.Context) error
}

// Names of the programs.
const (
	Actio      = "actio"
	Floor      = "floor"
	FloorBatch = "floor-batch"
)

// New makes the program of that name.
func New(name string, o Options) (*Server, error) {
	switch name {
	case Actio:
		return newActio(o)
	case Floor:
		return newFloor(false, o), nil
	case FloorBatch:
		return newFloor(true, o), nil
	default:
		return nil, fmt.Errorf("servers: no program %q", name)
	}
}

// castRequest is the argument of `cast`.
type castRequest struct {
	N    int    `json:"n"`
	Size int    `json:"size"`
	Room string `json:"room"`
}

var errCast = errors.New("servers: cast: out of range")

func (c *castRequest) check() error {
	if c.N < 0 || c.N > 10_000 || c.Size < numberDigits || c.Size > 1<<20 {
		return errCast
	}
	if c.Room == "" {
		c.Room = RoomOfAll
	}
	return nil
}

const numberDigits = 10

// numbering makes the texts of `m`. Their numbers let a client see that nothing was lost, repeated or out of order.
type numbering struct{ last atomic.Int64 }

func (n *numbering) text(size int) string {
	return fmt.Sprintf("%0*d", numberDigits, n.last.Add(1)) + strings.Repeat("x", size-numberDigits)
}
