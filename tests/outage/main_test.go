package outage

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	redis.SetLogger(silent{})
	if config := os.Getenv(childVariable); config != "" {
		if err := serveChild(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// silent drops what go-redis says about the outages that the tests make.
type silent struct{}

// Printf implements the logger of go-redis.
func (silent) Printf(context.Context, string, ...any) {}

// full tells whether outages and loads have their full size.
var full = os.Getenv("ACTIO_FULL") != ""

// sized is a value of the normal or of the full run.
func sized[T any](normal, whole T) T {
	if full {
		return whole
	}
	return normal
}

// outage is how long a dead Redis stays dead.
func outage() time.Duration { return sized(2*time.Second, 10*time.Second) }

// stall is how long a stalled Redis does: in the normal run a little longer than it takes the servers to notice.
func stall() time.Duration { return sized(5*time.Second, 10*time.Second) }
