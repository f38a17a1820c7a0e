package component

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio"
)

// ConnectedHandler is called for each client that was authenticated, before any of its events.
type ConnectedHandler = func(ctx context.Context, s *actio.Socket)

// The keys of the Socket.IO component. All but Instance are bound by the application before it starts.
const (
	// Instance is the server, from the hook of the component on.
	Instance Key[*actio.Server] = "@app/socket-io/instance"
	// ServerConfig are the options of the server. Default: the zero value.
	ServerConfig Key[ServerOptions] = "@app/socket-io/server-options"
	// RedisConnection joins the server to others. Required, unless ServerOptions.Standalone says that there are none. The
	// server works on duplicates; the client stays the application's, which closes it after the server: see
	// Application.RegisterStopHook.
	RedisConnection Key[redis.UniversalClient] = "@app/socket-io/redis-connection"
	// AuthenticateHandler decides who a client is. Required.
	AuthenticateHandler Key[actio.Authenticator] = "@app/socket-io/authenticate-handler"
	// ValidateRoomHandler decides which rooms a client may join. Default: none.
	ValidateRoomHandler Key[actio.RoomValidator] = "@app/socket-io/validate-room-handler"
	// ClientConnectedHandler is called for each authenticated client.
	ClientConnectedHandler Key[ConnectedHandler] = "@app/socket-io/client-connected-handler"
)

// Errors of ResolveBindings; their texts are those of the reference.
var (
	// ErrRedisConnection: no client is bound to RedisConnection.
	ErrRedisConnection = errors.New( //nolint:staticcheck // the reference's text
		"[SocketIOComponent][resolveBindings] Invalid instance of redisConnection | Please init connection with " +
			"RedisHelper for single redis connection or RedisClusterHelper for redis cluster mode!",
	)
	// ErrAuthenticateHandler: no function is bound to AuthenticateHandler.
	ErrAuthenticateHandler = errors.New( //nolint:staticcheck // the reference's text
		"[DANGER][SocketIOComponent] Invalid authenticateFn to setup io socket server!", //nolint:revive // the same
	)
	// ErrServerOptions: ServerOptions have what belongs under a key of its own.
	ErrServerOptions = errors.New("[SocketIOComponent][resolveBindings] Invalid server options")
)

// Bindings are what the component is made of, checked.
type Bindings struct {
	ServerOptions   ServerOptions         // merged over the defaults of the component
	RedisConnection redis.UniversalClient // nil when the server stands alone
	Authenticate    actio.Authenticator   // never nil
	ValidateRooms   actio.RoomValidator   // nil: no client may join a room
	ClientConnected ConnectedHandler      // may be nil
}

// ResolveBindings reads and checks what is bound. All that is wrong is reported together: ErrServerOptions,
// ErrRedisConnection, ErrAuthenticateHandler, in this order.
func ResolveBindings(c *Container) (Bindings, error) {
	var b Bindings
	given, _ := ServerConfig.Get(c)
	problems := []error{given.check()}
	b.ServerOptions = given.withDefaults()
	var ok bool
	if b.RedisConnection, ok = RedisConnection.Get(c); !ok && !given.Standalone {
		problems = append(problems, fmt.Errorf("%w (bind RedisConnection, or set ServerOptions.Standalone)", ErrRedisConnection))
	} else if ok && given.Standalone {
		problems = append(problems, fmt.Errorf("%w: Standalone, and a redis connection is bound", ErrServerOptions))
	}
	if b.Authenticate, ok = AuthenticateHandler.Get(c); !ok {
		problems = append(problems, ErrAuthenticateHandler)
	}
	b.ValidateRooms, _ = ValidateRoomHandler.Get(c)
	b.ClientConnected, _ = ClientConnectedHandler.Get(c)
	return b, errors.Join(problems...)
}

// options are those of a server made of the bindings.
func (b Bindings) options() actio.Options {
	o := b.ServerOptions.Options
	o.Redis.Client = b.RedisConnection
	o.Authenticate = b.Authenticate
	o.ValidateRooms = b.ValidateRooms
	o.ClientConnected = b.ClientConnected
	return o
}
