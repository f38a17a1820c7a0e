package component

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/actio-go/actio"
)

// hookIdentifier is the name of the hook that makes the server live.
const hookIdentifier = "socket-io-initialize"

// Errors of the component; their texts are those of the reference.
var (
	// ErrHosting: the hosting is neither actio.Attached nor actio.Mounted.
	ErrHosting = errors.New("[SocketIOComponent] Unsupported runtime")
	// ErrNoServer: the hook runs without an HTTP server that listens.
	ErrNoServer = errors.New("[SocketIOComponent] HTTP server not available for Node.js runtime!") //nolint:revive,staticcheck // the reference's text
)

// SocketIO is the component that places a Socket.IO server into an application.
type SocketIO struct {
	hosting actio.Hosting
	app     *Application

	mutex  sync.Mutex
	server *actio.Server // nil until it is made
}

var _ Component = (*SocketIO)(nil)

// NewSocketIO makes the component for one of two hostings, which clients cannot tell apart.
//
// With actio.Attached, the reference's way for Node.js, the server attaches to the HTTP server before it listens, and the hook
// brings it to life. With actio.Mounted, the reference's way for Bun, the hook makes the server and mounts its engine in front
// of the application's own handler.
func NewSocketIO(hosting actio.Hosting) *SocketIO { return &SocketIO{hosting: hosting} }

// Binding resolves the bindings, answers for the path from now on, and registers the hook "socket-io-initialize". Errors: those
// of ResolveBindings and actio.New, ErrHosting.
func (c *SocketIO) Binding(a *Application) error {
	c.app = a
	a.log.Info("Binding SocketIO for application...")
	b, err := ResolveBindings(a.Container())
	if err != nil {
		return err
	}
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
	server, err := actio.New(o) // attached, it is in front of the HTTP server's handler now, which must not serve yet
	if err != nil {
		return fmt.Errorf("[SocketIOComponent] %w", err)
	}
	c.keep(server)
	if c.hosting == actio.Mounted {
		c.mount(server, http.HandlerFunc(notReady))
	}
	a.RegisterPostStartHook(hookIdentifier, func(ctx context.Context) error { return c.goLive(ctx, server) })
	return nil
}

// goLive is the hook.
func (c *SocketIO) goLive(ctx context.Context, server *actio.Server) error {
	if _, ok := c.app.ServerInstance(); !ok {
		return ErrNoServer
	}
	if err := server.Configure(ctx); err != nil {
		return fmt.Errorf("[SocketIOComponent] %w", err)
	}
	runtime := "Node.js"
	if c.hosting == actio.Mounted {
		runtime = "Bun"
		engine, err := server.Engine()
		if err != nil {
			return fmt.Errorf("[SocketIOComponent] %w", err)
		}
		c.mount(server, engine)
	}
	Bind(c.app.Container(), Instance, server)
	c.app.log.Info("SocketIO initialized", slog.String("runtime", runtime))
	return nil
}

// mount makes h answer for the path of the server; everything else is the application's own handler's.
func (c *SocketIO) mount(server *actio.Server, h http.Handler) {
	front := c.app.front
	front.Set(actio.Route(server.Path(), h, front.Fallback()))
}

// notReady answers until the engine is there.
func notReady(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "Socket.IO server is not ready", http.StatusServiceUnavailable)
}

func (c *SocketIO) keep(s *actio.Server) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.server = s
}

// Stop shuts the server down: its clients are sent away so that they reconnect elsewhere, and the duplicated connections to
// Redis are closed. Error: that of actio.Server.Shutdown.
func (c *SocketIO) Stop(ctx context.Context) error {
	c.mutex.Lock()
	server := c.server
	c.mutex.Unlock()
	if server == nil {
		return nil
	}
	Unbind(c.app.Container(), Instance)
	err := server.Shutdown(ctx)
	c.app.log.Info("SocketIO stopped", slog.Bool("complete", err == nil))
	return err
}
