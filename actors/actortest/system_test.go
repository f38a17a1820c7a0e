package actortest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio/actors/actortest"
)

func TestNewSystem_NothingLeft_Passes(t *testing.T) {
	j := &judge{}
	sys := actortest.NewSystem(j)
	sys.Go("short", func() {})
	j.end()
	assert.Empty(t, j.failures)
	sys.Report("after the end", "must not reach the test's log", nil)
}

func TestNewSystem_SomethingLeft_FailsTheTestAndNamesIt(t *testing.T) {
	actortest.Bubble(t, func(t *testing.T) {
		j := &judge{}
		sys := actortest.NewSystem(j)
		release := make(chan struct{})
		sys.Go("forgotten", func() { <-release })
		timer := sys.Clock().NewTimer("forgotten too", func() {})
		timer.Reset(time.Hour)
		j.end()
		assert.Equal(t, []string{
			"closing the system: actors: still running: goroutine forgotten (1), timer forgotten too (1)",
		}, j.failures)
		close(release)
		timer.Stop()
	})
}

func TestBubble_LongTimeout_TakesNoRealTime(t *testing.T) {
	start := time.Now()
	actortest.Bubble(t, func(t *testing.T) {
		sys := actortest.NewSystem(t)
		p := actortest.NewProbe(t, sys)
		sys.Clock().NewTimer("auth", func() { sys.Send(p.PID(), "too late") }).Reset(45 * time.Second)
		actortest.ExpectNone(t, p, 45*time.Second-1)
		assert.Equal(t, "too late", actortest.Expect[string](t, p))
	})
	assert.Less(t, time.Since(start), 5*time.Second)
}

func TestBubble_DeadLetterAtTheEnd_DoesNotOutliveTheBubble(t *testing.T) {
	for range 20 {
		actortest.Bubble(t, func(t *testing.T) {
			actortest.NewSystem(t).Send(actortest.NewPID("nobody"), "lost")
		})
	}
}
