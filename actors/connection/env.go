package connection

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/wire"
)

// Env is what all connections of one server share. It is immutable once the first connection exists.
type Env struct {
	System     *actors.System
	Registry   *roomregistry.Registry // nil for a bare engine
	Supervisor *actor.PID
	Options    Options
	Counters   *Counters

	// App is the Socket.IO application above. Nil means a bare engine: then Raw is called.
	App App
	Raw Raw

	// Recovery keeps sessions for clients that come back. Nil: none are kept.
	Recovery Recovery

	ping, pong, noop, bye *wire.Prepared // shared by all

	auth     *Auth        // of the options; nil: none
	demanded *atomic.Bool // some namespace has authentication of its own
	began    time.Time    // where the clock of deadlines begins
	inbox    bounds
	spawn    func(name string, fn func()) // System.Go, bound once

	// Acknowledgement ids are unique for the whole server: one message that all members of a broadcast share asks each of
	// them.
	ackIDs *atomic.Uint64

	abandoned *actors.LogLimit // of sessions whose client never came back
	early     *actors.LogLimit // of events before authentication, and of its deadline
	verdicts  *actors.LogLimit // of a Verifier that fails
	joins     *actors.LogLimit // of a RoomValidator that fails
	foreign   *foreigners      // whose clients have another parser
}

// NewEnv completes e.
func NewEnv(e Env) *Env {
	e.ackIDs, e.demanded = new(atomic.Uint64), new(atomic.Bool)
	e.abandoned, e.early, e.verdicts = new(actors.LogLimit), new(actors.LogLimit), new(actors.LogLimit)
	e.joins, e.foreign = new(actors.LogLimit), new(foreigners)
	e.began = time.Now().Add(-time.Second) // so that no moment of ours is zero
	if e.Options.Early == nil {
		e.Options.Early = rand.N[time.Duration]
	}
	o := &e.Options
	e.inbox = bounds{soft: o.InboxEvents, hard: o.InboxEventsHard, softBytes: o.InboxBytes, hardBytes: o.InboxBytesHard}
	if e.System != nil {
		e.spawn = e.System.Go
	}
	if o.Authenticate != nil {
		e.auth = &Auth{Verify: o.Authenticate, OnConnect: o.AuthenticateOnConnect}
	}
	e.ping = wire.PrepareEngine(wire.EnginePacket{Type: wire.EnginePing})
	e.pong = wire.PrepareEngine(wire.EnginePacket{Type: wire.EnginePong})
	e.noop = wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineNoop})
	e.bye = wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineClose})
	return &e
}

func (e *Env) nextAckID() uint64 { return e.ackIDs.Add(1) - 1 }

// Authenticates tells whether sockets of any namespace authenticate, as far as is known by now.
func (e *Env) Authenticates() bool { return e.auth != nil || e.demanded.Load() }

// demand says that a socket must authenticate.
func (e *Env) demand() {
	if !e.Authenticates() {
		e.demanded.Store(true)
	}
}

// App is what the connections need from the facade. Its methods are called within Receive: they return at once and run no
// user code.
type App interface {
	// Entrance tells how the namespace is entered, to a socket that is about to do so; nil: there is no such namespace.
	Entrance(namespace string) *Entrance
	// NewSocket makes the application's side of a socket that is about to be connected, or to be asked about.
	NewSocket(h *Socket) Handler
}

// Handler is the application's side of one socket. All its methods run on a worker, one at a time and in order.
type Handler interface {
	// Connected is the first job of every socket that reaches the application.
	Connected(ctx context.Context)
	// Event handles one event. reply is nil unless the client asked for an acknowledgement.
	Event(ctx context.Context, e Event)
	// Disconnected is the last job, for each socket whose Connected was run.
	Disconnected(r Reason)
}

// Event is one event of a client.
type Event struct {
	Name string
	Args wire.Args
	// Replier acknowledges; nil when the client did not ask.
	Replier Replier
}

// Replier acknowledges an event. The first call counts, further ones are ErrAcknowledged.
type Replier interface {
	Reply(args ...any) error
}

// Raw is the application of a bare engine.
type Raw interface {
	// NewSession is called within Receive: it returns at once.
	NewSession(s *Session) RawHandler
}

// RawHandler gets what one bare session does, on a worker, one call at a time and in order.
type RawHandler interface {
	Opened()
	Message(binary bool, data []byte)
	Closed(r Reason)
}

// Principal is who authentication found behind a socket.
type Principal struct {
	// UserID indexes the sockets of a user. Empty: the socket belongs to no user.
	UserID string
	// Claims is whatever the application wants to keep.
	Claims any
	// Expires ends the socket unless it authenticates anew before. Zero: never.
	Expires time.Time
}

// Verifier decides who a socket belongs to. A nil Principal without an error, or an error that wraps ErrRefused, refuses;
// any other error, and a panic, fails. The context ends with the deadline of authentication and with the connection.
type Verifier func(ctx context.Context, h *Handshake) (*Principal, error)

// RoomValidator returns those of the requested rooms that the socket may join. Others than the requested are ignored. An
// error joins nothing and never disconnects.
type RoomValidator func(ctx context.Context, s *Socket, rooms []string) ([]string, error)

// QueuePolicy says what happens when the outgoing queue of a connection passes its bound.
type QueuePolicy uint8

// The policies. Where dropping does not help, each ends as the first.
const (
	DisconnectSlow QueuePolicy = iota // the connection is closed as a slow consumer
	DropVolatile                      // queued volatile events go first
	DropOldest                        // queued events that await no acknowledgement and were not begun go, oldest first
)

// Options are the limits and times of a connection. The facade fills in the defaults and checks them.
type Options struct {
	PingInterval   time.Duration // Engine.IO heartbeat
	PingTimeout    time.Duration
	Early          func(most time.Duration) time.Duration // see firstOf; at least 0, less than most. Nil: at random
	UpgradeTimeout time.Duration                          // from the probe to the upgrade packet
	ConnectTimeout time.Duration                          // a session without a namespace
	// HandshakeTimeout ends a polling session whose client sends no second request; not positive: none.
	HandshakeTimeout time.Duration
	MaxPayload       int      // bytes of one message
	Upgrades         []string // what the open packet offers to a polling session
	Limits           wire.Limits
	Parser           wire.Parser // nil: the default one

	QueueBytes   int // outgoing bytes that may wait for one connection
	QueuePolicy  QueuePolicy
	WriteTimeout time.Duration // for one blocking write of a batch
	Linger       time.Duration // how long a farewell waits for the peer to close (websocket)
	PollLinger   time.Duration // how long a farewell waits for the next GET (polling)
	PostWait     time.Duration // how long a POST waits for the handlers of its packets

	InboxEvents, InboxEventsHard int // unfinished events
	InboxBytes, InboxBytesHard   int
	EventLimits                  EventLimits
	MaxNamespaces                int           // sockets per session
	MaxPendingAcks               int           // per socket
	AttachmentTimeout            time.Duration // for the attachments of one packet; 0: none
	SurvivePanics                bool

	// Authentication of namespaces that have none of their own. Nil: no authentication machine.
	Authenticate          Verifier
	AuthenticateOnConnect bool // see Auth

	AuthenticateTimeout time.Duration
	MaxAuthAttempts     int
	MaxAuthBytes        int           // of the payload of CONNECT and of a renewal, which the socket keeps
	AppPingInterval     time.Duration // application-level `ping`; 0: none
	DefaultRooms        []string
	ValidateRooms       RoomValidator
	RoomEvents          bool // `join` and `leave` of the client are handled
	MaxRooms            int  // per socket
	MaxRoomsPerRequest  int
	MaxRoomNameBytes    int
	RecoveryTimeout     time.Duration // for a session that a client wants to go on with
	RecoveryMiddlewares bool          // Admit of an Entrance is asked also about sockets that go on with their session
	RefuseNodeIDs       bool          // a client may not join names of the form of Node's socket ids
}
