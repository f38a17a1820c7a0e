package connection

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// row is what one pair of phase and input leads to.
type row struct {
	to      phase
	effects []authEffect
}

var welcomeEffects = []authEffect{doSendSuccess, doAnnounce, doJoinDefaults, doPing, doConnected}

func stays(p phase) row { return row{to: p} }

// authTable is the whole machine, written down a second time: every phase with every input.
func authTable() map[phase]map[authInput]row {
	return map[phase]map[authInput]row{
		phaseNew: {
			inConnect:      {phaseUnauthorized, []authEffect{doArmDeadline}},
			inRestore:      {phaseAuthenticated, []authEffect{doSendSuccess, doAnnounce, doPing, doConnected}},
			inAuthenticate: stays(phaseNew), inRenew: stays(phaseNew), inExhausted: stays(phaseNew),
			inAccepted: stays(phaseNew), inRefused: stays(phaseNew), inFailed: stays(phaseNew), inForce: stays(phaseNew),
			inDeadline: stays(phaseNew), inExpired: stays(phaseNew), inClosed: stays(phaseClosed),
			inEnter:  {phaseEntering, []authEffect{doArmEntry}},
			inVerify: stays(phaseNew),
		},
		phaseEntering: {
			inRestore:      stays(phaseAdmitted),
			inConnect:      {phaseUnauthorized, []authEffect{doArmDeadline}},
			inEnter:        stays(phaseEntering),
			inVerify:       {phaseVerifying, []authEffect{doArmEntryVerdict, doVerify}},
			inAuthenticate: stays(phaseEntering), inRenew: stays(phaseEntering),
			inExhausted: {phaseClosed, []authEffect{doStopDeadline, doDenyExhausted}},
			inAccepted:  stays(phaseEntering), inRefused: stays(phaseEntering), inFailed: stays(phaseEntering),
			inForce:    {phaseAdmitted, []authEffect{doAdopt}},
			inDeadline: {phaseClosed, []authEffect{doDenyLate}},
			inExpired:  stays(phaseEntering),
			inClosed:   {phaseClosed, []authEffect{doStopDeadline, doCancelVerifier}},
		},
		phaseVerifying: {
			inRestore: stays(phaseVerifying),
			inConnect: stays(phaseVerifying), inEnter: stays(phaseVerifying), inVerify: stays(phaseVerifying),
			inAuthenticate: stays(phaseVerifying), inRenew: stays(phaseVerifying), inExhausted: stays(phaseVerifying),
			inAccepted: {phaseAdmitted, []authEffect{doArmEntry, doAdopt}},
			inRefused:  {phaseClosed, []authEffect{doStopDeadline, doDenyRefused}},
			inFailed:   {phaseClosed, []authEffect{doStopDeadline, doDenyFailed}},
			inForce:    stays(phaseVerifying),
			inDeadline: {phaseClosed, []authEffect{doDenyTimedOut}},
			inExpired:  stays(phaseVerifying),
			inClosed:   {phaseClosed, []authEffect{doStopDeadline, doCancelVerifier}},
		},
		phaseAdmitted: {
			inRestore: {phaseAuthenticated, []authEffect{doStopDeadline, doSendSuccess, doAnnounce, doPing, doConnected}},
			inConnect: {phaseAuthenticated, append([]authEffect{doStopDeadline}, welcomeEffects...)},
			inEnter:   stays(phaseAdmitted), inVerify: stays(phaseAdmitted),
			inAuthenticate: stays(phaseAdmitted), inRenew: stays(phaseAdmitted), inExhausted: stays(phaseAdmitted),
			inAccepted: stays(phaseAdmitted), inRefused: stays(phaseAdmitted), inFailed: stays(phaseAdmitted),
			inForce:    stays(phaseAdmitted),
			inDeadline: {phaseClosed, []authEffect{doDenyLate}},
			inExpired:  {phaseClosed, []authEffect{doStopDeadline, doDenyExpired}},
			inClosed:   {phaseClosed, []authEffect{doStopDeadline, doCancelVerifier}},
		},
		phaseUnauthorized: {
			inConnect: stays(phaseUnauthorized), inRestore: stays(phaseUnauthorized),
			inEnter: stays(phaseUnauthorized), inVerify: stays(phaseUnauthorized),
			inAuthenticate: {phaseAuthenticating, []authEffect{doVerify}},
			inRenew:        {phaseAuthenticating, []authEffect{doVerify}},
			inExhausted:    {phaseClosed, []authEffect{doStopDeadline, doRefuse}},
			inAccepted:     stays(phaseUnauthorized), inRefused: stays(phaseUnauthorized), inFailed: stays(phaseUnauthorized),
			inForce:    {phaseAuthenticated, append([]authEffect{doStopDeadline, doAdopt}, welcomeEffects...)},
			inDeadline: {phaseClosed, []authEffect{doTimeOut}},
			inExpired:  stays(phaseUnauthorized),
			inClosed:   {phaseClosed, []authEffect{doStopDeadline}},
		},
		phaseAuthenticating: {
			inConnect: stays(phaseAuthenticating), inRestore: stays(phaseAuthenticating),
			inEnter: stays(phaseAuthenticating), inVerify: stays(phaseAuthenticating),
			inAuthenticate: {phaseAuthenticating, []authEffect{doNoteInvalidState}},
			inRenew:        {phaseAuthenticating, []authEffect{doNoteInvalidState}},
			inExhausted:    {phaseAuthenticating, []authEffect{doNoteInvalidState}},
			inAccepted:     {phaseAuthenticated, append([]authEffect{doStopDeadline, doAdopt}, welcomeEffects...)},
			inRefused:      {phaseClosed, []authEffect{doStopDeadline, doRefuse}},
			inFailed:       {phaseClosed, []authEffect{doStopDeadline, doFail}},
			inForce:        {phaseAuthenticated, append([]authEffect{doStopDeadline, doCancelVerifier, doAdopt}, welcomeEffects...)},
			inDeadline:     {phaseClosed, []authEffect{doCancelVerifier, doTimeOut}},
			inExpired:      stays(phaseAuthenticating),
			inClosed:       {phaseClosed, []authEffect{doStopDeadline, doCancelVerifier}},
		},
		phaseAuthenticated: {
			inConnect: stays(phaseAuthenticated), inRestore: stays(phaseAuthenticated),
			inEnter: stays(phaseAuthenticated), inVerify: stays(phaseAuthenticated),
			inAuthenticate: {phaseAuthenticated, []authEffect{doNoteInvalidState}},
			inRenew:        {phaseRenewing, []authEffect{doArmDeadline, doVerify}},
			inExhausted:    {phaseClosed, []authEffect{doRefuse}},
			inAccepted:     stays(phaseAuthenticated), inRefused: stays(phaseAuthenticated), inFailed: stays(phaseAuthenticated),
			inForce: stays(phaseAuthenticated), inDeadline: stays(phaseAuthenticated),
			inExpired: {phaseClosed, []authEffect{doExpire}},
			inClosed:  stays(phaseClosed),
		},
		phaseRenewing: {
			inConnect: stays(phaseRenewing), inRestore: stays(phaseRenewing),
			inEnter: stays(phaseRenewing), inVerify: stays(phaseRenewing),
			inAuthenticate: {phaseRenewing, []authEffect{doNoteInvalidState}},
			inRenew:        {phaseRenewing, []authEffect{doNoteInvalidState}},
			inExhausted:    {phaseRenewing, []authEffect{doNoteInvalidState}},
			inAccepted:     {phaseAuthenticated, []authEffect{doStopDeadline, doAdopt, doAnnounce, doSendSuccess}},
			inRefused:      {phaseClosed, []authEffect{doStopDeadline, doRefuse}},
			inFailed:       {phaseClosed, []authEffect{doStopDeadline, doFail}},
			inForce:        stays(phaseRenewing),
			inDeadline:     {phaseClosed, []authEffect{doCancelVerifier, doTimeOut}},
			inExpired:      {phaseClosed, []authEffect{doStopDeadline, doCancelVerifier, doExpire}},
			inClosed:       {phaseClosed, []authEffect{doStopDeadline, doCancelVerifier}},
		},
		phaseClosed: {
			inEnter: stays(phaseClosed), inVerify: stays(phaseClosed),
			inConnect: stays(phaseClosed), inRestore: stays(phaseClosed), inAuthenticate: stays(phaseClosed), inRenew: stays(phaseClosed),
			inExhausted: stays(phaseClosed), inAccepted: stays(phaseClosed), inRefused: stays(phaseClosed),
			inFailed: stays(phaseClosed), inForce: stays(phaseClosed), inDeadline: stays(phaseClosed),
			inExpired: stays(phaseClosed), inClosed: stays(phaseClosed),
		},
	}
}

func TestAuthMachine_EveryPhaseWithEveryInput_DoesWhatTheTableSays(t *testing.T) {
	table := authTable()
	for p := range phases {
		for in := range authInputs {
			t.Run(fmt.Sprintf("phase %d input %d", p, in), func(t *testing.T) {
				want, ok := table[p][in]
				if !ok {
					t.Fatal("the table has no row for this pair")
				}
				to, effects := next(p, in)
				assert.Equal(t, want.to, to)
				assert.Equal(t, want.effects, effects)
			})
		}
	}
}

// reach walks every sequence of inputs up to a length and calls visit with what was done on the way.
func reach(p phase, done []authEffect, depth int, visit func(phase, []authEffect)) {
	visit(p, done)
	if depth == 0 {
		return
	}
	for in := range authInputs {
		to, effects := next(p, in)
		if to != p || len(effects) > 0 {
			reach(to, append(slices.Clip(done), effects...), depth-1, visit)
		}
	}
}

func count(effects []authEffect, e authEffect) (n int) {
	for _, o := range effects {
		if o == e {
			n++
		}
	}
	return n
}

func TestAuthMachine_AnySequence_ConnectsAtMostOnceAndEndsAtMostOnce(t *testing.T) {
	reach(phaseNew, nil, 7, func(_ phase, done []authEffect) {
		ends := 0
		for _, e := range []authEffect{
			doRefuse, doFail, doTimeOut, doExpire,
			doDenyRefused, doDenyFailed, doDenyTimedOut, doDenyExpired, doDenyExhausted, doDenyLate,
		} {
			ends += count(done, e)
		}
		if count(done, doConnected) > 1 || ends > 1 {
			t.Fatalf("connected or ended twice: %v", done)
		}
	})
}

func TestAuthMachine_AnySequenceToTheEnd_LeavesNoDeadlineAndNoVerifier(t *testing.T) {
	reach(phaseNew, nil, 7, func(p phase, done []authEffect) {
		if p != phaseClosed {
			return
		}
		armed, running := false, false
		for _, e := range done {
			switch e {
			case doArmDeadline, doArmEntry, doArmEntryVerdict:
				armed = true
			case doStopDeadline, doTimeOut: // a deadline that passed is not armed any more
				armed = false
			case doDenyTimedOut, doDenyLate:
				armed, running = false, false // whoever is denied is waited for no longer
			case doVerify:
				running = true
			case doCancelVerifier, doAdopt, doRefuse, doFail, doDenyRefused, doDenyFailed, doDenyExpired: // a verdict ends the verifier
				running = false
			default:
			}
		}
		if armed || running {
			t.Fatalf("armed %v, running %v after %v", armed, running, done)
		}
	})
}

func TestAuthMachine_OnTheWayIn_IsNeverAuthenticatedBeforeItIsIn(t *testing.T) {
	reach(phaseNew, nil, 7, func(p phase, done []authEffect) {
		if p.entering() && (p.public() != Unauthorized || count(done, doSendSuccess)+count(done, doConnected) > 0) {
			t.Fatalf("phase %d after %v", p, done)
		}
	})
}

func TestAuthMachine_AnySequence_AuthenticatedPrecedesWhatItCauses(t *testing.T) {
	reach(phaseNew, nil, 6, func(_ phase, done []authEffect) {
		sent := false
		for _, e := range done {
			switch e {
			case doSendSuccess:
				sent = true
			case doJoinDefaults, doPing, doConnected:
				if !sent {
					t.Fatalf("caused before authenticated: %v", done)
				}
			default:
			}
		}
	})
}

func TestState_Strings_AreTheReferences(t *testing.T) {
	assert.Equal(t, "unauthorized", Unauthorized.String())
	assert.Equal(t, "authenticating", Authenticating.String())
	assert.Equal(t, "authenticated", Authenticated.String())
}
