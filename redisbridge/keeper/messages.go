package keeper

import (
	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
)

// late marks messages that nobody needs to hear of when the keeper is gone.
type late struct{}

// IgnoreDeadLetterLogging is the marker that protoactor looks for.
func (late) IgnoreDeadLetterLogging() {}

type (
	opened struct {
		late
		socket *connection.Socket
	}
	changed struct {
		late
		socket *connection.Socket
		rooms  []string
	}
	ended struct {
		late
		socket *connection.Socket
		kept   *connection.Kept
	}
	claim struct {
		late
		claim *connection.Claim
	}
	took struct {
		late
		of     *session
		found  *redisbridge.Session
		holder redisbridge.Holder
		err    error
	}
	lost struct {
		late
		of     *session
		holder redisbridge.Holder
	}
	encoded struct {
		late
		of     *session
		socket *connection.Socket
		data   format.Payload
		done   bool // else the application's code has panicked
	}
	unclaim struct {
		late
		claim *connection.Claim
	}
	spent struct {
		late
		claim *connection.Claim
	}
	settle struct {
		late
		done chan struct{}
	}
)
