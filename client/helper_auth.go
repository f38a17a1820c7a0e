package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/actio-go/actio/client/internal/clock"
	"github.com/actio-go/actio/wire"
)

// The events of authentication.
const (
	eventAuthenticate    = "authenticate"
	eventAuthenticated   = "authenticated"
	eventUnauthenticated = "unauthenticated"
	eventPing            = "ping"
)

// timedOutMessage is what OnUnauthenticated is told when no verdict came.
const timedOutMessage = "Authentication timed out!"

// authAttempt is one request for authentication. Its fields are under the mutex of the manager.
type authAttempt struct {
	done  chan struct{} // closed with the verdict
	err   error
	timer *clock.Timer
	wait  *wait
}

// Authenticate asks the server to authenticate the client with the credentials of its handshake, and waits for the verdict.
// In OnConnected it may be called as it is. Errors: ErrNotConnected and ErrAuthState, which are logged and change nothing;
// ErrUnauthenticated with the server's message; ErrTimeout after AuthenticateTimeout, which a deadline of ctx may shorten;
// ErrDisconnected.
func (h *Helper) Authenticate(ctx context.Context) error {
	var attempt *authAttempt
	err := h.socket.emitConnected(func() error {
		if h.over {
			return ErrClosed
		}
		if h.state != Unauthorized {
			return fmt.Errorf("%w: %s", ErrAuthState, h.state)
		}
		attempt = h.begin()
		return nil
	}, eventAuthenticate)
	switch {
	case errors.Is(err, ErrAuthState):
		h.log.Warn("Cannot authenticate", slog.String("current_state", string(h.State())))
		return err
	case err != nil:
		h.abandon(attempt, err)
		h.log.Warn("Cannot authenticate", slog.String("reason", reasonText(err)))
		return err
	}
	h.log.Info("Authentication requested")
	select {
	case <-attempt.done:
		return attempt.err
	case <-ctx.Done():
		h.abandon(attempt, waitError(ctx, eventAuthenticate))
		<-attempt.done
		return attempt.err
	}
}

// abandon ends an attempt without a verdict. A nil attempt was never begun.
func (h *Helper) abandon(attempt *authAttempt, err error) {
	h.socket.manager.mutex.Lock()
	defer h.socket.manager.mutex.Unlock()
	if attempt != nil && h.attempt == attempt {
		h.setState(Unauthorized, err)
	}
}

// begin opens an attempt. It runs under the mutex, like everything below but handle and what it calls.
func (h *Helper) begin() *authAttempt {
	m := h.socket.manager
	attempt := &authAttempt{done: make(chan struct{})}
	attempt.wait = &wait{fail: func(err error) { h.setState(Unauthorized, err) }}
	attempt.timer = m.clock.AfterFunc(h.options.AuthenticateTimeout, func() { h.timedOut(attempt) })
	m.await(attempt.wait)
	h.state, h.attempt = Authenticating, attempt
	return attempt
}

// setState ends the attempt, if there is one.
func (h *Helper) setState(s State, err error) {
	h.state = s
	attempt := h.attempt
	if attempt == nil {
		return
	}
	h.attempt = nil
	attempt.timer.Stop()
	delete(h.socket.manager.waits, attempt.wait)
	attempt.err = err
	close(attempt.done)
}

// timedOut runs when the verdict did not come.
func (h *Helper) timedOut(attempt *authAttempt) {
	m := h.socket.manager
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if h.attempt != attempt {
		return
	}
	h.setState(Unauthorized, fmt.Errorf("%w: no verdict within %v", ErrTimeout, h.options.AuthenticateTimeout))
	m.put(&h.socket.inbox, 0, func() {
		h.log.Warn("Unauthenticated", slog.String("reason", timedOutMessage))
		h.unauthenticated(timedOutMessage)
	})
}

// arrived keeps the state.
func (h *Helper) arrived(event string, args wire.Args) {
	if h.over {
		return
	}
	switch event {
	case EventConnect:
		if h.options.AutoAuthenticate {
			h.requestVerdict()
		}
	case EventDisconnect:
		h.setState(Unauthorized, ErrDisconnected)
	case eventAuthenticated:
		h.setState(Authenticated, nil)
	case eventUnauthenticated:
		h.setState(Unauthorized, fmt.Errorf("%w: %s", ErrUnauthenticated, messageOf(args)))
		if h.options.AutoAuthenticate {
			h.socket.leave(ReasonClientDisconnect, ErrUnauthenticated)
			h.socket.manager.unlinkUnused()
		}
	}
}

// requestVerdict authenticates a connection that was just made.
func (h *Helper) requestVerdict() {
	p, err := h.socket.manager.parser.event(h.socket.namespace, eventAuthenticate, nil)
	if err == nil {
		h.begin()
		h.socket.transmit(&outgoing{packet: p})
	}
}

// messageOf is the message of a refusal, empty when there is none.
func messageOf(args wire.Args) string {
	var refusal struct {
		Message string `json:"message"`
	}
	if args.Len() > 0 {
		_ = args.Decode(0, &refusal)
	}
	return refusal.Message
}

// handle writes the log lines of the reference and calls the callbacks.
func (h *Helper) handle(e *Event) {
	if h.isOver() {
		return
	}
	ctx := h.socket.manager.ctx
	switch e.Name {
	case EventConnect:
		h.log.Info("Connected")
		if h.options.AutoAuthenticate {
			h.log.Info("Authentication requested")
		}
		if f := h.options.OnConnected; f != nil {
			h.call("onConnected", func() error { return f(ctx, h) })
		}
	case EventDisconnect:
		h.log.Info("Disconnected", slog.String("reason", string(e.Reason)))
		if f := h.options.OnDisconnected; f != nil {
			h.call("onDisconnected", func() error { return f(ctx, h, e.Reason) })
		}
	case EventConnectError:
		h.log.Error("Connection error", slog.Any("error", e.Err))
		if f := h.options.OnError; f != nil {
			h.call("onError", func() error { return f(ctx, h, e.Err) })
		}
	case eventAuthenticated:
		h.log.Info("Authenticated", slog.String("data", excerpt(e.Args)))
		if f := h.options.OnAuthenticated; f != nil {
			h.call("onAuthenticated", func() error { return f(ctx, h) })
		}
	case eventUnauthenticated:
		h.log.Warn("Unauthenticated", slog.String("data", excerpt(e.Args)))
		h.unauthenticated(messageOf(e.Args))
	case eventPing:
		h.log.Debug("Ping received")
	}
}

func (h *Helper) unauthenticated(message string) {
	if f := h.options.OnUnauthenticated; f != nil && !h.isOver() {
		h.call("onUnauthenticated", func() error { return f(h.socket.manager.ctx, h, message) })
	}
}

// call runs a callback of the application, which cannot do harm.
func (h *Helper) call(name string, f func() error) {
	if err := protect(f); err != nil {
		h.log.Error("callback error", slog.String("callback", name), slog.Any("error", err))
	}
}

// protect makes an error of a panic.
func protect(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return f()
}

// mostLogged bounds what is logged of what the server said, in bytes.
const mostLogged = 256

func excerpt(args wire.Args) string {
	raw := args.Raw(0)
	if len(raw) > mostLogged {
		return string(raw[:mostLogged]) + "…"
	}
	return string(raw)
}
