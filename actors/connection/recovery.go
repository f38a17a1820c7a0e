package connection

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/roomregistry"
)

// Errors of connection state recovery: why a client that wanted to go on with a session begins afresh.
var (
	// ErrSessionUnknown: there is no such session, or no more: it has expired, or ended for good.
	ErrSessionUnknown = errors.New("actio: session unknown or expired")
	// ErrSessionTaken: another client goes on with the session.
	ErrSessionTaken = errors.New("actio: session taken by another client")
	// ErrOffsetUnknown: the client does not say what it has received in terms of this server.
	ErrOffsetUnknown = errors.New("actio: offset unknown")
	// ErrHistoryLost: events that the client has missed are forgotten, by their age or because they were too much.
	ErrHistoryLost = roomregistry.ErrHistoryLost
	// ErrHistoryTooMuch: the client has missed more than may wait for one client.
	ErrHistoryTooMuch = roomregistry.ErrHistoryTooMuch
	// ErrRecoveryTimeout: the session was not given back in time.
	ErrRecoveryTimeout = errors.New("actio: recovery took too long")
	// ErrPrincipalExpired: the authentication of the session has expired meanwhile, or it began without one, which is demanded now.
	ErrPrincipalExpired = errors.New("actio: authentication expired")
)

// Recovery keeps the sessions of sockets, so that a client whose transport was lost goes on with its session. A socket has a
// session from its beginning, so that one that is taken up again before the old transport is known to be dead is surrendered.
//
// All methods are called within Receive, Emit anywhere: they return at once. What they start is answered by message. Of what one
// connection tells of a session nothing overtakes anything.
type Recovery interface {
	// Emit hands out an event for one socket in a way that it is remembered: Socket.Emit.
	Emit(b *roomregistry.Broadcast)
	// Opened says that a socket is there, whether its session is new or was claimed. Its PrivateID names the session.
	Opened(s *Socket)
	// Changed says in which rooms the socket is from now on, its own excepted.
	Changed(s *Socket, rooms []string)
	// Ended says that the socket is gone: what is kept of it, or nil when the session is over. Kept.LetGo is owed.
	Ended(s *Socket, k *Kept)
	// Claim asks for a session. It is answered by Claim.Answer, once. What was given is settled by Opened, Unclaim or Spent.
	Claim(c *Claim)
	// Unclaim gives up a claim, answered or not: the session stays as it was.
	Unclaim(c *Claim)
	// Restore attaches a new socket in the place of the old and gives it what was missed: it is answered by
	// roomregistry.Restored, with an error when that cannot be. It may change After of r.
	Restore(c *Claim, k *Kept, r *roomregistry.Restore)
	// Spent says that a session was given which is of no use: it is over.
	Spent(c *Claim, k *Kept)
	// Outlasts tells whether sessions outlast this process: then its shutdown ends none of them.
	Outlasts() bool
}

// Kept is what is left of a socket whose transport was lost.
type Kept struct {
	PrivateID string
	ID        string
	Namespace string
	Rooms     []string // its own excepted
	Principal *Principal
	// Former is the socket itself; nil when it was one of another process.
	Former *Socket
	// Data is what the application gets in place of what it had bound to Former.
	Data any

	hold *hold // of the Entrance of Former

	// Progress is how far the client has come, in positions of the registry.
	Progress
}

// LetGo gives back the Entrance of the former socket, see Entrance.Release. It is called when the session was taken up again or
// is over, and not before when this process alone remembers what it misses: a namespace that has ended gets nothing. Idempotent,
// also of nil.
func (k *Kept) LetGo() {
	if k != nil {
		k.hold.end()
	}
}

// Progress of a session in positions of the registry.
type Progress struct {
	Marked bool   // Since is known
	Since  uint64 // where the session began
	Seen   uint64 // of what came until here the socket has sent its client everything
	Last   uint64 // the last event that it has sent
}

// After returns the position behind which events were missed by a client that says which offset it saw last; "" is none. The
// error is ErrOffsetUnknown.
//
// Official clients tell an old offset when they have not got any in this session, that of the session before: it must not bring
// back what is older than the session. One that has nothing of a session that was sent nothing has missed nothing.
func (p *Progress) After(r *roomregistry.Registry, offset string) (uint64, error) {
	at, known := r.Position(offset)
	switch {
	case known && at == p.Last && p.Last != 0:
		return max(at, p.Seen), nil
	case !p.Marked:
		return 0, ErrOffsetUnknown
	case known && at > max(p.Last, p.Since):
		return 0, ErrOffsetUnknown
	case known && at > p.Since:
		return at, nil
	case p.Last == 0:
		return p.Seen, nil
	case known, offset == "":
		return p.Since, nil
	default:
		return 0, ErrOffsetUnknown
	}
}

// Claim asks for the session of a client that has come back.
type Claim struct {
	PrivateID string
	Namespace string
	Offset    string // of the last event that it received; "" is none

	answer func(k *Kept, err error)
	late   *actors.Timer
	auth   []byte
	// The way in: middlewares are asked about sockets that begin afresh alone, unless Options.RecoveryMiddlewares.
	entrance *Entrance
	hold     *hold
	kept     *Kept                 // once it was given
	restore  *roomregistry.Restore // once it was asked for
	overdue  bool                  // it was given up, and its client gets a new socket
	socket   *socket               // that has the hold, while middlewares are asked and from then on
}

// NewClaim makes a claim whose answer goes to a function, which returns at once.
func NewClaim(privateID, namespace, offset string, answer func(k *Kept, err error)) *Claim {
	return &Claim{PrivateID: privateID, Namespace: namespace, Offset: offset, answer: answer}
}

// Answer gives the session to who claimed it, or says why not. It is called once.
func (c *Claim) Answer(k *Kept, err error) { c.answer(k, err) }

// claimOf reads what a client says in its CONNECT; nil when it is new.
func claimOf(auth []byte) *Claim {
	var said struct {
		PID    json.RawMessage `json:"pid"`
		Offset json.RawMessage `json:"offset"`
	}
	if len(auth) == 0 || json.Unmarshal(auth, &said) != nil {
		return nil
	}
	c := new(Claim)
	if json.Unmarshal(said.PID, &c.PrivateID) != nil || c.PrivateID == "" {
		return nil
	}
	if said.Offset != nil && json.Unmarshal(said.Offset, &c.Offset) != nil {
		c.Offset = "?" // none that anybody gave
	}
	return c
}

// newPrivateID makes the secret by which a client is known again: 144 random bits.
func newPrivateID() string {
	var b [18]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// recoverable tells whether a client may go on with a session that ended for this reason: its transport was lost, and neither
// side wanted that.
func (r Reason) recoverable() bool {
	switch r {
	case ReasonTransportClose, ReasonTransportError, ReasonPingTimeout, ReasonForcedClose:
		return true
	default:
		return false
	}
}

// continuity is what a socket has of connection state recovery. What is not written before anybody sees the socket belongs to
// the actor.
type continuity struct {
	privateID string
	recovered bool
	failure   error
	former    any // what the application had bound to the former socket; until it has made the new one
	Progress
}

// Recovered tells whether the socket goes on with the session of one whose transport was lost.
func (s *Socket) Recovered() bool { return s.continuity != nil && s.continuity.recovered }

// RecoveryFailure tells why a client that wanted to go on with its session had to begin afresh; nil when it did not want to,
// or does.
func (s *Socket) RecoveryFailure() error {
	if s.continuity == nil {
		return nil
	}
	return s.continuity.failure
}

// PrivateID is the secret by which the client is known again; "" without recovery. It must not be logged.
func (s *Socket) PrivateID() string {
	if s.continuity == nil {
		return ""
	}
	return s.continuity.privateID
}

// Former is what is left for the application of a former socket, see Kept; nil when there was none. It is for App.NewSocket.
func (s *Socket) Former() any {
	if s.continuity == nil {
		return nil
	}
	return s.continuity.former
}

// Surrender ends a socket whose client goes on elsewhere.
func (s *Socket) Surrender() { s.session.tell(&surrender{socket: s}) }

// emitLogged emits an event by way of the registry, which remembers it.
func (s *Socket) emitLogged(b *roomregistry.Broadcast) {
	b.Namespace, b.Socket = s.namespace, s.id
	s.session.env.Recovery.Emit(b)
}
