package component

import (
	"context"
	"errors"
	"fmt"
)

// Stop ends the application, in the order that the package describes, and a start that is under way with it; when its context
// ends what is left is cut off, and what ignores that is left behind and named. After a part has failed it closes the others.
// Before Start it closes what the options brought along, runs the stop hooks and keeps the application from starting. Further
// calls wait for the first and return the same, but no longer than their own context. Errors: those of the steps, joined; all
// steps are made.
//
// A handler of Socket.IO may call it, with a context that does not end with its client: that goes away meanwhile.
func (a *Application) Stop(ctx context.Context) error {
	if ctx.Value(insideKey{}) == a {
		return ErrInsideHook
	}
	a.mutex.Lock()
	started, first := a.startCalled, !a.stopCalled
	a.stopCalled = true
	a.close(ErrStopped)
	a.mutex.Unlock()
	if !first {
		return a.awaitStop(ctx)
	}
	defer context.AfterFunc(ctx, func() { a.cutOff(context.Cause(ctx)) })()
	if started {
		<-a.startEnded // soon: what it waits for has ended
	}
	return a.closeAll(ctx)
}

// awaitStop waits for who stops the application.
func (a *Application) awaitStop(ctx context.Context) error {
	select {
	case <-a.stopEnded:
		return a.stopErr
	default:
	}
	select {
	case <-a.stopEnded:
		return a.stopErr
	case <-ctx.Done():
		return fmt.Errorf("component: stop, which another call has begun: %w", context.Cause(ctx))
	}
}

// closeAll closes everything, once.
func (a *Application) closeAll(ctx context.Context) error {
	a.closeOnce.Do(func() {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		defer context.AfterFunc(a.patience, func() { cancel(context.Cause(a.patience)) })()
		a.stopErr = errors.Join(a.stopComponents(ctx), a.executeStopHooks(ctx), a.stopServer(ctx))
		close(a.stopEnded)
		a.end()
	})
	return a.stopErr
}

// stopComponents stops those that were bound, the last first.
func (a *Application) stopComponents(ctx context.Context) error {
	var problems []error
	for {
		c, ok := a.bound.last()
		if !ok {
			return errors.Join(problems...)
		}
		call := a.call
		if _, ok := c.(*SocketIO); ok { // ends with the context, and must see whether a handler of its own calls
			call = a.guard
		}
		if err := call(ctx, func(ctx context.Context) error { return c.Stop(ctx, a) }); err != nil {
			problems = append(problems, fmt.Errorf("component: stop %T: %w", c, err))
		}
	}
}
