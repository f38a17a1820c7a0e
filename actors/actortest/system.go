package actortest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/actio-go/actio/actors"
)

// patience bounds every wait of this package; it is fake time inside of a bubble.
const patience = 10 * time.Second

// NewSystem makes a System that logs to the test's output. At the end of the test it is closed, and the test fails if a
// goroutine still runs or a timer is armed. Stop the actors before, or in a later registered Cleanup. Options may be
// changed by configure.
func NewSystem(t testing.TB, configure ...func(*actors.Options)) *actors.System {
	t.Helper()
	out := &output{t: t}
	options := actors.Options{Logger: slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	for _, c := range configure {
		c(&options)
	}
	sys := actors.NewSystem(options)
	t.Cleanup(func() {
		t.Helper()
		defer out.close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := sys.Close(ctx); err != nil {
			t.Errorf("closing the system: %v", err)
		}
	})
	return sys
}

// output writes to the test's log until it is closed: a write after the end of the test would panic.
type output struct {
	mu sync.Mutex
	t  testing.TB // nil when closed
}

// Write logs one record.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.t != nil {
		o.t.Logf("%s", p)
	}
	return len(p), nil
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.t = nil
}
