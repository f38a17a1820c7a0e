package component

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/actio-go/actio"
)

// hookIdentifier is the name of the hook that makes the server live.
const hookIdentifier = "socket-io-initialize"

// made has the server from Binding on. It is not yet for everybody, as Instance is.
const made Key[*actio.Server] = "@app/socket-io/server"

// Errors of the component; their texts are those of the reference where it has some.
var (
	// ErrHosting: the hosting is neither actio.Attached nor actio.Mounted.
	ErrHosting = errors.New("[SocketIOComponent] Unsupported runtime")
	// ErrNoServer: the hook runs without an HTTP server that listens.
	ErrNoServer = errors.New("[SocketIOComponent] HTTP server not available for Node.js runtime!") //nolint:revive,staticcheck // the reference's text
	// ErrTwice: the application has a SocketIO already; they would share keys and path.
	ErrTwice = errors.New("[SocketIOComponent] the application has a Socket.IO server already")
	// ErrServerEnded: the server has ended by itself, see actio.Server.Done.
	ErrServerEnded = errors.New("[SocketIOComponent] the server has ended by itself")
)

// SocketIO is the component that places a Socket.IO server into an application.
type SocketIO struct{ hosting actio.Hosting }

var _ Component = (*SocketIO)(nil)

// NewSocketIO makes the component for one of two hostings, which clients cannot tell apart.
//
// With actio.Attached, the reference's way for Node.js, the server puts itself in front of the handler of the HTTP server. With
// actio.Mounted, the reference's way for Bun, the application gives it the requests of its path. Either happens in Binding; the
// hook brings the server to life.
func NewSocketIO(hosting actio.Hosting) *SocketIO { return &SocketIO{hosting: hosting} }

// Binding resolves the bindings, answers for the path from now on, and registers the hook "socket-io-initialize". Errors: those
// of ResolveBindings and actio.New, ErrHosting, ErrTwice.
func (c *SocketIO) Binding(_ context.Context, a *Application) error {
	if _, taken := made.Get(a.Container()); taken {
		return ErrTwice
	}
	a.log.Info("Binding SocketIO for application...")
	b, err := ResolveBindings(a.Container())
	if err != nil {
		return err
	}
	b.ServerOptions.log(a.log)
	o := b.options()
	if o.Logger == nil {
		o.Logger = a.log
	}
	switch c.hosting {
	case actio.Attached:
		o.Hosting, o.Server = actio.Attached, a.server
	case actio.Mounted:
	default:
		return fmt.Errorf("%w: %d", ErrHosting, c.hosting)
	}
	server, err := actio.New(o)
	if err != nil {
		return fmt.Errorf("[SocketIOComponent] %w", err)
	}
	made.Bind(a.Container(), server)
	if c.hosting == actio.Mounted {
		if err := a.Mount(server.Path(), server); err != nil {
			return err
		}
	}
	return a.RegisterPostStartHook(hookIdentifier, func(ctx context.Context) error { return c.goLive(ctx, a, server) })
}

// goLive is the hook.
func (c *SocketIO) goLive(ctx context.Context, a *Application, server *actio.Server) error {
	if _, ok := a.ServerInstance(); !ok {
		return ErrNoServer
	}
	if err := server.Configure(ctx); err != nil {
		return fmt.Errorf("[SocketIOComponent] %w", err)
	}
	Instance.Bind(a.Container(), server)
	go watch(a, server)
	if c.hosting == actio.Mounted {
		a.log.Info("SocketIO initialized for Bun runtime")
	} else {
		a.log.Info("SocketIO initialized for Node.js runtime")
	}
	return nil
}

// watch tells the application when the server ends by itself.
func watch(a *Application, server *actio.Server) {
	select {
	case <-server.Done():
		Instance.Unbind(a.Container())
		a.Fail(ErrServerEnded)
	case <-a.closing.Done():
	}
}

// Stop shuts the server down: its clients are sent away so that they reconnect elsewhere, and the duplicated connections to
// Redis are closed. Error: that of actio.Server.Shutdown.
func (c *SocketIO) Stop(ctx context.Context, a *Application) error {
	server, ok := made.Get(a.Container())
	if !ok {
		return nil
	}
	Instance.Unbind(a.Container())
	err := server.Shutdown(ctx)
	a.log.Info("SocketIO stopped", slog.Bool("complete", err == nil))
	return err
}
