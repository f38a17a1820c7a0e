package component

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/actio-go/actio"
)

// ServerInstance is the HTTP server from the moment on that it listens, also when it has ended; false before.
func (a *Application) ServerInstance() (*http.Server, bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if !a.listening {
		return nil, false
	}
	return a.server, true
}

// Addr is where the application listens, or has listened; nil before.
func (a *Application) Addr() net.Addr {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if !a.listening {
		return nil
	}
	return a.listener.Addr()
}

// Mount gives the requests under a path, by segments as actio.Under has it, to a handler; the others go where they went before.
// It may be called at any time. Error: ErrNil.
func (a *Application) Mount(path string, h http.Handler) error {
	if isNil(h) {
		return fmt.Errorf("%w: handler of %s", ErrNil, path)
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.handler = actio.Route(path, h, a.handler)
	a.front.Set(a.handler)
	return nil
}

// serve returns when the HTTP server accepts connections, or fails to.
func (a *Application) serve(ctx context.Context) error {
	l, err := a.listen(ctx)
	if err != nil {
		return err
	}
	announced := &announcer{Listener: l, accepting: make(chan struct{})}
	a.mutex.Lock()
	a.listener, a.listening = l, true
	a.mutex.Unlock()
	go a.run(announced)
	select {
	case <-announced.accepting:
	case <-ctx.Done(): // also when it does not even begin
		return fmt.Errorf("component: HTTP server: %w", context.Cause(ctx))
	}
	a.log.Info("Server STARTED", slog.String("address", l.Addr().String()))
	return nil
}

// listen opens the listener, or checks the one that was given: Serve would find out only when Start has returned.
func (a *Application) listen(ctx context.Context) (net.Listener, error) {
	address := a.server.Addr
	if c := a.server.TLSConfig; c != nil {
		if len(c.Certificates) == 0 && c.GetCertificate == nil && c.GetConfigForClient == nil {
			return nil, ErrTLSConfig
		}
		if address == "" {
			address = ":https" // as net/http has it
		}
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("component: before listening: %w", context.Cause(ctx))
	}
	a.mutex.Lock()
	l := a.listener
	a.mutex.Unlock()
	var err error
	if l == nil {
		if address == "" {
			address = ":http"
		}
		l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	} else if d, ok := l.(interface{ SetDeadline(t time.Time) error }); ok {
		err = d.SetDeadline(time.Time{}) // fails on one that is closed
	}
	if err != nil {
		return nil, fmt.Errorf("component: listen: %w", err)
	}
	return l, nil
}

// run serves until the server is closed.
func (a *Application) run(l net.Listener) {
	defer close(a.served)
	var err error
	if a.server.TLSConfig != nil {
		err = a.server.ServeTLS(l, "", "")
	} else {
		err = a.server.Serve(l)
	}
	_ = l.Close() // as a rule it is; ServeTLS may have refused to begin
	a.Fail(fmt.Errorf("component: HTTP server: %w", err))
}

// stopServer lets requests end, and cuts them off with the context.
func (a *Application) stopServer(ctx context.Context) error {
	a.mutex.Lock()
	listener, listening := a.listener, a.listening
	a.mutex.Unlock()
	switch {
	case listening:
	case listener == nil:
		return nil
	default: // one that was given and not used
		if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
	err := a.server.Shutdown(ctx)
	if err != nil {
		why := cmp.Or(context.Cause(ctx), err) // who cut it off
		err = errors.Join(fmt.Errorf("component: HTTP server: %w", why), a.server.Close())
	}
	<-a.served
	return err
}

// announcer is a listener that says when its server begins to accept.
type announcer struct {
	net.Listener

	accepting chan struct{}
	once      sync.Once
}

// Accept is called by the HTTP server.
func (l *announcer) Accept() (net.Conn, error) {
	l.once.Do(func() { close(l.accepting) })
	return l.Listener.Accept()
}
