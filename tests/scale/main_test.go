package scale

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if config := os.Getenv(childVariable); config != "" {
		if err := runChild(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// full tells whether the tests have their full size.
var full = os.Getenv("ACTIO_FULL") != ""

// sized is a value of the normal or of the full run.
func sized[T any](normal, whole T) T {
	if full {
		return whole
	}
	return normal
}

// patience bounds every wait of a test.
const patience = 2 * time.Minute

// hold is how long the clients stay, at least; beats is how many heartbeats of each kind each of them must have had by then.
func hold() time.Duration { return sized(0, 5*time.Minute) }

func beats() uint16 { return sized[uint16](2, 10) }
