package hostile

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// full tells whether the loads have their full size.
var full = os.Getenv("ACTIO_FULL") != ""

// sized is a number of the full or of the normal run.
func sized(normal, whole int) int {
	if full {
		return whole
	}
	return normal
}
