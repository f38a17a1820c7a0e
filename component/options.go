package component

import (
	"errors"
	"fmt"
	"slices"

	"github.com/actio-go/actio"
)

// ServerOptions are what is bound to ServerConfig: the options of the server, AuthenticateTimeout, PingInterval and
// DefaultRooms among them. What has a key of its own (Redis.Client, Authenticate, ValidateRooms, ClientConnected) or belongs
// to the component (Hosting, Server) must not be set.
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
	} {
		if set {
			problems = append(problems, fmt.Errorf("%w: %s is bound by another way", ErrServerOptions, name))
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
		if merged.Origins == nil {
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
