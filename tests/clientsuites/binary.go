package main

import (
	"context"
	"errors"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/suitehost"
)

// mixed is an object that has binary within.
type mixed struct {
	Hello   string `json:"hello"`
	Message []byte `json:"message"`
	Goodbye string `json:"goodbye"`
}

// handleBinary adds the events with binary. What arrives otherwise than it was sent gets no answer, and the suite fails.
func handleBinary(root *actio.Namespace) error {
	return errors.Join(
		actio.On(root, "buffa", func(_ context.Context, s *actio.Socket, _ []byte) (actio.None, error) {
			return actio.None{}, s.Emit("buffack")
		}),
		actio.On(root, "jsonbuff", func(_ context.Context, s *actio.Socket, m mixed) (actio.None, error) {
			if m.Hello != "lol" || m.Message == nil || m.Goodbye != "gotcha" {
				return actio.None{}, errors.New("not what was sent")
			}
			return actio.None{}, s.Emit("jsonbuff-ack")
		}),
		actio.On(root, "abuff1", func(_ context.Context, s *actio.Socket, _ []byte) (actio.None, error) {
			s.Data().Store("abuff1", true)
			return actio.None{}, nil
		}),
		root.Handle("abuff2", func(_ context.Context, s *actio.Socket, _ *actio.Event) {
			if _, came := s.Data().Load("abuff1"); came {
				suitehost.Report(s.Emit("abuff2-ack"))
			}
		}),
	)
}
