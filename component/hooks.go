package component

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"
)

// Hook is a step of an application's start or stop. Its context is that of Start or Stop.
type Hook func(ctx context.Context) error

// namedHook is a hook with the name that logs and errors know it by.
type namedHook struct {
	identifier string
	run        Hook
}

// RegisterPostStartHook adds a step that Start runs when the HTTP server listens: the steps run one after another, in the
// order of their registration. One that fails, or panics, ends the start. Call it before Start, or in Component.Binding.
func (a *Application) RegisterPostStartHook(identifier string, hook Hook) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.postStart = append(a.postStart, namedHook{identifier, hook})
	a.log.Debug("Registered post-start hook", slog.String("identifier", identifier))
}

// RegisterStopHook adds a step that Stop runs when the components have stopped, and before the HTTP server does: the last one
// first. A failing one does not keep the others from running. A start that fails runs them, too.
func (a *Application) RegisterStopHook(identifier string, hook Hook) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.onStop = append(a.onStop, namedHook{identifier, hook})
}

// executePostStartHooks stops at the first that fails.
func (a *Application) executePostStartHooks(ctx context.Context) error {
	a.mutex.Lock()
	hooks := a.postStart
	a.mutex.Unlock()
	if len(hooks) == 0 {
		return nil
	}
	a.log.Info("Executing post-start hooks", slog.Int("count", len(hooks)))
	for _, h := range hooks {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("component: before post-start hook %q: %w", h.identifier, context.Cause(ctx))
		}
		began := time.Now()
		if err := h.call(ctx); err != nil {
			return fmt.Errorf("component: post-start hook %q: %w", h.identifier, err)
		}
		a.log.Info("Executed hook", slog.String("identifier", h.identifier),
			slog.Float64("took_ms", float64(time.Since(began))/float64(time.Millisecond)))
	}
	return nil
}

// executeStopHooks runs all, the last first.
func (a *Application) executeStopHooks(ctx context.Context) error {
	a.mutex.Lock()
	hooks := a.onStop
	a.mutex.Unlock()
	var problems []error
	for _, h := range slices.Backward(hooks) {
		if err := h.call(ctx); err != nil {
			problems = append(problems, fmt.Errorf("component: stop hook %q: %w", h.identifier, err))
		}
	}
	return errors.Join(problems...)
}

// ErrPanic is a hook that panicked; the error has what it panicked with and where.
var ErrPanic = errors.New("panic")

func (h namedHook) call(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrPanic, r, debug.Stack())
		}
	}()
	return h.run(ctx)
}
