package recovery

import "github.com/actio-go/actio/actors/connection"

// late marks messages that nobody needs to hear of when the keeper is gone.
type late struct{}

// IgnoreDeadLetterLogging is the marker that protoactor looks for.
func (late) IgnoreDeadLetterLogging() {}

type (
	opened struct {
		late
		socket *connection.Socket
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
	unclaim struct {
		late
		claim *connection.Claim
	}
	spent struct {
		late
		claim *connection.Claim
	}
	expire struct{ late }
)
