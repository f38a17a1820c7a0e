package connection

import (
	"errors"
	"sync/atomic"
)

// Counters are what the connections of one server counted since it started. Safe for concurrent use.
type Counters struct {
	PacketsIn, BytesIn   Tally
	PacketsOut, BytesOut Tally

	Sessions           atomic.Uint64 // opened
	SessionsClosed     atomic.Uint64
	Upgrades           atomic.Uint64 // polling to websocket, completed
	UpgradesFailed     atomic.Uint64
	ParseErrors        atomic.Uint64 // sessions that broke the protocol
	RequestsRefused    atomic.Uint64 // requests that were answered with an error
	EventsDropped      atomic.Uint64 // before authentication, while draining, for a namespace that was left
	EventsRateLimited  atomic.Uint64 // over EventLimits, whatever the policy did with them
	EventsUnhandled    atomic.Uint64 // no handler for the name
	SlowConsumers      atomic.Uint64 // sessions cut by the queue bound or the write deadline
	MessagesDropped    atomic.Uint64 // volatile or oldest, by the queue policy
	ConnectsRefused    atomic.Uint64 // of a namespace, for whatever reason
	AuthRefused        atomic.Uint64
	AuthFailed         atomic.Uint64
	AuthTimedOut       atomic.Uint64
	AuthSucceeded      atomic.Uint64
	HandlerPanics      atomic.Uint64
	LateVerdicts       atomic.Uint64 // answers of a verifier that no longer mattered
	PongsExcused       atomic.Uint64 // missed while the session did not read for its own sake
	AcksUnknown        atomic.Uint64 // acknowledgements that nobody awaited
	AcksOverflown      atomic.Uint64 // waits that failed with ErrInboxFull
	RoomRequestsDenied atomic.Uint64

	Recovered        atomic.Uint64 // sockets that went on with their session
	RecoveriesFailed RecoveriesFailed

	HandshakesAbandoned atomic.Uint64 // polling sessions whose client did not come back
	// Handshakes refused, by cause.
	RefusedConnections, RefusedUnauthenticated atomic.Uint64 // too many connections, in total and without authentication
	RefusedPerIP                               atomic.Uint64 // too many connections of one address
	RefusedRate, RefusedRatePerIP              atomic.Uint64 // too many in a second, in total and of one address

	NamespacesRefused atomic.Uint64 // CONNECT of a session with MaxNamespaces
	AcksRefused       atomic.Uint64 // ErrTooManyAcks
	JoinsRefused      atomic.Uint64 // ErrTooManyRooms
	ParserFailures    atomic.Uint64 // packets that the server's own parser could not write
	OutgoingUnseen    atomic.Uint64 // events that whoever watches what goes out was too slow for
}

// RecoveriesFailed counts the clients that wanted to go on with their session and had to begin afresh, by the reason.
type RecoveriesFailed struct {
	SessionUnknown, SessionTaken, OffsetUnknown, HistoryLost, HistoryTooMuch, Timeout, PrincipalExpired atomic.Uint64
}

func (c *Counters) recoveryFailed(err error) {
	f := &c.RecoveriesFailed
	for sentinel, counter := range map[error]*atomic.Uint64{
		ErrSessionUnknown: &f.SessionUnknown, ErrSessionTaken: &f.SessionTaken, ErrOffsetUnknown: &f.OffsetUnknown,
		ErrHistoryLost: &f.HistoryLost, ErrHistoryTooMuch: &f.HistoryTooMuch, ErrRecoveryTimeout: &f.Timeout,
		ErrPrincipalExpired: &f.PrincipalExpired,
	} {
		if errors.Is(err, sentinel) {
			counter.Add(1)
		}
	}
}
