package connection

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// found has names looked for; what is found is released exactly once.
type found struct {
	asked, given, released atomic.Int32
	answer                 func(ctx context.Context, name string) error
	admit                  func(ctx context.Context, s *Socket) error
}

func (f *found) find(ctx context.Context, name string, _ *Handshake) (*Entrance, error) {
	f.asked.Add(1)
	if err := f.answer(ctx, name); err != nil {
		return nil, err
	}
	f.given.Add(1)
	return &Entrance{Admit: f.admit, Release: func() { f.released.Add(1) }}, nil
}

func TestFind_EveryWayItEnds_GivesBackWhatWasFoundOnce(t *testing.T) {
	later := func(ctx context.Context, _ string) error { return slowly(ctx, nil) }
	stubborn := func(context.Context, string) error {
		time.Sleep(time.Second)
		return nil
	}
	for name, test := range map[string]struct {
		answer       func(ctx context.Context, name string) error
		admit        func(ctx context.Context, s *Socket) error
		end          func(r *rig)
		packet       string
		given, after int32
	}{
		"opened, left":         {later, nil, func(r *rig) { r.post("41/x,") }, `40/x,{"sid":"~`, 1, 1},
		"opened, session ends": {later, slowly, func(r *rig) { r.post("1") }, `40/x,{"sid":"~`, 1, 1},
		"opened, still there":  {later, nil, func(*rig) {}, `40/x,{"sid":"~`, 1, 0},
		"not found": {
			func(context.Context, string) error { return errNoNamespace }, nil, nil,
			`44/x,{"message":"Invalid namespace"}`, 0, 0,
		},
		"panic": {
			func(context.Context, string) error { panic("user code") }, nil, nil,
			`44/x,{"message":"Internal server error"}`, 0, 0,
		},
		"refused by a middleware": {
			later, func(context.Context, *Socket) error { return errors.New("no") }, nil, `44/x,{"message":"no"}`, 1, 1,
		},
		"given up while it looks": {stubborn, nil, func(r *rig) { r.post("41/x,") }, "", 1, 1},
		"session ends meanwhile":  {stubborn, nil, func(r *rig) { r.post("1") }, "", 1, 1},
		"aborted while it is asked": {
			later, func(ctx context.Context, _ *Socket) error { <-ctx.Done(); return nil },
			func(r *rig) {
				time.Sleep(1500 * time.Millisecond)
				r.system.Send(r.session.PID(), &Abort{Reason: ReasonServerShutdown})
			}, "", 1, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(r *rig) {
				f := &found{answer: test.answer, admit: test.admit}
				r.app.entrance = func(string) *Entrance { return &Entrance{Find: f.find} }
				r.post("40/x,")
				if test.packet != "" {
					time.Sleep(2 * time.Second)
					assert.Contains(t, r.get(), test.packet)
				}
				if test.end != nil {
					test.end(r)
				}
				time.Sleep(2 * time.Second)
				synctest.Wait()
				assert.EqualValues(t, 1, f.asked.Load())
				assert.Equal(t, test.given, f.given.Load())
				assert.Equal(t, test.after, f.released.Load())
			})
		})
	}
}

func TestEntrance_WithARelease_IsGivenBackWithTheSocket(t *testing.T) {
	inBubble(t, with(accept), func(r *rig) {
		released := 0
		r.app.entrance = func(string) *Entrance { return &Entrance{Release: func() { released++ }} }
		r.post("40")
		assert.Contains(t, r.get(), `40{"sid":"~`, "nobody was asked")
		r.post("41")
		assert.Equal(t, 1, released, "it was never authenticated")
		r.post("40", `42["authenticate"]`)
		assert.Contains(t, r.get(), "authenticated")
		assert.Equal(t, 1, released)
		r.post("41")
		assert.Equal(t, 2, released)
	})
}
