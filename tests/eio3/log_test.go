package eio3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

// record is a log that may be read while it is written.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(line)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func TestLog_OfAClientOfRevision3_DoesNotHaveItsSessionID(t *testing.T) {
	t.Parallel()
	log := new(record)
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := link{}.serve(t, actio.Options{
		Authenticate:    func(context.Context, *actio.Handshake) (*actio.Principal, error) { return &actio.Principal{}, nil },
		ClientConnected: func(_ context.Context, s *actio.Socket) { logger.Info("of the application", slog.Any("socket", s)) },
		Logger:          logger,
	})
	require.NoError(t, actio.On(s.Root(), "fail", func(context.Context, *actio.Socket, actio.None) (actio.None, error) {
		return actio.None{}, errors.New("no")
	}))
	r, _ := s.poll(t, "")
	for _, event := range []string{`42["early"]`, `42["authenticate"]`, `42["authenticate"]`, `42["join",{"rooms":["a"]}]`, `42["fail"]`} {
		require.Equal(t, "ok", r.post(t, fmt.Sprintf("%d:%s", len(event), event)).body)
	}
	for _, line := range []string{"event dropped", "join rejected", "handler error", "of the application"} {
		assert.Contains(t, log.String(), line)
	}
	assert.Contains(t, log.String(), "sid="+r.sid[:10]+"… nsp=/", "enough to tell it from others")
	assert.Contains(t, log.String(), "socket.sid="+r.sid[:10]+"… socket.nsp=/")
	assert.NotContains(t, log.String(), r.sid, "whoever has it can act as the client")
}
