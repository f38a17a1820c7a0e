package actio

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/actors/recovery"
	"github.com/actio-go/actio/actors/roomregistry"
)

// RecoveryOptions switch connection state recovery on: a client whose connection was lost goes on, when it comes back in time,
// as the socket that it was. The socket has the id, rooms, data, principal and state of authentication that it had, and gets
// the events that it missed, each once and in order with those that come. The application sees a disconnect, then a connection
// whose Socket.Recovered is true. Clients need nothing but socket.io-client 4.6 or package client.
//
// Each event that asks for no acknowledgement has one argument more then, a string, which is how clients know where they are;
// it is the last. So have, other than in Node.js, events that may be lost: official clients take any string in that place for it.
// Events that ask for an acknowledgement, and those that may be lost, are not given again.
//
// A session is kept while its client is connected, so it is taken up again also before the old connection is known to be lost,
// which ends then. It can be taken up when its transport was lost (ReasonTransportClose, ReasonTransportError,
// ReasonPingTimeout, ReasonForcedClose), not when one of the sides ended it, and by one client only. Otherwise clients get a
// new socket, whose Socket.RecoveryFailure says why.
//
// A session whose client is away is no socket: what acts on sockets, as SocketsJoin, SocketsLeave and DisconnectSockets, does not
// reach it. Whoever throws a user out has the user's sockets ended when they come back, in OnConnection or, before they get
// anything, in a middleware with RunMiddlewares, where Socket.Principal says whose they are. A session goes with the secret that
// its client was given: it is not authenticated anew, and what its CONNECT says beside that is not looked at.
//
// # In memory
//
// Sessions and events are in the memory of this process, unless the streams adapter is used: clients must come back to the same
// (sticky sessions), and do not find their session after a restart.
//
// # In Redis
//
// With the streams adapter (RedisOptions.Adapter) sessions are keys of Redis and events are read from its stream: clients go on
// with any instance, also of Node.js, after a restart, after Shutdown (ReasonServerShutdown), and after this process was
// killed. Of a server of Node.js that is killed nothing is left.
//
//   - What is emitted, to one socket too, reaches the sockets of this instance when it is read back from the stream: a round trip
//     to Redis later, in one order for all instances. While Redis is down it waits; what is dropped (RedisOptions.BufferMessages)
//     reaches the sockets of this instance alone, and is not given again. Events that ask for an acknowledgement, Local
//     broadcasts and answers to clients do not go by way of Redis: they do not wait, and may overtake what does.
//   - Broadcast.SocketsJoin, SocketsLeave, DisconnectSockets, Socket.Leave, Disconnect and Close let what this instance has
//     emitted before arrive before, unless Redis is down or breaks meanwhile: then they take effect on this instance at once,
//     and overtake what waits; on the other instances the order holds. The rooms that clients leave by themselves may overtake
//     it always.
//   - Of a Principal its UserID and Expires are stored, not its Claims: they are nil when another instance has taken the
//     session up.
//   - Socket.Data is stored as JSON, with each change of rooms and when the connection is lost, not when it is changed: of a
//     process that was killed the last may be missing.
//   - Sessions are written after the client has connected, and after each change: a process that is killed before Redis has
//     answered leaves none, or the former rooms.
//   - Of two clients that claim one session at once, on two instances, the later has it: the socket of the other ends.
//   - A client that has received no event yet does not say where it is: it begins afresh (ErrOffsetUnknown), as with Node.js.
//   - Events are remembered as long as the stream has them (StreamsOptions.MaxLen), which is ErrOffsetUnknown afterwards;
//     MaxBytes and MaxSessions do not count.
type RecoveryOptions struct {
	// Enabled switches recovery on. Default: it is off, and costs nothing.
	Enabled bool
	// MaxDisconnectionDuration is for how long a client may stay away. Default 2 minutes.
	MaxDisconnectionDuration time.Duration
	// MaxBytes bounds the memory of all events that are remembered, unless a stream does; the oldest go first, and are counted.
	// Events are remembered for MaxDisconnectionDuration, longer by what it takes to find a connection dead. Default 64 MiB.
	MaxBytes int
	// MaxSessions bounds the sessions that wait for their clients; the oldest go first, and are counted. Default 100 000.
	MaxSessions int
	// Timeout is how long a client waits at most for its session before it gets a new socket. Default 5 s.
	Timeout time.Duration
	// RunMiddlewares asks the middlewares of the namespace (Use) also about a socket that goes on, and nobody else: it is not
	// authenticated anew, its Principal is known to them. Recovered is true, and it is in the rooms that it was in; the functions of
	// OnDisconnect may still run for the former socket. An error refuses as ever, and the session is over. If the session turns out
	// not to be had after all they are asked once more, about a new socket. Default: they are not asked.
	RunMiddlewares bool
}

// The reasons of Socket.RecoveryFailure.
var (
	// ErrSessionUnknown: there is no such session, or no more: it has expired, or ended for good.
	ErrSessionUnknown = connection.ErrSessionUnknown
	// ErrSessionTaken: another client, which came at the same time, goes on with the session.
	ErrSessionTaken = connection.ErrSessionTaken
	// ErrOffsetUnknown: the client says that it received last what this server has never sent it, or what the stream has no more.
	ErrOffsetUnknown = connection.ErrOffsetUnknown
	// ErrHistoryLost: events that the client may have missed are forgotten, by their age or over RecoveryOptions.MaxBytes.
	ErrHistoryLost = connection.ErrHistoryLost
	// ErrHistoryTooMuch: the client missed more than EngineOptions.QueueBytes lets wait for one client.
	ErrHistoryTooMuch = connection.ErrHistoryTooMuch
	// ErrRecoveryTimeout: the session was not given back within RecoveryOptions.Timeout.
	ErrRecoveryTimeout = connection.ErrRecoveryTimeout
	// ErrPrincipalExpired: the principal of the session has expired meanwhile, or it has none and the namespace demands one now.
	ErrPrincipalExpired = connection.ErrPrincipalExpired
)

func (o *RecoveryOptions) withDefaults() {
	setDefault(&o.MaxDisconnectionDuration, 2*time.Minute)
	setDefault(&o.MaxBytes, roomregistry.DefaultHistoryBytes)
	setDefault(&o.MaxSessions, 100_000)
	setDefault(&o.Timeout, 5*time.Second)
}

func (o *RecoveryOptions) validate() error {
	var problems []error
	for name, bad := range map[string]bool{
		"MaxDisconnectionDuration": o.MaxDisconnectionDuration < 0, "MaxBytes": o.MaxBytes < 0,
		"MaxSessions": o.MaxSessions < 0, "Timeout": o.Timeout < 0,
	} {
		if bad {
			problems = append(problems, errors.New("actio: Recovery."+name+" is negative"))
		}
	}
	return errors.Join(problems...)
}

// keeperOptions are those of the sessions; nil when recovery is off.
func (s *Server) keeperOptions() *recovery.Options {
	o := s.options.Recovery
	if !o.Enabled || s.storesSessions() {
		return nil
	}
	return &recovery.Options{Duration: o.MaxDisconnectionDuration, MaxSessions: o.MaxSessions}
}

// historyOptions are those of the events; nil when recovery is off. A connection may be dead for a heartbeat and its timeout
// before its session begins to wait, and what a socket has seen is asked at each heartbeat.
func (s *Server) historyOptions() *roomregistry.HistoryOptions {
	o, e := s.options.Recovery, s.options.Engine
	if !o.Enabled || s.storesSessions() { // the stream remembers
		return nil
	}
	return &roomregistry.HistoryOptions{
		Age: o.MaxDisconnectionDuration + 2*e.PingInterval + e.PingTimeout, MaxBytes: o.MaxBytes, Parser: s.options.Parser,
	}
}

// Recovered tells whether the socket goes on with the session of one whose connection was lost: see RecoveryOptions.
func (s *Socket) Recovered() bool { return s.handle.Recovered() }

// RecoveryFailure tells why a client that wanted to go on with its session has got a new socket instead: ErrSessionUnknown and
// so on. It is nil when it did not want to, or goes on.
func (s *Socket) RecoveryFailure() error { return s.handle.RecoveryFailure() }

// inherit takes over what the application kept with the former socket.
func (s *Socket) inherit() {
	switch former := s.handle.Former().(type) {
	case *Socket:
		s.data.Store(former.Data()) // made now if not yet: its last handlers may still run
	case map[string]any:
		data := new(sync.Map)
		for name, value := range maps.All(former) {
			data.Store(name, value)
		}
		s.data.Store(data)
	}
}

// RecoveryStats counts what became of clients that came back.
type RecoveryStats struct {
	Recovered uint64 // sockets that went on with their session
	Kept      int    // sessions that wait for their clients
	// Expired and SessionsDropped count sessions that were given up: after MaxDisconnectionDuration, and over MaxSessions.
	Expired, SessionsDropped uint64
	// EventsForgotten over MaxBytes.
	EventsForgotten uint64
	// Failed recoveries, by their reasons.
	SessionUnknown, SessionTaken, OffsetUnknown, HistoryLost, HistoryTooMuch, Timeout, PrincipalExpired uint64
}

// stopKeeper forgets all sessions, but for those that Redis has.
func (e *Engine) stopKeeper(ctx context.Context) error {
	switch {
	case e.stored != nil:
		grace, cancel := e.system.Clock().Context(ctx, "sessions grace", e.options.DrainGrace)
		defer cancel()
		return e.stored.Stop(grace)
	case e.keeper == nil:
		return nil
	}
	return e.keeper.Stop(context.WithoutCancel(ctx))
}

func (e *Engine) recoveryStats() RecoveryStats {
	if e.keeper == nil && e.stored == nil {
		return RecoveryStats{}
	}
	c := e.env.Counters
	f := &c.RecoveriesFailed
	s := RecoveryStats{
		Recovered: c.Recovered.Load(), EventsForgotten: e.env.Registry.Forgotten(),
		SessionUnknown: f.SessionUnknown.Load(), SessionTaken: f.SessionTaken.Load(),
		OffsetUnknown: f.OffsetUnknown.Load(), HistoryLost: f.HistoryLost.Load(), HistoryTooMuch: f.HistoryTooMuch.Load(),
		Timeout: f.Timeout.Load(), PrincipalExpired: f.PrincipalExpired.Load(),
	}
	if e.keeper != nil { // else Redis has them, and forgets them by itself
		s.Kept, s.Expired, s.SessionsDropped = e.keeper.Kept(), e.keeper.Expired(), e.keeper.Dropped()
	}
	return s
}
