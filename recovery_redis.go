package actio

import (
	"context"
	"errors"
	"fmt"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/keeper"
	"github.com/actio-go/actio/redisbridge/link"
)

// storesSessions tells whether sessions are kept in Redis, and what their clients miss in its streams.
func (s *Server) storesSessions() bool {
	r := s.options.Redis
	return s.options.Recovery.Enabled && r.Client != nil && r.Adapter == StreamsAdapter
}

// redisOptions are those of the bridge.
func (s *Server) redisOptions() redisbridge.Options {
	o := s.options.Redis
	if s.storesSessions() {
		o.Recovery = s.options.Recovery.MaxDisconnectionDuration
	}
	return o
}

// keepInRedis makes sessions those of the whole cluster.
func (s *Server) keepInRedis(e *Engine) {
	if !s.storesSessions() {
		return
	}
	e.stored = keeper.Start(e.env, keeper.Options{
		Bridge: e.bridge.Load, Timeout: s.options.Recovery.Timeout, Authenticates: s.options.Authenticate != nil,
		Data: func(h *connection.Socket) format.Payload {
			if socket := s.socketOf(h); socket != nil {
				if text, attachments := socket.encodeData(); text != nil {
					return format.NewPayload(text, attachments)
				}
			}
			return format.NewPayload([]byte("{}"), nil)
		},
	})
}

// echoes tells whether what is emitted comes to the sockets of this server by way of Redis.
func (e *Engine) echoes() bool {
	bridge := e.bridge.Load()
	return bridge != nil && bridge.Echoes()
}

// catchUp waits for what was emitted before, so that what is done to sockets does not overtake it. While Redis is down it does
// not: the events may come much later, or never, and what is asked for here is done here.
func (e *Engine) catchUp(ctx context.Context) error {
	if !e.echoes() {
		return nil
	}
	switch err := e.bridge.Load().CatchUp(ctx); {
	case err == nil, errors.Is(err, link.ErrDown):
		return nil
	case errors.Is(err, redisbridge.ErrClosed):
		return ErrClosed
	default:
		return fmt.Errorf("actio: %w", err)
	}
}
