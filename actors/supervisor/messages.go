package supervisor

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors/connection"
)

// late marks messages that nobody needs to hear of when the supervisor is gone.
type late struct{}

// IgnoreDeadLetterLogging is the marker that protoactor looks for.
func (late) IgnoreDeadLetterLogging() {}

type (
	spawn struct {
		late
		sid   string
		reply chan spawned
	}
	spawned struct {
		pid *actor.PID
		err error
	}
	// admit asks whether a new connection would be taken.
	admit struct {
		late
		reply chan error
	}
	// opened makes a session findable. It precedes everything that the session says.
	opened struct {
		late
		session *connection.Session
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
	abortAll   struct {
		late
		reason connection.Reason
	}
)
