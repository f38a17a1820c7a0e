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
		},
		phaseUnauthorized: {
			inConnect: stays(phaseUnauthorized), inRestore: stays(phaseUnauthorized),
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
		ends := count(done, doRefuse) + count(done, doFail) + count(done, doTimeOut) + count(done, doExpire)
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
			case doArmDeadline:
				armed = true
			case doStopDeadline, doTimeOut: // a deadline that passed is not armed any more
				armed = false
			case doVerify:
				running = true
			case doCancelVerifier, doAdopt, doRefuse, doFail: // a verdict ends the verifier
				running = false
			default:
			}
		}
		if armed || running {
			t.Fatalf("armed %v, running %v after %v", armed, running, done)
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
