package component_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/component"
)

// A program with a Socket.IO server among other handlers.
func Example() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	log := slog.Default()
	mux := http.NewServeMux()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"})
	authenticate := func(_ context.Context, h *actio.Handshake) (*actio.Principal, error) {
		if user := h.Query().Get("token"); user != "" {
			return &actio.Principal{UserID: user}, nil
		}
		return nil, actio.ErrRefused
	}

	app := component.NewApplication(component.ApplicationOptions{
		Server: &http.Server{Addr: ":3000", Handler: mux, ReadHeaderTimeout: 5 * time.Second}, Logger: log,
	})
	component.RedisConnection.Bind(app.Container(), client)
	component.AuthenticateHandler.Bind(app.Container(), authenticate)
	err := errors.Join(
		app.Use(component.NewSocketIO(actio.Attached)),
		app.RegisterStopHook("redis", func(context.Context) error { return client.Close() }),
		app.Start(ctx),
	)
	if err == nil {
		select {
		case <-ctx.Done():
		case <-app.Done(): // a part has failed
		}
	}
	end, release := context.WithTimeout(context.Background(), 20*time.Second)
	defer release()
	if err := errors.Join(err, app.Stop(end), app.Err()); err != nil {
		log.Error("failed", slog.Any("error", err))
	}
}

func TestDoc_Program_IsThatOfTheExample(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	program, err := os.ReadFile("program_test.go")
	require.NoError(t, err)
	text, _, found := strings.Cut(string(doc), "# Lifecycle")
	require.True(t, found)
	var lines []string
	for line := range strings.Lines(text) {
		if code, ok := strings.CutPrefix(line, "//\t"); ok {
			lines = append(lines, "\t"+code)
		}
	}
	assert.Contains(t, string(program), strings.Join(lines, ""))
}
