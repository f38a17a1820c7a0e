package actors_test

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/actio-go/actio/actors"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// goid returns the number of the calling goroutine.
func goid() int {
	var buf [64]byte
	fields := strings.Fields(string(buf[:runtime.Stack(buf[:], false)]))
	id, err := strconv.Atoi(fields[1])
	if err != nil {
		panic(err)
	}
	return id
}

// stop stops an actor and waits for it.
func stop(t testing.TB, sys *actors.System, pid *actor.PID) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, sys.Stop(ctx, pid))
}

// trace is a list that many goroutines append to.
type trace struct {
	mu    sync.Mutex
	items []string
}

func (l *trace) add(item string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items = append(l.items, item)
}

func (l *trace) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.items...)
}

// mailboxes are the kinds to run a test with.
func mailboxes() map[string]func() actor.PropsOption {
	return map[string]func() actor.PropsOption{"inline": actors.Inline, "queued": actors.Queued}
}

// settleInline returns when the inline actor runs in the goroutine that sends to it. handled counts its messages.
func settleInline(sys *actors.System, pid *actor.PID, m any, handled *atomic.Int64) {
	for before := int64(-1); handled.Load() != before+1; runtime.Gosched() {
		before = handled.Load()
		sys.Send(pid, m)
	}
}
