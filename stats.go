package actio

import (
	"context"
	"errors"
	"fmt"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/actors/supervisor"
	"github.com/actio-go/actio/redisbridge"
)

// Stats is a snapshot of what the server has and has counted since Configure.
type Stats struct {
	Connections     int // Engine.IO sessions
	Unauthenticated int // of them, those without an authenticated socket
	Sockets         int // clients in namespaces
	Authenticated   int // of them, authenticated ones
	Rooms           int // with a member, once for each registry shard that has one; a socket's own room does not count
	RoomMembers     int // sockets that the registry knows
	Users           int // likewise
	Namespaces      int // static ones, and dynamic ones that are kept
	Dynamic         int // dynamic namespaces

	// Counted since Configure.
	SessionsOpened, SessionsClosed uint64
	Upgrades, UpgradesFailed       uint64
	PacketsIn, PacketsOut          uint64
	BytesIn, BytesOut              uint64
	ParseErrors                    uint64 // packets and requests that ended a connection because they broke the protocol
	RequestsRefused                uint64 // requests answered with an error
	// Of the requests refused, handshakes refused by a limit: MaxConnections, MaxUnauthenticated, MaxConnectionsPerIP,
	// MaxHandshakesPerSecond and MaxHandshakesPerSecondPerIP.
	RefusedConnections, RefusedUnauthenticated, RefusedPerIP, RefusedRate, RefusedRatePerIP uint64
	// HandshakesAbandoned are polling sessions that ended by HandshakeTimeout.
	HandshakesAbandoned uint64

	// What became of clients and their events.
	ConnectsRefused            uint64 // answered with a connect_error, for whatever reason
	EventsDropped              uint64 // before authentication, while draining, for a namespace that was left
	EventsRateLimited          uint64 // over MaxEventsPerSecond or MaxBytesPerSecond
	EventsUnhandled            uint64 // without a handler
	SlowConsumers              uint64 // connections cut by the queue bound or the write deadline
	MessagesDropped            uint64 // volatile or oldest
	BroadcastsDropped          uint64 // while a registry shard was rebuilt and over its bound, once for each shard
	AuthSucceeded, AuthRefused uint64
	AuthFailed, AuthTimedOut   uint64
	HandlerPanics              uint64
	LateVerdicts               uint64 // of an Authenticator that answered too late
	PongsExcused               uint64 // missed while the connection was not read for the server's own sake, or the process stood still
	AcksUnknown                uint64 // acknowledgements that nobody awaited
	AcksOverflown              uint64 // waits that failed with ErrInboxFull
	RoomRequestsDenied         uint64
	NamespacesRefused          uint64 // over MaxNamespaces
	AcksRefused                uint64 // questions to a client that failed with ErrTooManyAcks
	JoinsRefused               uint64 // of the application or a client, that failed with ErrTooManyRooms
	ParserFailures             uint64 // packets that Options.Parser could not write, other than those whose sender got the error
	OutgoingUnseen             uint64 // events that functions of OnAnyOutgoing were too slow for
	ServerEventsDropped        uint64 // of other instances: too many waited for their handlers

	// Redis counts what went to the other instances and came from them; zero without Redis.
	Redis RedisStats
	// Recovery counts what became of clients that came back; zero without Options.Recovery.
	Recovery RecoveryStats
}

// Stats returns a snapshot. It asks the supervisor and the registry, and waits for both.
func (s *Server) Stats(ctx context.Context) (Stats, error) {
	e := s.live.Load()
	if e == nil {
		return Stats{}, ErrNotConfigured
	}
	st := e.counted()
	st.Recovery = e.recoveryStats()
	if bridge := e.bridge.Load(); bridge != nil {
		st.Redis = bridge.Stats()
	}
	counts, err := e.supervisor.Counts(ctx)
	if err != nil {
		return st, closedIfStopped(err)
	}
	sizes, err := e.env.Registry.Sizes(ctx)
	if err != nil {
		return st, closedIfStopped(err)
	}
	st.Connections, st.Unauthenticated = counts.Connections, counts.Unauthenticated
	st.Sockets, st.Authenticated = counts.Sockets, counts.Authenticated
	st.Namespaces, st.Dynamic = s.namespaces.sizes()
	st.BroadcastsDropped = e.env.Registry.Dropped()
	st.Rooms, st.RoomMembers, st.Users = sizes.Rooms, sizes.Members, sizes.Users
	return st, nil
}

func (e *Engine) counted() Stats {
	c := e.env.Counters
	return Stats{
		SessionsOpened: c.Sessions.Load(), SessionsClosed: c.SessionsClosed.Load(),
		Upgrades: c.Upgrades.Load(), UpgradesFailed: c.UpgradesFailed.Load(),
		PacketsIn: c.PacketsIn.Load(), PacketsOut: c.PacketsOut.Load(), BytesIn: c.BytesIn.Load(), BytesOut: c.BytesOut.Load(),
		ParseErrors: c.ParseErrors.Load(), RequestsRefused: c.RequestsRefused.Load(),
		ConnectsRefused: c.ConnectsRefused.Load(), EventsDropped: c.EventsDropped.Load(), EventsUnhandled: c.EventsUnhandled.Load(),
		EventsRateLimited: c.EventsRateLimited.Load(),
		SlowConsumers:     c.SlowConsumers.Load(), MessagesDropped: c.MessagesDropped.Load(),
		AuthSucceeded: c.AuthSucceeded.Load(), AuthRefused: c.AuthRefused.Load(),
		AuthFailed: c.AuthFailed.Load(), AuthTimedOut: c.AuthTimedOut.Load(),
		HandlerPanics: c.HandlerPanics.Load(), LateVerdicts: c.LateVerdicts.Load(), PongsExcused: c.PongsExcused.Load(),
		AcksUnknown: c.AcksUnknown.Load(), AcksOverflown: c.AcksOverflown.Load(),
		RefusedConnections: c.RefusedConnections.Load(), RefusedUnauthenticated: c.RefusedUnauthenticated.Load(),
		RefusedPerIP: c.RefusedPerIP.Load(), RefusedRate: c.RefusedRate.Load(), RefusedRatePerIP: c.RefusedRatePerIP.Load(),
		HandshakesAbandoned: c.HandshakesAbandoned.Load(),
		NamespacesRefused:   c.NamespacesRefused.Load(), AcksRefused: c.AcksRefused.Load(), JoinsRefused: c.JoinsRefused.Load(),
		ParserFailures: c.ParserFailures.Load(), OutgoingUnseen: c.OutgoingUnseen.Load(),
		RoomRequestsDenied: c.RoomRequestsDenied.Load(), ServerEventsDropped: e.serverEventsDropped.Load(),
	}
}

func (s *Server) countUnhandled() {
	if e := s.live.Load(); e != nil {
		e.env.Counters.EventsUnhandled.Add(1)
	}
}

// closedIfStopped makes the error of a stopped part that of a closed server.
func closedIfStopped(err error) error {
	if errors.Is(err, supervisor.ErrStopped) || errors.Is(err, roomregistry.ErrStopped) || errors.Is(err, redisbridge.ErrClosed) {
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return err
}
