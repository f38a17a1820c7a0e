package component

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/actio-go/actio"
)

// ServerOptions are what is bound to ServerConfig: the options of the server, AuthenticateTimeout, PingInterval and
// DefaultRooms among them. What has a key of its own (Redis.Client, Authenticate, ValidateRooms, ClientConnected) or belongs
// to the component (Hosting, Server) must not be set, nor NoAuthentication: AuthenticateHandler is required.
//
// They are merged over the defaults at every depth: a zero field, also one of CORS, keeps its default. The defaults are
// those of actio: identifier SOCKET_IO_SERVER, path /io, and CORS for any origin with GET and POST, without credentials. An
// empty list that is not nil stays empty: no CORS, no default rooms.
type ServerOptions struct {
	actio.Options
	// Standalone says that the server is alone on purpose, without Redis.
	Standalone bool
}

// check finds what must not be set.
func (o *ServerOptions) check() error {
	var problems []error
	for name, set := range map[string]bool{
		"Redis.Client":    o.Redis.Client != nil,
		"Authenticate":    o.Authenticate != nil,
		"ValidateRooms":   o.ValidateRooms != nil,
		"ClientConnected": o.ClientConnected != nil,
		"Hosting":         o.Hosting != actio.Mounted,
		"Server":          o.Server != nil,

		"NoAuthentication": o.NoAuthentication,
	} {
		if set {
			problems = append(problems, fmt.Errorf("%w: %s must not be set here", ErrServerOptions, name))
		}
	}
	slices.SortFunc(problems, func(a, b error) int {
		if a.Error() < b.Error() {
			return -1
		}
		return 1
	})
	return errors.Join(problems...)
}

// withDefaults returns a copy with the defaults that actio does not fill in by itself.
func (o ServerOptions) withDefaults() ServerOptions {
	if o.Identifier == "" {
		o.Identifier = "SOCKET_IO_SERVER"
	}
	if o.Engine.Path == "" {
		o.Engine.Path = "/io"
	}
	cors := actio.DefaultCORS()
	if given := o.Engine.CORS; given != nil {
		merged := *given
		if merged.Origins == nil && merged.AllowOrigin == nil {
			merged.Origins = cors.Origins
		}
		if merged.Methods == nil {
			merged.Methods = cors.Methods
		}
		cors = &merged
	}
	o.Engine.CORS = cors
	return o
}

// log writes what the server is made with. Neither functions nor what has to do with credentials is in it.
func (o *ServerOptions) log(to *slog.Logger) {
	to.Debug("Socket.IO Server Options",
		slog.String("identifier", o.Identifier), slog.String("path", o.Engine.Path), slog.Bool("standalone", o.Standalone),
		slog.Any("cors_origins", o.Engine.CORS.Origins), slog.Any("cors_methods", o.Engine.CORS.Methods),
		slog.Bool("cors_credentials", o.Engine.CORS.Credentials), slog.Duration("authenticate_timeout", o.AuthenticateTimeout),
		slog.Duration("ping_interval", o.PingInterval), slog.Any("default_rooms", o.DefaultRooms),
		slog.String("redis_prefix", o.Redis.Prefix))
}
