package actio

import (
	"github.com/redis/go-redis/v9"

	"github.com/actio-go/actio/redisbridge"
)

// Emitter speaks to the servers of a cluster from a program that has none, as @socket.io/redis-emitter does.
type Emitter = redisbridge.Emitter

// EmitterOptions say how the servers are configured that an Emitter speaks to.
type EmitterOptions = redisbridge.EmitterOptions

// NewEmitter makes an Emitter for the namespace "/" that publishes with the given client, which stays the caller's. The error
// says what is wrong with the options.
func NewEmitter(client redis.UniversalClient, o EmitterOptions) (*Emitter, error) {
	return redisbridge.NewEmitter(client, o)
}
