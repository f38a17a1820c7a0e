package supervisor

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync/atomic"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/transport"
)

// refusals is what happens when a handshake is refused, for each cause: it is counted, and logged once in a while.
type refusals struct {
	connections, unauthenticated, ofClient, tooFast, clientTooFast refusal
}

type refusal struct {
	count *atomic.Uint64
	log   actors.LogLimit
}

// refused passes an error on after it has told of it.
func (s *Supervisor) refused(err error, client netip.Addr) error {
	r := s.refusals.of(err)
	if r == nil {
		return err
	}
	r.count.Add(1)
	if r.log.Allow() {
		name := ""
		if client.IsValid() {
			name = client.String()
		}
		s.env.System.Logger().LogAttrs(context.Background(), slog.LevelWarn, "handshake refused",
			slog.String("cause", err.Error()), slog.String("remote", name))
	}
	return err
}

// of finds the cause; nil for those that are no news, above all that the server ends.
func (r *refusals) of(err error) *refusal {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, transport.ErrTooManyUnauthenticated): // which is an ErrTooManyConnections
		return &r.unauthenticated
	case errors.Is(err, transport.ErrTooManyConnections):
		return &r.connections
	case errors.Is(err, transport.ErrTooManyOfClient):
		return &r.ofClient
	case errors.Is(err, transport.ErrClientTooFast): // which is an ErrTooFast
		return &r.clientTooFast
	case errors.Is(err, transport.ErrTooFast):
		return &r.tooFast
	default:
		return nil
	}
}
