package connection

// The authentication of one socket as a pure function: no actor, no clock, no I/O. The actor feeds it inputs and
// executes the effects that it answers with, in their order.

// State is the public state of a client: the three of the reference.
type State uint8

// The states.
const (
	Unauthorized State = iota
	Authenticating
	Authenticated
)

// String returns the public name.
func (s State) String() string {
	switch s {
	case Unauthorized:
		return "unauthorized"
	case Authenticating:
		return "authenticating"
	case Authenticated:
		return "authenticated"
	default:
		return "unknown"
	}
}

// phase is where the machine stands. It knows some things more than State: what is on its way into a namespace that does not let
// everybody in at once, a renewal that runs beside an authenticated socket, and the end.
type phase uint8

const (
	phaseNew       phase = iota
	phaseEntering        // on its way in; nobody knows whose it is
	phaseVerifying       // likewise; the verifier runs, with the payload of CONNECT
	phaseAdmitted        // likewise; it is known whose it is
	phaseUnauthorized
	phaseAuthenticating
	phaseAuthenticated
	phaseRenewing
	phaseClosed
	phases
)

// entering tells whether the client's CONNECT has not been answered yet.
func (p phase) entering() bool {
	return p == phaseEntering || p == phaseVerifying || p == phaseAdmitted
}

func (p phase) public() State {
	switch p {
	case phaseAuthenticating:
		return Authenticating
	case phaseAuthenticated, phaseRenewing:
		return Authenticated
	case phaseNew, phaseEntering, phaseVerifying, phaseAdmitted, phaseUnauthorized, phaseClosed, phases:
		return Unauthorized
	default:
		return Unauthorized
	}
}

// authInput is what can happen to the machine.
type authInput uint8

const (
	inConnect      authInput = iota // the socket joined its namespace
	inRestore                       // it goes on with a session that was authenticated
	inEnter                         // it wants to, and must be asked about
	inVerify                        // it authenticates with the payload of CONNECT
	inAuthenticate                  // the client sent `authenticate` without a payload
	inRenew                         // the client sent `authenticate` with a payload
	inExhausted                     // the client sent `authenticate` or CONNECT, and the session has no attempt left
	inAccepted                      // the verifier said yes (of the current attempt)
	inRefused                       // the verifier said no
	inFailed                        // the verifier returned an error or panicked
	inForce                         // the application authenticated the socket itself
	inDeadline                      // no verdict in time
	inExpired                       // the principal's time is over
	inClosed                        // the socket is gone, for whatever reason
	authInputs
)

// authEffect is what the actor has to do.
type authEffect uint8

const (
	doArmDeadline      authEffect = iota // arm the deadline of authentication
	doArmEntry                           // arm that of the way in
	doArmEntryVerdict                    // arm that of a verdict on the way in
	doStopDeadline                       // and stop it
	doVerify                             // start the verifier with the next attempt number
	doCancelVerifier                     // cancel the verifier's context; its verdict no longer counts
	doAdopt                              // take over the principal of the verdict
	doSendSuccess                        // `authenticated {id, time}`
	doAnnounce                           // tell the registry that the socket is authenticated
	doJoinDefaults                       // join the default rooms
	doPing                               // `ping {time}`, and arm the next one
	doConnected                          // the connected callback, first in the inbox
	doRefuse                             // `unauthenticated`, invalid token; then close the session
	doFail                               // `unauthenticated`, failed; log; then close the session
	doTimeOut                            // `unauthenticated`, timed out; then close the session
	doExpire                             // `unauthenticated`, expired; then close the session
	doDenyRefused                        // cancel whoever is asked; connect_error, with the text of doRefuse or the verifier's own
	doDenyFailed                         // likewise, of doFail
	doDenyTimedOut                       // likewise, of doTimeOut
	doDenyExpired                        // likewise, of doExpire
	doDenyExhausted                      // likewise, of doRefuse; then close the session
	doDenyLate                           // connect_error: whoever was asked took too long
	doNoteInvalidState                   // log that `authenticate` came in a state where it means nothing
)

// next is the whole machine. Every pair of phase and input is legal; what has no effect stays where it is.
func next(p phase, in authInput) (phase, []authEffect) {
	if in == inClosed {
		return closed(p)
	}
	switch p {
	case phaseNew:
		return fromNew(in)
	case phaseEntering:
		return fromEntering(in)
	case phaseVerifying:
		return fromVerifying(in)
	case phaseAdmitted:
		return fromAdmitted(in)
	case phaseUnauthorized:
		return fromUnauthorized(in)
	case phaseAuthenticating:
		return fromAuthenticating(in)
	case phaseAuthenticated:
		return fromAuthenticated(in)
	case phaseRenewing:
		return fromRenewing(in)
	case phaseClosed, phases:
		return p, nil
	default:
		return p, nil
	}
}

func closed(p phase) (phase, []authEffect) {
	switch p {
	case phaseUnauthorized:
		return phaseClosed, []authEffect{doStopDeadline}
	case phaseEntering, phaseVerifying, phaseAdmitted, phaseAuthenticating, phaseRenewing:
		return phaseClosed, []authEffect{doStopDeadline, doCancelVerifier}
	case phaseNew, phaseAuthenticated, phaseClosed, phases:
		return phaseClosed, nil
	default:
		return phaseClosed, nil
	}
}

func fromNew(in authInput) (phase, []authEffect) {
	switch in {
	case inConnect:
		return phaseUnauthorized, []authEffect{doArmDeadline}
	case inRestore: // its rooms it has already
		return phaseAuthenticated, []authEffect{doSendSuccess, doAnnounce, doPing, doConnected}
	case inEnter:
		return phaseEntering, []authEffect{doArmEntry}
	default:
		return phaseNew, nil
	}
}

func fromEntering(in authInput) (phase, []authEffect) {
	switch in {
	case inConnect:
		return phaseUnauthorized, []authEffect{doArmDeadline}
	case inVerify:
		return phaseVerifying, []authEffect{doArmEntryVerdict, doVerify}
	case inForce:
		return phaseAdmitted, []authEffect{doAdopt}
	case inRestore: // if it comes in: its session is known
		return phaseAdmitted, nil
	case inExhausted:
		return phaseClosed, []authEffect{doStopDeadline, doDenyExhausted}
	case inDeadline:
		return phaseClosed, []authEffect{doDenyLate}
	default:
		return phaseEntering, nil
	}
}

func fromVerifying(in authInput) (phase, []authEffect) {
	switch in {
	case inAccepted:
		return phaseAdmitted, []authEffect{doArmEntry, doAdopt}
	case inRefused:
		return phaseClosed, []authEffect{doStopDeadline, doDenyRefused}
	case inFailed:
		return phaseClosed, []authEffect{doStopDeadline, doDenyFailed}
	case inDeadline:
		return phaseClosed, []authEffect{doDenyTimedOut}
	default:
		return phaseVerifying, nil
	}
}

func fromAdmitted(in authInput) (phase, []authEffect) {
	switch in {
	case inConnect:
		return phaseAuthenticated, welcome(doStopDeadline)
	case inRestore: // its rooms it has already
		return phaseAuthenticated, []authEffect{doStopDeadline, doSendSuccess, doAnnounce, doPing, doConnected}
	case inExpired:
		return phaseClosed, []authEffect{doStopDeadline, doDenyExpired}
	case inDeadline:
		return phaseClosed, []authEffect{doDenyLate}
	default:
		return phaseAdmitted, nil
	}
}

func fromUnauthorized(in authInput) (phase, []authEffect) {
	switch in {
	case inAuthenticate, inRenew:
		return phaseAuthenticating, []authEffect{doVerify}
	case inForce:
		return phaseAuthenticated, welcome(doStopDeadline, doAdopt)
	case inExhausted:
		return phaseClosed, []authEffect{doStopDeadline, doRefuse}
	case inDeadline:
		return phaseClosed, []authEffect{doTimeOut}
	default:
		return phaseUnauthorized, nil
	}
}

func fromAuthenticating(in authInput) (phase, []authEffect) {
	switch in {
	case inAccepted:
		return phaseAuthenticated, welcome(doStopDeadline, doAdopt)
	case inForce:
		return phaseAuthenticated, welcome(doStopDeadline, doCancelVerifier, doAdopt)
	case inRefused:
		return phaseClosed, []authEffect{doStopDeadline, doRefuse}
	case inFailed:
		return phaseClosed, []authEffect{doStopDeadline, doFail}
	case inDeadline:
		return phaseClosed, []authEffect{doCancelVerifier, doTimeOut}
	case inAuthenticate, inRenew, inExhausted:
		return phaseAuthenticating, []authEffect{doNoteInvalidState}
	default:
		return phaseAuthenticating, nil
	}
}

// welcome is what every way into the authenticated state ends with. `authenticated` precedes whatever else
// authentication causes on the wire.
func welcome(first ...authEffect) []authEffect {
	return append(first, doSendSuccess, doAnnounce, doJoinDefaults, doPing, doConnected)
}

func fromAuthenticated(in authInput) (phase, []authEffect) {
	switch in {
	case inRenew:
		return phaseRenewing, []authEffect{doArmDeadline, doVerify}
	case inExhausted:
		return phaseClosed, []authEffect{doRefuse}
	case inExpired:
		return phaseClosed, []authEffect{doExpire}
	case inAuthenticate:
		return phaseAuthenticated, []authEffect{doNoteInvalidState}
	default:
		return phaseAuthenticated, nil
	}
}

// fromRenewing: a socket that renews is authenticated all the while; only its verdict can end that.
func fromRenewing(in authInput) (phase, []authEffect) {
	switch in {
	case inAccepted:
		return phaseAuthenticated, []authEffect{doStopDeadline, doAdopt, doAnnounce, doSendSuccess}
	case inRefused:
		return phaseClosed, []authEffect{doStopDeadline, doRefuse}
	case inFailed:
		return phaseClosed, []authEffect{doStopDeadline, doFail}
	case inDeadline:
		return phaseClosed, []authEffect{doCancelVerifier, doTimeOut}
	case inExpired:
		return phaseClosed, []authEffect{doStopDeadline, doCancelVerifier, doExpire}
	case inAuthenticate, inRenew, inExhausted:
		return phaseRenewing, []authEffect{doNoteInvalidState}
	default:
		return phaseRenewing, nil
	}
}
