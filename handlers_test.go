package actio_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

var errSecret = errors.New("password of the database is wrong")

// failing has handlers and a middleware that fail.
func failing(t *testing.T, s *served) {
	t.Helper()
	s.Root().OnConnection(func(_ context.Context, s *actio.Socket) {
		s.Use(func(_ context.Context, e *actio.Event) error {
			if e.Name == "guarded" {
				return errSecret
			}
			return nil
		})
	})
	require.NoError(t, actio.On(s.Root(), "fail", func(context.Context, *actio.Socket, int) (actio.None, error) {
		return actio.None{}, errSecret
	}))
}

func TestHandler_ReturnsAnError_TheClientIsToldItsText(t *testing.T) {
	s := serve(t, actio.Options{})
	failing(t, s)
	p := s.connect("")
	for packet, answer := range map[string]string{
		`421["fail"]`: errSecret.Error(), `421["guarded"]`: errSecret.Error(), `421["fail","x"]`: "invalid payload: ",
	} {
		p.send(packet)
		assert.Contains(t, p.wait(`431[{"error":"`), answer)
	}
}

func TestErrorForClient_ChoosesWhatTheClientIsTold_TheLogHasTheOriginal(t *testing.T) {
	s, log := logging(t, slog.LevelDebug, actio.Options{
		ErrorForClient: func(ctx context.Context, s *actio.Socket, e *actio.Event, err error) error {
			assert.NoError(t, ctx.Err())
			switch {
			case errors.Is(err, actio.ErrInvalidPayload):
				return actio.ErrInvalidPayload
			case e.Name == "guarded":
				return errors.New("not for " + s.ID())
			default:
				return nil
			}
		},
	})
	failing(t, s)
	p := s.connect("")
	for packet, answer := range map[string]string{
		`421["fail"]`: "Internal server error", `421["guarded"]`: "not for " + p.id, `421["fail","x"]`: "invalid payload",
	} {
		p.send(packet)
		assert.Equal(t, answer+`"}]`, p.wait(`431[{"error":"`))
	}
	assert.Contains(t, log.String(), errSecret.Error())
}

func TestErrorForClient_Panics_IsAPanicOfTheHandler(t *testing.T) {
	gone := make(chan actio.Reason, 1)
	s := serve(t, actio.Options{
		ErrorForClient:     func(context.Context, *actio.Socket, *actio.Event, error) error { panic("on purpose") },
		ClientDisconnected: func(_ *actio.Socket, r actio.Reason) { gone <- r },
	})
	failing(t, s)
	s.connect("").send(`421["fail"]`)
	assert.Equal(t, actio.ReasonHandlerPanic, <-gone)
}
