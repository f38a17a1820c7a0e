package redisbridge

import (
	"context"

	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// Target says which sockets of a namespace are meant.
type Target = format.Target

// Instance is the server of this process as its neighbours see it: what the bridge needs of the layers above. Nothing of it
// runs user code before it returns. All methods are safe for concurrent use.
type Instance interface {
	// Broadcast hands an event to local sockets. It never blocks.
	Broadcast(b *roomregistry.Broadcast)
	// MayHave is false only when no local socket is in the room; a socket's id is a room too.
	MayHave(namespace, room string) bool
	// Ask hands an event to local sockets and collects their acknowledgements. It never blocks. cancel forgets what is still
	// awaited, after which nothing more is reported; it is idempotent.
	Ask(q Question) (cancel func())
	// Join puts local sockets into rooms, and returns when every broadcast made afterwards reaches them there. A socket that
	// cannot (it is in too many rooms) is logged and left out.
	Join(ctx context.Context, namespace string, t Target, rooms []string) error
	// Leave takes local sockets out of rooms.
	Leave(ctx context.Context, namespace string, t Target, rooms []string) error
	// Disconnect ends local sockets; whole ends their connections. It returns when they are in no room any more.
	Disconnect(ctx context.Context, namespace string, t Target, whole bool) error
	// Sockets describes local sockets.
	Sockets(ctx context.Context, namespace string, t Target) ([]format.Socket, error)
	// Rooms lists the rooms with local members, own rooms of sockets included.
	Rooms(ctx context.Context, namespace string) ([]string, error)
	// ServerEvent hands an event of another instance to the handlers of the namespace, on a worker. reply is nil when no answer
	// is wanted; its first call counts. Without a handler for it nothing answers.
	ServerEvent(namespace, event string, args wire.Args, reply func(args ...any) error)
}

// Question is a broadcast that wants acknowledgements.
type Question struct {
	// Whom it is put to, how, and what is asked.
	Namespace string
	Target    Target
	Flags     format.Flags
	Event     format.Payload // JSON array of name and arguments
	// Counted is called once, before any Answered, with the ids of the sockets that were asked. It must not block.
	Counted func(ids []string)
	// Answered is called at most once for each of them: err is nil, or says why there will be no answer. It must not block.
	Answered func(id string, args wire.Args, err error)
}
