package connection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/wire"
)

// The events of the reference, and their fixed texts.
const (
	eventAuthenticate    = "authenticate"
	eventAuthenticated   = "authenticated"
	eventUnauthenticated = "unauthenticated"
	eventPing            = "ping"
	eventJoin            = "join"
	eventLeave           = "leave"

	textRefused  = "Invalid token to authenticate! Please login again!"
	textFailed   = "Failed to authenticate connection! Please login again!"
	textTimedOut = "Authentication timed out! Please login again!"
	textExpired  = "Authentication expired! Please login again!"
)

// timeFormat is ISO 8601 in UTC with milliseconds, as the original writes times.
const timeFormat = "2006-01-02T15:04:05.000Z"

// authenticateEvent turns the client's event into an input of the machine. A payload asks for a renewal.
func (c *connection) authenticateEvent(s *socket, m *received) {
	in := inAuthenticate
	if payload := m.args.Raw(0); payload != nil && string(payload) != "null" {
		in = inRenew
		if s.phase == phaseAuthenticated {
			renewed := *s.handle.handshake
			renewed.Auth, renewed.Renewal = payload, true
			s.renewal = &renewed
		}
	}
	if in == inAuthenticate && s.phase == phaseAuthenticated && c.auth(s).OnConnect {
		return // clients of the reference send it, and have been answered already
	}
	if int(c.failures) >= c.env.Options.MaxAuthAttempts || len(m.args.Raw(0)) > c.env.Options.MaxAuthBytes {
		in = inExhausted
	}
	c.authenticate(s, in)
}

// authenticate feeds the machine of a socket and executes what it answers with.
func (c *connection) authenticate(s *socket, in authInput) {
	if in == inDeadline {
		c.timedOut(s)
	}
	p, effects := next(s.phase, in)
	moved := p.public() != s.phase.public()
	s.phase = p
	// Of authentication announceUser tells, when the principal is known; of the end there is a message of its own.
	if moved && p.public() != Authenticated && p != phaseClosed {
		c.publish(s)
	}
	for _, e := range effects {
		c.execute(s, e)
	}
}

// publish makes the state visible: to the handle and to the supervisor.
func (c *connection) publish(s *socket) {
	state := s.phase.public()
	s.handle.state.Store(uint32(state))
	c.env.System.Send(c.env.Supervisor, &SocketState{Socket: s.handle, State: state, UserID: s.handle.UserID()})
}

func (c *connection) execute(s *socket, e authEffect) {
	switch e {
	case doArmDeadline:
		s.at[socketAuth] = c.authDeadline()
	case doArmEntry:
		s.at[socketAuth] = s.extra.by
	case doArmEntryVerdict: // each attempt has its time: there are few
		s.at[socketAuth] = sooner(s.extra.by, c.now().add(c.env.Options.AuthenticateTimeout))
	case doStopDeadline:
		s.at[socketAuth] = 0
	case doVerify:
		c.verify(s)
	case doCancelVerifier:
		s.stopJob()
	case doAdopt:
		c.adopt(s)
	case doSendSuccess:
		c.emitOwn(s, eventAuthenticated, "id", escaped(s.handle.id))
	case doAnnounce:
		c.announceUser(s)
	case doJoinDefaults:
		c.join(s, c.env.Options.DefaultRooms, nil)
	case doPing:
		c.appPing(s, c.env.firstOf(c.env.Options.AppPingInterval))
	case doConnected:
		c.connected(s)
	case doRefuse:
		c.env.Counters.AuthRefused.Add(1)
		c.farewell(s, textRefused, ReasonAuthenticationFailed)
	case doFail:
		c.env.Counters.AuthFailed.Add(1)
		c.farewell(s, textFailed, ReasonAuthenticationFailed)
	case doTimeOut:
		c.env.Counters.AuthTimedOut.Add(1)
		c.farewell(s, textTimedOut, ReasonAuthenticationTimeout)
	case doExpire:
		c.farewell(s, textExpired, ReasonPrincipalExpired)
	case doNoteInvalidState:
		c.log(s).LogAttrs(s.handle.ctx, c.session.Blame(), "client attempted auth in invalid state",
			slog.String("state", s.phase.public().String()))
	default:
		c.executeDenial(s, e)
	}
}

// executeDenial executes the effects that end a socket on its way in.
func (c *connection) executeDenial(s *socket, e authEffect) {
	switch e {
	case doDenyRefused:
		c.failures++
		c.env.Counters.AuthRefused.Add(1)
		m := s.extra.refusal
		if m == nil {
			m = c.session.refusal(s.namespace, textRefused)
		}
		c.deny(s, m, ReasonAuthenticationFailed)
	case doDenyFailed:
		c.failures++
		c.env.Counters.AuthFailed.Add(1)
		c.deny(s, c.session.refusal(s.namespace, textFailed), ReasonAuthenticationFailed)
	case doDenyTimedOut:
		c.failures++
		c.env.Counters.AuthTimedOut.Add(1)
		c.deny(s, c.session.refusal(s.namespace, textTimedOut), ReasonAuthenticationTimeout)
	case doDenyExpired:
		c.deny(s, c.session.refusal(s.namespace, textExpired), ReasonPrincipalExpired)
	case doDenyExhausted:
		c.env.Counters.AuthRefused.Add(1)
		c.deny(s, c.session.refusal(s.namespace, textRefused), ReasonAuthenticationFailed)
		c.close(ReasonAuthenticationFailed)
	case doDenyLate:
		c.deny(s, c.session.refusal(s.namespace, textLate), ReasonConnectTimeout)
	default:
	}
}

// authDeadline is the session's: a client that leaves and joins again gains no time.
func (c *connection) authDeadline() moment {
	if c.authBy == 0 {
		c.authBy = c.now().add(c.env.Options.AuthenticateTimeout)
	}
	return c.authBy
}

func (c *connection) log(s *socket) *slog.Logger {
	return c.env.System.Logger().With(
		slog.String("sid", s.handle.LogID()), slog.String("nsp", s.handle.namespace),
		slog.String("remote", c.session.handshake.Remote()))
}

// emitOwn sends one of the machine's own events. Its payload tells the time, and before that, if there is a key, something that
// needs no escape in JSON. It is written by hand: three such events are sent to each client that comes.
func (c *connection) emitOwn(s *socket, event, key, value string) {
	var room [192]byte
	array := append(append(append(room[:0], `["`...), event...), `",{`...)
	if key != "" {
		array = append(append(append(array, '"'), key...), `":"`...)
		array = append(append(array, value...), `",`...)
	}
	array = append(array, `"time":"`...)
	array = append(time.Now().UTC().AppendFormat(array, timeFormat), `"}]`...)
	m, err := wire.PrepareEvent(s.handle.namespace, false, 0, array, nil)
	if err != nil {
		panic(fmt.Sprintf("connection: own event does not encode: %v", err))
	}
	if s.extra != nil {
		s.extra.watcher.saw(m)
	}
	c.send(m, FlagKeep)
}

// escaped is what a socket id is between the quotes of JSON. Only one of revision 3 may need it: it begins with the namespace.
func escaped(id string) string {
	if !strings.ContainsAny(id, "\"\\") {
		return id
	}
	quoted, err := json.Marshal(id)
	if err != nil { // strings always encode
		return ""
	}
	return string(quoted[1 : len(quoted)-1])
}

// farewell tells the client why, then ends the whole session: a socket that failed must not hold the connection open.
func (c *connection) farewell(s *socket, text string, r Reason) {
	c.emitOwn(s, eventUnauthenticated, "message", text)
	c.close(r)
}

// appPing sends the application-level ping of the reference, unless there is none, and arms the next.
func (c *connection) appPing(s *socket, next time.Duration) {
	if next <= 0 {
		return
	}
	s.at[socketPing] = c.now().add(next)
	c.sendAppPing(s)
}

func (c *connection) sendAppPing(s *socket) {
	c.emitOwn(s, eventPing, "", "")
}

// pingSocket is Ping of the facade.
func (c *connection) pingSocket(m *pingSocket) {
	s := c.own(m.socket)
	switch {
	case s == nil, s.phase.entering():
	case !m.ignoreAuth && s.phase.public() != Authenticated:
		c.close(ReasonForcedServerClose)
	default:
		c.sendAppPing(s)
	}
}

// adopt takes the verdict's principal over and arms its expiry.
func (c *connection) adopt(s *socket) {
	c.failures = 0
	c.authBy = 0
	c.env.Counters.AuthSucceeded.Add(1)
	c.takeOver(s, s.adopted)
	s.adopted = nil
	if s.renewal != nil {
		s.handle.renewed.Store(s.renewal)
		s.renewal = nil
	}
}

// takeOver makes the socket that of a principal.
func (c *connection) takeOver(s *socket, p *Principal) {
	s.handle.principal.Store(p)
	s.at[socketExpiry] = 0
	if p != nil && !p.Expires.IsZero() {
		s.at[socketExpiry] = c.untilWall(p.Expires)
	}
}

// expire ends a socket whose principal's time is over, unless the wall clock was set back meanwhile.
func (c *connection) expire(s *socket) {
	if p := s.handle.Principal(); p != nil && time.Now().Before(p.Expires) {
		s.at[socketExpiry] = c.untilWall(p.Expires)
		return
	}
	c.authenticate(s, inExpired)
}

// untilWall is when a time of the wall clock comes, as far as can be told now: that clock may be set meanwhile.
func (c *connection) untilWall(t time.Time) moment { return c.now().add(time.Until(t)) }

func (c *connection) announceUser(s *socket) {
	c.env.System.Send(s.handle.shard.PID(), &roomregistry.Authenticated{Member: s.member, User: s.handle.UserID()})
	c.publish(s)
}

// verify starts the verifier beside the actor. Its answer comes back as a message with the number of the attempt; one that
// comes too late is recognised by it.
func (c *connection) verify(s *socket) {
	t := &verification{env: c.env, socket: s.handle, handshake: s.handle.handshake, verify: c.auth(s).Verify}
	t.attempt, t.ctx = s.begin()
	if s.renewal != nil {
		t.handshake = s.renewal
	}
	if s.phase.entering() {
		t.entering = true
		c.beside(t)
		return
	}
	if !c.env.System.Workers().Run(t) {
		s.cancel(ErrClosed)
	}
}

// stopJob ends the context of what runs beside the actor for the socket.
func (s *socket) stopJob() {
	if s.cancel != nil {
		s.cancel(ErrClosed)
		s.cancel = nil
	}
	s.attempt++ // what the running one answers is late from now on
}

// verification runs the verifier on a worker.
type verification struct {
	env       *Env
	socket    *Socket
	handshake *Handshake
	verify    Verifier
	entering  bool // the socket is on its way in
	attempt   uint32
	ctx       context.Context //nolint:containedctx // a task's own, from its start to its end
}

// Run calls the user's function and reports its verdict.
func (v *verification) Run() {
	m := &verdict{socket: v.socket, attempt: v.attempt, input: inFailed}
	defer func() {
		if r := recover(); r != nil {
			v.env.panicked("authenticate", r, debug.Stack())
			m.err = fmt.Errorf("%w: %v", ErrPanicked, r)
		}
		v.socket.session.tell(m)
		if v.entering {
			v.socket.session.gate.leave(0)
		}
	}()
	m.principal, m.err = v.verify(v.ctx, v.handshake)
	switch {
	case errors.Is(m.err, ErrRefused), m.err == nil && m.principal == nil:
		m.input = inRefused
	case m.err == nil:
		m.input = inAccepted
	}
	if _, own := asConnectError(m.err); own && v.entering {
		m.refusal = v.socket.session.refusalOf(v.socket.namespace, m.err)
	}
}

// verdict takes the verifier's answer, unless it comes too late.
func (c *connection) verdict(m *verdict) {
	s := c.own(m.socket)
	if s == nil || m.attempt != s.attempt {
		c.env.Counters.LateVerdicts.Add(1)
		return
	}
	s.stopJob() // it has answered; its context ends whatever the answer was
	if m.input == inFailed {
		c.log(s).LogAttrs(s.handle.ctx, failureLevel(c.env.verdicts, m.err), "failed to authenticate", slog.Any("err", m.err))
	}
	s.adopted = m.principal
	if s.phase == phaseVerifying {
		s.extra.refusal = m.refusal
	}
	c.authenticate(s, m.input)
	if s.phase == phaseAdmitted {
		c.proceed(s)
	}
	c.verifyWaiting()
	c.rearm()
}

// forceAuthenticated authenticates a socket by order of the application.
func (c *connection) forceAuthenticated(m *forceAuthenticated) {
	s := c.own(m.socket)
	if s == nil || s.phase.public() == Authenticated {
		return
	}
	s.adopted = m.principal
	c.authenticate(s, inForce)
	c.rearm()
}
