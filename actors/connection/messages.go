package connection

import (
	"github.com/actio-go/actio/transport"
	"github.com/actio-go/actio/wire"
)

// late marks messages that may reach an actor which is gone: a reader that ended, an alarm that rang, an emit to a socket
// that closed. They are no news for the dead-letter log, and their payload has no business there.
type late struct{}

// IgnoreDeadLetterLogging is the marker that protoactor looks for.
func (late) IgnoreDeadLetterLogging() {}

// Begin starts a session. The supervisor's caller sends it once.
type Begin struct {
	late
	Session *Session
	Link    transport.Link
	// Begun is closed when the session owns the link.
	Begun chan<- struct{}
}

// From the transports.
type (
	// received is one decoded message or control packet from the client. An event for the application is handled as the job
	// that it has in it: it costs one allocation from the reader to the handler's reply.
	received struct {
		late
		from   *transport.WebSocket // nil: polling
		packet wire.EnginePacket
		head   wire.Packet // Socket.IO packet, when packet is a message and complete
		err    error
		eventJob
	}
	pollOpened struct {
		late
		poll *transport.Poll
	}
	pollAborted struct {
		late
		poll *transport.Poll
	}
	probeOpened struct {
		late
		ws *transport.WebSocket
	}
	controlQueued struct { // a control frame that the reader wants written
		late
		ws    *transport.WebSocket
		frame []byte
	}
	transportClosed struct { // the reader ended
		late
		ws  *transport.WebSocket
		err error
	}
	protocolBroken struct { // a polling client sent what cannot be decoded
		late
		reason Reason
	}
	attachmentsAwaited struct { // the text of a binary packet came
		late
		packet uint64
	}
	written struct { // the temporary writer finished a batch
		late
		lane *lane
		err  error
	}
	// due is sent by the connection's one alarm.
	due struct{ late }
)

// From the application, by way of a Socket or a Session.
type (
	emit struct {
		late
		socket  *Socket
		message *wire.Prepared
		flags   Flags
		wait    *ackWait // non-nil: an acknowledgement is awaited
	}
	ackCancelled struct {
		late
		socket *Socket
		id     uint64
	}
	joinRooms struct {
		late
		socket *Socket
		rooms  []string
		done   chan error
	}
	leaveRooms struct {
		late
		socket *Socket
		rooms  []string
		done   chan error
	}
	listRooms struct {
		late
		socket *Socket
		reply  chan []string
	}
	disconnectSocket struct {
		late
		socket *Socket
		whole  bool // the session with it
		reason Reason
	}
	forceAuthenticated struct {
		late
		socket    *Socket
		principal *Principal
	}
	watchSocket struct { // nil: no longer
		late
		socket *Socket
		tell   func(name string, args wire.Args)
	}
	pingSocket struct {
		late
		socket     *Socket
		ignoreAuth bool
	}
	sendRaw struct {
		late
		message *wire.Prepared
	}
	closeSession struct {
		late
		reason Reason
	}
	// verdict is the verifier's answer. A late one is recognised by its attempt.
	verdict struct {
		late
		socket    *Socket
		attempt   uint32
		input     authInput
		principal *Principal
		refusal   *wire.Prepared // what the client is told instead of the usual text
		err       error
	}
	// stepped is the answer to a step. A late one is recognised by its attempt.
	stepped struct {
		late
		socket   *Socket
		attempt  uint32
		entrance *Entrance      // that was found
		refusal  *wire.Prepared // nil: go on
	}
)

// Of connection state recovery.
type (
	// claimed answers a Claim.
	claimed struct {
		late
		claim *Claim
		kept  *Kept
		err   error
	}
	// claimLate comes from the clock.
	claimLate struct {
		late
		claim *Claim
	}
	// surrender says that the client of a socket goes on elsewhere.
	surrender struct {
		late
		socket *Socket
	}
)

// detached says that the registry has let go of a socket of this connection.
type detached struct {
	late
	namespace string
}

// From the supervisor.
type (
	// Drain makes the connection refuse new events; acknowledgements are still read.
	Drain struct{ late }
	// Shutdown closes the session at the transport's level, after what is queued, so that clients reconnect by themselves.
	Shutdown struct{ late }
	// Abort closes at once.
	Abort struct {
		late
		Reason Reason
	}
)

// To the supervisor. It declares nothing of its own for these: a connection says them in its own words.
type (
	// SocketOpened says that a socket joined a namespace.
	SocketOpened struct {
		late
		Socket *Socket
	}
	// SocketState says that its authentication moved.
	SocketState struct {
		late
		Socket *Socket
		State  State
		UserID string
	}
	// SocketClosed says that it is gone. It is sent exactly once for each SocketOpened.
	SocketClosed struct {
		late
		Socket *Socket
		Reason Reason
	}
)
