package actors

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// stopPoll is how often Stop looks at an actor that somebody else is stopping already.
const stopPoll = 5 * time.Millisecond

// Stop stops the actor and returns when its children have stopped and its handler of Stopped has returned. Messages that
// wait in its mailbox are dropped. It returns nil at once for nil and for an actor that does not exist (any more); one
// that somebody else has stopped counts as such as soon as it begins to handle Stopped. When ctx ends first the actor
// still stops, later, and the error is ErrStillRunning and ctx's. It must not be called in an actor's Receive.
func (s *System) Stop(ctx context.Context, pid *actor.PID) error {
	if pid == nil {
		return nil
	}
	process, ok := s.actors.ProcessRegistry.Get(pid)
	if !ok {
		return nil
	}
	w := &watcher{terminated: make(chan struct{}, 1)}
	w.self, _ = s.actors.ProcessRegistry.Add(w, s.Name("stop"))
	defer s.actors.ProcessRegistry.Remove(w.self)
	for first := true; ; first = false {
		// An actor that is stopping already answers a Watch at once, before it has stopped. One that has left the
		// registry answers when it is done with its Stopped.
		gone := !s.registered(pid)
		process.SendSystemMessage(pid, &actor.Watch{Watcher: w.self})
		if first {
			process.Stop(pid)
		}
		select {
		case <-w.terminated:
		case <-ctx.Done():
			process.SendSystemMessage(pid, &actor.Unwatch{Watcher: w.self})
			return fmt.Errorf("%w: actor %s: %w", ErrStillRunning, pid.Id, ctx.Err())
		}
		if gone {
			return nil
		}
		if s.registered(pid) {
			s.pause(ctx, stopPoll)
		}
	}
}

func (s *System) registered(pid *actor.PID) bool {
	_, ok := s.actors.ProcessRegistry.Get(pid)
	return ok
}

// pause waits d or until ctx ends.
func (s *System) pause(ctx context.Context, d time.Duration) {
	ctx, cancel := s.clock.Context(ctx, "stop", d)
	defer cancel()
	<-ctx.Done()
}

// watcher is a process that waits for Terminated. The library's futures would do, but have data races.
type watcher struct {
	self       *actor.PID
	terminated chan struct{}
}

// SendUserMessage drops m: nobody knows the address.
func (w *watcher) SendUserMessage(*actor.PID, any) {}

// SendSystemMessage takes the answer to the Watch.
func (w *watcher) SendSystemMessage(_ *actor.PID, m any) {
	if _, ok := m.(*actor.Terminated); !ok {
		return
	}
	select {
	case w.terminated <- struct{}{}:
	default:
	}
}

// Stop does nothing: a watcher ends with the call it belongs to.
func (w *watcher) Stop(*actor.PID) {}

// Close ends the workers, waits for all goroutines, and checks that no timer is armed. Stop the actors first. When ctx
// ends first, or a timer is armed, the error is ErrStillRunning and names what is left. Close may be called again, and
// concurrently. Called from a worker's task it does not wait for that task. The actor system is not touched.
func (s *System) Close(ctx context.Context) error {
	self := 0
	if s.workers.Inside() {
		self = 1
	}
	_ = s.workers.Stop(ctx)
	_ = s.goroutines.total.wait(ctx, 0)
	s.clock.settle(ctx)
	var left []string
	running := s.Running()
	if running[workerName] -= self; running[workerName] <= 0 {
		delete(running, workerName)
	}
	left = appendCounts(left, "goroutine", running)
	left = appendCounts(left, "timer", s.clock.Armed())
	if len(left) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrStillRunning, strings.Join(left, ", "))
}

// appendCounts appends one description for each name, in order of the names.
func appendCounts(to []string, kind string, counts map[string]int) []string {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		to = append(to, fmt.Sprintf("%s %s (%d)", kind, name, counts[name]))
	}
	return to
}
