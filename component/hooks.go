package component

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/actio-go/actio"
)

// Errors of hooks and components.
var (
	// ErrPanic: it panicked; the error has what it panicked with, and where.
	ErrPanic = errors.New("panic")
	// ErrInsideHook: Stop was called with the context of a hook or a component, which it would wait for.
	ErrInsideHook = errors.New("component: Stop called from inside: return an error, or call Fail")
)

// Hook is a step of an application's start or stop. That of a start has a context that ends when Start returns, whatever the
// result; it is no context for what goes on.
type Hook func(ctx context.Context) error

// namedHook is a hook with the name that logs and errors know it by.
type namedHook struct {
	identifier string
	run        Hook
}

// RegisterPostStartHook adds a step that Start runs when the HTTP server listens: the steps run one after another, in the
// order of their registration. One that fails, or panics, ends the start. A component registers its own in Binding, and a hook
// may register further ones. Errors: ErrNil; ErrTooLate when all have run, or the application ends.
func (a *Application) RegisterPostStartHook(identifier string, hook Hook) error {
	switch {
	case hook == nil:
		return fmt.Errorf("%w: post-start hook %q", ErrNil, identifier)
	case a.closing.Err() != nil || !a.postStart.add(namedHook{identifier, hook}):
		return fmt.Errorf("%w: post-start hook %q", ErrTooLate, identifier)
	}
	a.log.Debug("Registered post-start hook", slog.String("identifier", identifier))
	return nil
}

// RegisterStopHook adds a step that Stop runs when the components have stopped, and before the HTTP server does: the last one
// first. A failing one does not keep the others from running. A start that fails runs them, too. Errors: ErrNil; ErrTooLate when
// all have run.
func (a *Application) RegisterStopHook(identifier string, hook Hook) error {
	switch {
	case hook == nil:
		return fmt.Errorf("%w: stop hook %q", ErrNil, identifier)
	case !a.onStop.add(namedHook{identifier, hook}):
		return fmt.Errorf("%w: stop hook %q", ErrTooLate, identifier)
	}
	return nil
}

// executePostStartHooks ends with the first that fails.
func (a *Application) executePostStartHooks(ctx context.Context) error {
	if n := a.postStart.len(); n > 0 {
		a.log.Info("Executing post-start hook(s)...", slog.Int("count", n))
	}
	for {
		h, ok := a.postStart.first()
		if !ok {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("component: before post-start hook %q: %w", h.identifier, context.Cause(ctx))
		}
		if err := a.execute(ctx, h); err != nil {
			return fmt.Errorf("component: post-start hook %q: %w", h.identifier, err)
		}
	}
}

// executeStopHooks runs all, the last first.
func (a *Application) executeStopHooks(ctx context.Context) error {
	var problems []error
	for {
		h, ok := a.onStop.last()
		if !ok {
			return errors.Join(problems...)
		}
		if err := a.execute(ctx, h); err != nil {
			problems = append(problems, fmt.Errorf("component: stop hook %q: %w", h.identifier, err))
		}
	}
}

// execute runs a hook and logs how long it took.
func (a *Application) execute(ctx context.Context, h namedHook) error {
	began := time.Now()
	err := a.call(ctx, h.run)
	identifier := slog.String("identifier", h.identifier)
	took := slog.Float64("took_ms", float64(time.Since(began))/float64(time.Millisecond))
	if err != nil {
		a.log.Error("Failed hook", identifier, took, slog.Any("error", err))
		return err
	}
	a.log.Info("Executed hook", identifier, took)
	return nil
}

// insideKey is where the context of a step keeps the Application that it runs for.
type insideKey struct{}

// returnGrace is how long a step may take to return when its context has ended.
const returnGrace = time.Second

// call runs a step. One that does not return although its context has ended is left behind: actio.ErrStillRunning.
func (a *Application) call(ctx context.Context, step Hook) error {
	result := make(chan error, 1)
	go func() {
		err := fmt.Errorf("%w: runtime.Goexit", ErrPanic)
		defer func() { result <- err }()
		err = a.guard(ctx, step)
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
	}
	grace, release := within(context.WithoutCancel(ctx), returnGrace)
	defer release()
	select {
	case err := <-result:
		return err
	case <-grace.Done():
		return fmt.Errorf("%w: %w", actio.ErrStillRunning, context.Cause(ctx))
	}
}

// guard runs a step and makes an error of its panic.
func (a *Application) guard(ctx context.Context, step Hook) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case error:
			err = fmt.Errorf("%w: %w\n%s", ErrPanic, r, debug.Stack())
		default:
			err = fmt.Errorf("%w: %v\n%s", ErrPanic, r, debug.Stack())
		}
	}()
	return step(context.WithValue(ctx, insideKey{}, a))
}

// within is a context with a deadline. Its timer ends with the call that made it, which is why it needs no clock of actio.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d) //nolint:forbidigo // see above
}
