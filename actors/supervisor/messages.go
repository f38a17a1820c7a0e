package supervisor

import (
	"net/netip"

	"github.com/actio-go/actio/actors/connection"
)

// late marks messages that nobody needs to hear of when the supervisor is gone.
type late struct{}

// IgnoreDeadLetterLogging is the marker that protoactor looks for.
func (late) IgnoreDeadLetterLogging() {}

type (
	// spawn asks for the actor of a session. When it is answered the session has one, and can be found.
	spawn struct {
		late
		session *connection.Session
		reply   chan error
	}
	// abandon says that a session will never have a transport. When it is answered the place is free.
	abandon struct {
		late
		session *connection.Session
		done    chan struct{}
	}
	// admit asks whether a handshake may go on, and counts it if so.
	admit struct {
		late
		client netip.Addr
		reply  chan error
	}
	findSession struct {
		late
		sid   string
		reply chan *connection.Session
	}
	findSocket struct {
		late
		id    string
		reply chan *connection.Socket
	}
	listSockets struct {
		late
		reply chan []*connection.Socket
	}
	count struct {
		late
		reply chan Counts
	}
	drain struct {
		late
		done chan struct{}
	}
	closeAll struct {
		late
		gone chan struct{} // closed when no connection is left
	}
	closeBatch struct{ late }
	// forget drops what is known of addresses and counts no more.
	forget   struct{ late }
	abortAll struct {
		late
		reason connection.Reason
	}
)
